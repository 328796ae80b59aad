"""What the timeline asks of the studio: one mapping of plain values in, one out."""

from collections.abc import Mapping
from typing import Any

from annotations.records import AnnotationRecord, EventRecord, ModelVersionRecord, StaleWrite
from app import timeline
from app.adapting import AdaptationReport
from app.queue_cards import UNSURE
from app.studio import Studio
from app.widgets.calls import Call, plain

_UNDONE = {"created": "the new", "changed": "the change of", "removed": "the removal of", "imported": "the import of"}


def calls(studio: Studio) -> list[Call]:
    """The server functions of the timeline widget, by the names it calls."""

    def people(clip_id: int, annotator_id: int) -> dict[str, Any]:
        """Everybody's annotations on a clip, and whether this person can undo and redo."""
        study_id = studio.clip(clip_id).study_id
        return {
            "clip": clip_id,
            "annotations": [timeline.annotation(a, annotator_id) for a in studio.store.annotations(clip_id=clip_id)],
            "can_undo": studio.store.can_undo(study_id, annotator_id),
            "can_redo": studio.store.can_redo(study_id, annotator_id),
        }

    @plain
    def open(data: dict[str, Any]) -> dict[str, Any]:
        compare_to = data.get("compare_to")
        if compare_to == "parent":
            compare_to = studio.version(studio.clip(data["clip"]).study_id).parent_id
        return {"timeline": studio.timeline(data["clip"], data["annotator"], compare_to=compare_to), "unsure": UNSURE}

    @plain
    def annotations(data: dict[str, Any]) -> dict[str, Any]:
        return people(data["clip"], data["annotator"])

    @plain
    def explain(data: dict[str, Any]) -> dict[str, Any]:
        return {"why": studio.explain(data["clip"], data["start_s"], data["end_s"])}

    @plain
    def correct(data: dict[str, Any]) -> dict[str, Any]:
        twin = None if data.get("annotation_id") else _twin(studio, data)
        if twin:
            return {"annotation": timeline.annotation(twin, data["annotator"])}
        try:
            saved = studio.correct(
                data["clip"],
                data["annotator"],
                data["start_s"],
                data["end_s"],
                data["degrees"],
                annotation_id=data.get("annotation_id"),
                version=data.get("version"),
                note=data.get("note") or "",
                intensity=data.get("intensity"),
            )
        except StaleWrite as stale:
            return _conflict(stale, data["annotator"])
        return {"annotation": saved}

    @plain
    def remove(data: dict[str, Any]) -> dict[str, Any]:
        try:
            studio.remove(data["annotation_id"], data["version"], data["annotator"])
        except StaleWrite as stale:
            return _conflict(stale, data["annotator"])
        return {"removed": True}

    def take_back(event: EventRecord | None, done: str, data: dict[str, Any]) -> dict[str, Any]:
        if event is None:
            return {"sentence": f"There is nothing to be {done.lower()}.", "clip": None}
        state = event.after or event.before or {}
        touched = int(state["clip_id"]) if event.entity == "annotation" else event.entity_id
        here = int(data["clip"]) if data.get("clip") else 0
        where = "" if touched == here or event.entity == "clip" else f" on {studio.clip(touched).name}"
        return {
            "sentence": f"{done}: {_what(event)}{where}.",
            "clips_changed": event.entity == "clip",
            **(people(here, data["annotator"]) if studio.find_clip(here) else {"clip": None}),
        }

    @plain
    def undo(data: dict[str, Any]) -> dict[str, Any]:
        return take_back(studio.undo(data["study"], data["annotator"]), "Undone", data)

    @plain
    def redo(data: dict[str, Any]) -> dict[str, Any]:
        return take_back(studio.redo(data["study"], data["annotator"]), "Redone", data)

    @plain
    def readiness(data: dict[str, Any]) -> dict[str, Any]:
        counts, missing = studio.readiness(data["study"])
        return {"counts": dict(counts), "missing": missing, "standing": _standing(studio, data["study"])}

    @plain
    def adapt(data: dict[str, Any]) -> dict[str, Any]:
        return {"report": _report(studio.adapt(data["study"], data["annotator"]))}

    @plain
    def activate(data: dict[str, Any]) -> dict[str, Any]:
        version = studio.version(data["study"], data["version"])
        return {"version": timeline.version(studio.activate(version.id, data["annotator"]))}

    return [open, annotations, explain, correct, remove, undo, redo, readiness, adapt, activate]


def _twin(studio: Studio, data: Mapping[str, Any]) -> AnnotationRecord | None:
    """The very same annotation of the same person: a page that never heard the answer asks a second time."""
    for each in studio.store.annotations(clip_id=data["clip"], annotator_id=data["annotator"]):
        same_time = abs(each.start_s - data["start_s"]) < 1e-6 and abs(each.end_s - data["end_s"]) < 1e-6
        said = (dict(each.degrees), each.note, each.intensity)
        if same_time and said == (data["degrees"], data.get("note") or "", data.get("intensity")):
            return each
    return None


def _conflict(stale: StaleWrite, annotator_id: int) -> dict[str, Any]:
    current = timeline.annotation(stale.current, annotator_id) if stale.current else None
    return {"conflict": {"sentence": str(stale), "current": current}}


def _what(event: EventRecord) -> str:
    """What was undone, for people: the new happy 12.5–14.5 s."""
    if event.entity == "clip":
        return "the removal of a clip" if event.after else "bringing back a clip"
    state = event.before or event.after or {}
    degrees: Mapping[str, float] = state.get("degrees") or {}
    emotion = max(degrees, key=lambda name: degrees[name]) if degrees else "annotation"
    did = _UNDONE.get(event.kind.split()[-1], "a change of")
    return f"{did} {emotion}, {state.get('start_s', 0):.1f}–{state.get('end_s', 0):.1f} s"


def _report(report: AdaptationReport) -> dict[str, Any]:
    held = report.held_out
    return {
        "number": report.version.number,
        "corrections": len(report.version.corrections),
        "seconds": report.seconds,
        "unlabelled": report.unlabelled,
        "unused": report.unused,
        "former": _former(report.previous),
        "held_out": held and {"before": held.before, "after": held.after, "corrections": held.corrections},
        "changed": [
            {
                "clip": change.clip_id,
                "clip_name": change.clip,
                "start_s": change.start_s,
                "end_s": change.end_s,
                "from": change.before,
                "to": change.after,
            }
            for change in report.changes
        ],
    }


def _standing(studio: Studio, study_id: int) -> dict[str, Any] | None:
    """The adapted version that answers now, with its figures and the version before it; None for the shipped model."""
    version = studio.version(study_id)
    if version.parent_id is None:
        return None
    former = studio.version(study_id, version.parent_id)
    return {"number": version.number, "held_out": version.figures.get("held_out"), "former": _former(former)}


def _former(version: ModelVersionRecord) -> dict[str, int]:
    return {"id": version.id, "number": version.number}
