"""Label Studio's JSON: a task per clip, in it an annotation per person and a prediction per model.

Labels of a stretch are results of the tag ``TimelineLabels``, labels of a whole clip are ``Choices``. Label Studio
counts frames from 1 and shows a video with 24 of them per second unless its tag says otherwise, so that is what ranges
are written in; exact seconds, degrees and intensity are in the results' ``meta``, which Label Studio keeps, and count
only as long as nobody has changed the result there. ``docs/formats.md`` has the labelling interface.

Shapes: https://labelstud.io/guide/task_format and https://labelstud.io/tags/timelinelabels.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from annotations.formats import json as own_json
from annotations.formats import shared
from annotations.formats.shared import Losses
from annotations.interchange import TO_THE_END, FileClip, FileLabel, FileSuggestion, StudyFile
from annotations.records import AnnotationError

#: Frames per second of Label Studio's Video tag, where it is not told another number.
USUAL_FPS = 24.0
_FPS = ("fps", "frame_rate", "frameRate", "framerate")
_LABELS = ("timelinelabels", "labels", "choices")
_MEDIA = ("video", "audio", "video_url", "audio_url", "url")
_OURS = "stf2m"
#: Label Studio puts eight hexadecimal digits before the name of an uploaded file.
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")


def write(study: StudyFile, losses: Losses) -> bytes:
    """A study as tasks to be imported into Label Studio."""
    if not study.clips:
        losses.add("emotions", len(study.emotions))
    tasks = [_task(each, number) for number, each in enumerate(shared.by_clip(study).values(), start=1)]
    return json.dumps(tasks, ensure_ascii=False, allow_nan=False, indent=1).encode()


def read(data: bytes, name: str) -> StudyFile:
    """The labels in an export of Label Studio, whatever its ``name``. Raises ``AnnotationError`` with the task."""
    content = own_json.parse(data)
    tasks = content if isinstance(content, list) else [content]
    reader = _Reader()
    labels = (label for number, task in enumerate(tasks, start=1) for label in reader.read(task, number))
    return reader.study(tuple(shared.few_enough(labels)))


# --- writing ------------------------------------------------------------------------------------------------------


def _task(study: StudyFile, number: int) -> dict[str, Any]:
    (clip,) = study.clips
    people = shared.by_annotator(study.labels)
    suggested = sorted(study.suggestions, key=lambda each: each.model)
    return {
        "id": number,
        "data": {"video": clip.name, _OURS: {**vars(clip), "emotions": study.emotions}},
        "annotations": [{"annotator": person, "result": list(_results(labels))} for person, labels in people.items()],
        "predictions": [_prediction(model, list(own)) for model, own in groupby(suggested, lambda each: each.model)],
    }


def _results(labels: Sequence[FileLabel]) -> Iterator[dict[str, Any]]:
    whole = next((label for label in labels if _is_choice(label)), None)
    for number, label in enumerate(labels, start=1):
        if label is whole:
            value = {"choices": list(label.degrees)}
            yield {"id": f"l{number}", "type": "choices", "from_name": "whole_clip", "to_name": "video", "value": value}
        else:
            result = _range(label.emotion, label.start_s, label.end_s, label.degrees, intensity=label.intensity)
            text = {"text": [label.note]} if label.note else {}
            yield {"id": f"l{number}", **result, "meta": {**result["meta"], **text}}


def _is_choice(label: FileLabel) -> bool:
    """Whether a label is a plain choice for its whole clip, so that Label Studio's Choices hold all of it."""
    plain = label.intensity is None and not label.note and set(label.degrees.values()) == {1.0}
    return plain and (label.start_s, label.end_s) == (0.0, label.clip.duration_s)


def _prediction(model: str, suggestions: Sequence[FileSuggestion]) -> dict[str, Any]:
    results = []
    for number, each in enumerate(suggestions, start=1):
        strongest = max(each.memberships, key=lambda emotion: each.memberships[emotion])
        result = _range(strongest, each.start_s, each.end_s, each.memberships, uncertainty=each.uncertainty)
        results.append({"id": f"p{number}", **result, "score": each.memberships[strongest]})
    score = 1 - sum(each.uncertainty for each in suggestions) / len(suggestions)
    return {"model_version": model, "score": score, "result": results}


def _range(
    emotion: str, start_s: float, end_s: float, degrees: Mapping[str, float], **more: float | None
) -> dict[str, Any]:
    first, last = _frames(start_s, end_s)
    return {
        "type": "timelinelabels",
        "from_name": "emotion",
        "to_name": "video",
        "value": {"ranges": [{"start": first, "end": last}], "timelinelabels": [emotion]},
        "meta": {_OURS: {"start_s": start_s, "end_s": end_s, "degrees": dict(degrees), **more}},
    }


def _frames(start_s: float, end_s: float) -> tuple[int, int]:
    """The first and the last frame of a stretch, counted from 1."""
    first = math.floor(start_s * USUAL_FPS) + 1
    return first, max(math.ceil(end_s * USUAL_FPS), first)


# --- reading ------------------------------------------------------------------------------------------------------


class _Reader:
    """Reads one task after another and counts what is no label."""

    def __init__(self) -> None:
        self.emotions: dict[str, None] = {}
        self.clips: dict[FileClip, None] = {}
        self.strange: Counter[str] = Counter()
        self.suggested: Counter[str] = Counter()
        self.cancelled = 0
        self.guessed = 0

    def study(self, labels: tuple[FileLabel, ...]) -> StudyFile:
        """What was read, with the labels in it, and in sentences what was not."""
        left_out = []
        if self.suggested:
            told = shared.left_out(self.suggested.total(), f"suggestion of {', '.join(self.suggested)}")
            left_out.append(f"{told}: a model's suggestions are no labels.")
        if self.strange:
            kinds = ", ".join(f"{kind} {number}" for kind, number in self.strange.items())
            left_out.append(f"{shared.left_out(self.strange.total(), 'result')}, of other kinds than labels: {kinds}.")
        if self.cancelled:
            left_out.append(f"{shared.left_out(self.cancelled, 'annotation')}, for being cancelled.")
        if self.guessed:
            left_out.append(
                f"The file does not say how many frames make a second: for {self.guessed} of its ranges "
                f"{USUAL_FPS:g} were taken, as Label Studio does."
            )
        used = dict.fromkeys([*self.emotions, *(emotion for label in labels for emotion in label.degrees)])
        return StudyFile(tuple(used), tuple(self.clips), labels, left_out=tuple(left_out))

    def read(self, task: Any, number: int) -> Iterator[FileLabel]:
        """The labels of one task of the file. Raises ``AnnotationError`` where it is none."""
        where = f"Task {number} of the file"
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise AnnotationError(f"{where} is none of Label Studio's: it has no 'data'.")
        clip = _clip(task, where)
        self.clips[clip] = None
        ours = _dict(task["data"], _OURS).get("emotions", [])
        self.emotions.update(dict.fromkeys(each for each in ours if isinstance(each, str)))
        for prediction in _dicts(task, "predictions"):
            self.suggested[str(prediction.get("model_version") or "a model")] += len(_dicts(prediction, "result"))
        self.suggested = +self.suggested
        for annotation in (*_dicts(task, "annotations"), *_dicts(task, "completions")):
            if annotation.get("was_cancelled") is True:
                self.cancelled += 1
                continue
            person = _person(annotation)
            for result in _dicts(annotation, "result"):
                yield from self._result(result, task, clip, person, where)

    def _result(
        self, result: dict[str, Any], task: dict[str, Any], clip: FileClip, person: str, where: str
    ) -> Iterator[FileLabel]:
        value = _dict(result, "value")
        names = next((value[key] for key in _LABELS if isinstance(value.get(key), list)), [])
        degrees = {name: 1.0 for name in names if isinstance(name, str)}
        stretches = list(self._stretches(result, value, task, clip, where)) if degrees else []
        if not stretches:
            self.strange[str(result.get("type") or "unknown")] += 1
            return
        meta = _dict(result, "meta")
        told = _with_meta(FileLabel(clip, person, 0.0, 0.0, degrees), meta)  # once, for all its stretches share it
        for start_s, end_s in stretches:
            yield _with_times(replace(told, start_s=start_s, end_s=end_s), _dict(meta, _OURS))

    def _stretches(
        self, result: dict[str, Any], value: dict[str, Any], task: dict[str, Any], clip: FileClip, where: str
    ) -> Iterator[tuple[float, float]]:
        if "sequence" in value:
            return
        if "ranges" in value:
            fps = _fps(value, _dict(result, "meta"), result, task["data"], _dict(task, "meta"))
            ours = _OURS in task["data"]
            for each in _dicts(value, "ranges"):
                first, last = own_json.number(each.get("start")), own_json.number(each.get("end"))
                if first is None or last is None:
                    raise AnnotationError(f"{where} has a range without a start and an end in frames.")
                self.guessed += fps is None and not ours
                yield max(first - 1, 0.0) / (fps or USUAL_FPS), last / (fps or USUAL_FPS)
        elif "start" in value or "end" in value:
            start_s, end_s = own_json.number(value.get("start")), own_json.number(value.get("end"))
            if start_s is not None and end_s is not None:
                yield start_s, end_s
        elif result.get("type") == "choices":
            yield 0.0, TO_THE_END if clip.duration_s is None else clip.duration_s


def _clip(task: dict[str, Any], where: str) -> FileClip:
    data = task["data"]
    ours = _dict(data, _OURS)
    name = ours.get("name") or data.get("clip") or task.get("file_upload")
    name = name or next((data[key] for key in _MEDIA if isinstance(data.get(key), str)), None)
    if not isinstance(name, str) or not name.strip():
        raise AnnotationError(f"{where} does not say of which clip it is.")
    if not ours:
        name = _UPLOADED.sub("", shared.file_of(name.partition("?")[0]))
    sha256 = ours.get("sha256")
    return FileClip(
        name,
        sha256 if isinstance(sha256, str) else "",
        own_json.number(ours.get("duration_s", data.get("duration"))),
        ours.get("has_video") is not False,
        ours.get("has_sound") is not False,
    )


def _person(annotation: dict[str, Any]) -> str:
    """Who made an annotation, as well as the file tells."""
    named, by = annotation.get("annotator"), annotation.get("completed_by")
    if isinstance(named, str) and named.strip():
        return named
    if isinstance(by, dict):
        full = " ".join(part for key in ("first_name", "last_name") if isinstance(part := by.get(key), str) and part)
        other = next((by[key] for key in ("username", "email") if isinstance(by.get(key), str)), "")
        by = full or other or by.get("id")
    if isinstance(by, str) and by.strip():
        return by
    return "Label Studio" if by is None else f"Label Studio user {by}"


def _fps(*places: dict[str, Any]) -> float | None:
    """Frames per second, from wherever the file tells: by that name, or as frames and seconds."""
    for place in places:
        for key in _FPS:
            if (fps := own_json.number(place.get(key))) and fps > 0:
                return fps
        frames, seconds = own_json.number(place.get("framesCount")), own_json.number(place.get("duration"))
        if frames and seconds and frames > 0 and seconds > 0:
            return frames / seconds
    return None


def _with_meta(label: FileLabel, meta: dict[str, Any]) -> FileLabel:
    """A label with what its meta tells beside times; degrees only where the result still is as it was written."""
    told, ours = meta.get("text"), _dict(meta, _OURS)
    lines = told if isinstance(told, list) else [told]
    note = "\n".join(line for line in lines if isinstance(line, str))
    exact = replace(label, note=note, intensity=own_json.number(ours.get("intensity")))
    numbers = {name: own_json.number(each) for name, each in _dict(ours, "degrees").items()}
    degrees = {name: value for name, value in numbers.items() if value is not None}
    if degrees and list(label.degrees) == [replace(label, degrees=degrees).emotion]:
        exact = replace(exact, degrees=degrees)
    return exact


def _with_times(label: FileLabel, ours: dict[str, Any]) -> FileLabel:
    """A label with the exact times that its meta tells, where the result still is as it was written."""
    start_s, end_s = own_json.number(ours.get("start_s")), own_json.number(ours.get("end_s"))
    if start_s is not None and end_s is not None and 0 <= start_s < end_s < TO_THE_END:
        first, last = _frames(start_s, end_s)
        if ((first - 1) / USUAL_FPS, last / USUAL_FPS) == (label.start_s, label.end_s):
            return replace(label, start_s=start_s, end_s=end_s)
    return label


def _dict(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _dicts(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
