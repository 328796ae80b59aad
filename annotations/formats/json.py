"""JSON, which holds everything: ``{"format", "emotions", "clips": [...], "annotations": [...]}``.

An annotation names its clip by the clip's place in ``clips``, counted from 0.
"""

import json
from typing import Any

from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

#: The value of ``format``; another number would mean another shape.
FORMAT = "stf2m annotations 1"


def write(study: StudyFile) -> bytes:
    """A study as indented JSON."""
    places = {clip: place for place, clip in enumerate(study.clips)}
    content = {
        "format": FORMAT,
        "emotions": list(study.emotions),
        "clips": [vars(clip) for clip in study.clips],
        "annotations": [{**vars(label), "clip": places[label.clip]} for label in study.labels],
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1).encode()


def read(data: bytes) -> StudyFile:
    """A study from JSON. Raises ``AnnotationError`` with the place that cannot be read."""
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise AnnotationError(f"The file is not JSON: {str(error) or 'nested too deeply'}.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise AnnotationError(f"The JSON file does not say that its format is {FORMAT!r}.")
    clips = [
        _clip(each, f"Clip {place} of the JSON file")
        for place, each in enumerate(_list(content, "clips", "The JSON file"))
    ]
    labels = [
        _label(each, clips, f"Annotation {place} of the JSON file")
        for place, each in enumerate(_list(content, "annotations", "The JSON file"))
    ]
    emotions = _list(content, "emotions", "The JSON file")
    if not all(isinstance(emotion, str) for emotion in emotions):
        raise AnnotationError("The emotions of the JSON file must be names.")
    return StudyFile(tuple(emotions), tuple(clips), tuple(labels))


def _clip(value: Any, where: str) -> FileClip:
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
    if isinstance(found, int) and kind in (float, float | None):
        found = float(found)
    if not isinstance(found, kind):
        raise AnnotationError(f"{where} has no usable {name!r}.")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")
