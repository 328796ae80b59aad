"""What a person or a model may store: every rule raises one plain sentence."""

import math
import re
from collections.abc import Collection, Mapping
from numbers import Real
from typing import Any

from annotations.records import AnnotationError

#: A time this far beyond the end of a clip, seconds, is taken as the end: one frame of the common time grid.
SLACK_S = 0.1
_LONGEST_NAME = 200
_LONGEST_NOTE = 10_000
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def name(value: str, what: str) -> str:
    """A name on one line, single spaces. ``what`` says whose name: "A study". Raises where it is empty or too long."""
    if not isinstance(value, str):
        raise AnnotationError(f"{what} needs a name in letters.")
    clean = " ".join(_CONTROL.sub(" ", value).split())
    if not clean:
        raise AnnotationError(f"{what} needs a name.")
    if len(clean) > _LONGEST_NAME:
        raise AnnotationError(f"{what} can have a name of at most {_LONGEST_NAME} characters.")
    return clean


def note(value: str) -> str:
    """A note without control characters (line breaks and tabs stay). Raises where it is too long."""
    if not isinstance(value, str):
        raise AnnotationError("A note must be text.")
    clean = _CONTROL.sub("", value)
    if len(clean) > _LONGEST_NOTE:
        raise AnnotationError(f"A note can have at most {_LONGEST_NOTE} characters; this one has {len(clean)}.")
    return clean


def interval(start_s: float, end_s: float, duration_s: float) -> tuple[float, float]:
    """Start and end within a clip, seconds; up to ``SLACK_S`` beyond its end counts as its end."""
    start, end = number(start_s, "The start"), number(end_s, "The end")
    if start < 0:
        raise AnnotationError(f"A segment cannot start before the clip does, at {start:g} s.")
    if end > duration_s + SLACK_S:
        raise AnnotationError(f"The segment ends at {end:g} s, but the clip ends at {duration_s:g} s.")
    end = min(end, duration_s)
    if end <= start:
        raise AnnotationError(f"A segment must end after it starts, not {start:g}–{end:g} s.")
    return start, end


def degrees(values: Mapping[str, float], emotions: Collection[str]) -> dict[str, float]:
    """Degrees in (0, 1] of emotions of the study, in the study's order; at least one."""
    if not isinstance(values, Mapping) or not values:
        raise AnnotationError("An annotation needs at least one emotion.")
    unknown = [str(emotion) for emotion in values if emotion not in emotions]
    if unknown:
        raise AnnotationError(f"This study has no emotion {unknown[0]!r}; it has {', '.join(emotions)}.")
    clean = {emotion: number(values[emotion], f"The degree of {emotion}") for emotion in emotions if emotion in values}
    for emotion, degree in clean.items():
        if not 0 < degree <= 1:
            raise AnnotationError(f"The degree of {emotion} must be above 0 and at most 1, not {degree:g}.")
    return clean


def share(value: float, what: str) -> float:
    """A number in [0, 1]. ``what`` begins the sentence: "The intensity"."""
    clean = number(value, what)
    if not 0 <= clean <= 1:
        raise AnnotationError(f"{what} must be between 0 and 1, not {clean:g}.")
    return clean


def number(value: float, what: str) -> float:
    """A finite number, as a plain float."""
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise AnnotationError(f"{what} must be a number, not {value!r}.")
    return float(value)


def plain(value: Any) -> Any:
    """Plain JSON values: numbers of other libraries become Python's, what is not a finite number becomes None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool | str):
        return value
    if hasattr(value, "tolist"):  # arrays and their scalars
        return plain(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    raise AnnotationError(f"{type(value).__name__} cannot be stored as a figure.")
