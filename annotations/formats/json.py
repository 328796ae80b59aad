"""JSON, which holds everything: ``{"format", "emotions", "clips": [...], "annotations": [...]}``.

An annotation names its clip by the clip's place in ``clips``, counted from 0.
"""

import json
import re
from typing import Any

from annotations.formats import shared
from annotations.formats.shared import Losses
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

#: The value of ``format``; another number would mean another shape.
FORMAT = "stf2m annotations 1"
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_LARGE = 1e300


def write(study: StudyFile, losses: Losses) -> bytes:
    """A study as indented JSON; nothing is lost."""
    places = {clip: place for place, clip in enumerate(study.clips)}
    content = {
        "format": FORMAT,
        "emotions": list(study.emotions),
        "clips": [vars(clip) for clip in study.clips],
        "annotations": [{**vars(label), "clip": places[label.clip]} for label in study.labels],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode()


def read(data: bytes, name: str) -> StudyFile:
    """A study from JSON, whatever its ``name``. Raises ``AnnotationError`` with the place that cannot be read."""
    content = parse(data)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise AnnotationError(f"The JSON file does not say that its format is {FORMAT!r}.")
    clips = [
        clip(each, f"Clip {place} of the JSON file")
        for place, each in enumerate(_list(content, "clips", "The JSON file"))
    ]
    labels = tuple(
        shared.few_enough(
            _label(each, clips, f"Annotation {place} of the JSON file")
            for place, each in enumerate(_list(content, "annotations", "The JSON file"))
        )
    )
    emotions = _list(content, "emotions", "The JSON file")
    if not all(isinstance(emotion, str) for emotion in emotions):
        raise AnnotationError("The emotions of the JSON file must be names.")
    return StudyFile(tuple(emotions), tuple(clips), labels)


def parse(data: bytes) -> Any:
    """The values of a JSON file. Raises ``AnnotationError`` where it is none."""
    text = shared.text(data, "JSON")
    try:
        content = json.loads(text, parse_constant=_no_constant)
        if _SURROGATE.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError as error:
        raise AnnotationError("The JSON file is nested too deeply.") from error
    except UnicodeEncodeError as error:
        raise AnnotationError("The JSON file is damaged: it has half a character in it.") from error
    except ValueError as error:
        raise AnnotationError(f"The JSON file is damaged: {error}.") from error
    return content


def clip(value: Any, where: str) -> FileClip:
    """A clip from a JSON object; ``where`` begins the sentence where it is none."""
    return FileClip(
        name=_field(value, "name", str, where),
        sha256=_field(value, "sha256", str, where),
        duration_s=_field(value, "duration_s", float | None, where),
        has_video=_field(value, "has_video", bool, where),
        has_sound=_field(value, "has_sound", bool, where),
    )


def _label(value: Any, clips: list[FileClip], where: str) -> FileLabel:
    place = _field(value, "clip", int, where)
    if not 0 <= place < len(clips):
        raise AnnotationError(f"{where} is on clip {place}, which is not there.")
    degrees = _field(value, "degrees", dict, where)
    return FileLabel(
        clip=clips[place],
        annotator=_field(value, "annotator", str, where),
        start_s=_field(value, "start_s", float, where),
        end_s=_field(value, "end_s", float, where),
        degrees={emotion: _field(degrees, emotion, float, where) for emotion in degrees},
        intensity=_field(value, "intensity", float | None, where),
        note=_field(value, "note", str, where),
    )


def _list(value: dict[str, Any], name: str, where: str) -> list[Any]:
    return _field(value, name, list, where)


def _field(value: Any, name: str, kind: Any, where: str) -> Any:
    """One entry of a JSON object, of that kind. A whole number is a float as well; true is no number."""
    found = value.get(name) if isinstance(value, dict) else None
    if isinstance(found, bool) and kind is not bool:
        found = str(found)
    unusable = False
    if isinstance(found, int | float) and kind in (float, float | None):
        found = number(found)
        unusable = found is None
    if unusable or not isinstance(found, kind):
        raise AnnotationError(f"{where} has no usable {name!r}.")
    return found


def number(value: Any) -> float | None:
    """A finite number of a JSON file, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _TOO_LARGE:
        return None
    return float(value)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
