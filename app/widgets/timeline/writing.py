"""What the timeline writes: corrections, edits of several, removals and restored states, and what came between."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from annotations.records import (
    AnnotationRecord,
    ChangedAnnotation,
    Edit,
    NewAnnotation,
    PaintedRecord,
    RemovedAnnotation,
    StaleWrite,
)
from app import timeline
from app.studio import Studio
from app.widgets.calls import Call, plain

_CONTENT = ("start_s", "end_s", "degrees", "intensity", "note")


def calls(studio: Studio) -> list[Call]:
    """The server functions that write, by the names the widget calls."""

    @plain
    def correct(data: dict[str, Any]) -> dict[str, Any]:
        twin = None if data.get("annotation_id") else _twin(studio, data, data)
        if twin:
            return {"annotation": _mine(twin)}
        painted = data.get("painted")
        try:
            saved = studio.labels.correct(
                data["clip"],
                data["annotator"],
                data["start_s"],
                data["end_s"],
                data["degrees"],
                annotation_id=data.get("annotation_id"),
                version=data.get("version"),
                note=data.get("note") or "",
                intensity=data.get("intensity"),
                painted=PaintedRecord(**{field.name: painted[field.name] for field in fields(PaintedRecord)})
                if painted
                else None,
                shown=data.get("shown", True),
                review=bool(data.get("review")),
            )
        except StaleWrite as stale:
            return _conflict(stale)
        return {"annotation": saved}

    @plain
    def edit(data: dict[str, Any]) -> dict[str, Any]:
        """Several edits at once; a page that never heard the answer asks a second time, and is told the same."""
        review = bool(data.get("review"))
        try:
            left = studio.labels.edit(
                data["clip"], data["annotator"], [_edit(part) for part in data["parts"]], review=review
            )
        except StaleWrite as stale:
            left = _done_already(studio, data)
            if left is None:
                return {"refused": f"{stale}"}
        return {"annotations": [each and _mine(each) for each in left]}

    @plain
    def accept_sure(data: dict[str, Any]) -> dict[str, Any]:
        accepted = studio.labels.accept_sure(data["clip"], data["annotator"], data["version"])
        return {"accepted": len(accepted)}

    @plain
    def remove(data: dict[str, Any]) -> dict[str, Any]:
        try:
            studio.labels.remove(data["annotation_id"], data["version"], data["annotator"])
        except StaleWrite as stale:
            return _conflict(stale)
        return {"removed": True}

    @plain
    def restore(data: dict[str, Any]) -> dict[str, Any]:
        store = studio.store
        back = store.restore_annotation(data["annotation"], data["event"], data.get("version"), data["annotator"])
        return {"annotation": _mine(back)}

    return [correct, edit, accept_sure, remove, restore]


def _mine(record: AnnotationRecord) -> dict[str, Any]:
    return timeline.annotation(record, record.annotator_id)


def _edit(part: Mapping[str, Any]) -> Edit:
    if part["kind"] == "remove":
        return RemovedAnnotation(part["annotation_id"], part["version"])
    content = {field: part[field] for field in _CONTENT}
    if part.get("annotation_id"):
        return ChangedAnnotation(part["annotation_id"], part["version"], content)
    return NewAnnotation(**content)


def _done_already(studio: Studio, data: Mapping[str, Any]) -> Sequence[AnnotationRecord | None] | None:
    """What an edit has left behind where all of it was done before; None where something else came between."""
    there = {each.id: each for each in studio.store.annotations(clip_id=data["clip"])}
    left: list[AnnotationRecord | None] = []
    for part in data["parts"]:
        now = there.get(part.get("annotation_id")) if part.get("annotation_id") else _twin(studio, data, part)
        if part["kind"] == "remove":
            if now:
                return None
        elif now is None or not _same(now, part):
            return None
        left.append(now)
    return left


def _twin(studio: Studio, data: Mapping[str, Any], part: Mapping[str, Any]) -> AnnotationRecord | None:
    """The very same annotation of the same lane: a page that never heard the answer asks a second time."""
    lane = studio.store.consensus().id if data.get("review") else data["annotator"]
    there = studio.store.annotations(clip_id=data["clip"], annotator_id=lane, start_s=part["start_s"])
    return next((each for each in there if _same(each, part)), None)


def _same(one: AnnotationRecord, part: Mapping[str, Any]) -> bool:
    same_time = abs(one.start_s - part["start_s"]) < 1e-6 and abs(one.end_s - part["end_s"]) < 1e-6
    said = (dict(one.degrees), one.note, one.intensity)
    return same_time and said == (part["degrees"], part.get("note") or "", part.get("intensity"))


def _conflict(stale: StaleWrite) -> dict[str, Any]:
    return {"conflict": {"sentence": str(stale), "current": _mine(stale.current) if stale.current else None}}
