"""What the timeline asks of the studio: one mapping of plain values in, one out."""

from collections.abc import Mapping
from typing import Any

from annotations.records import EventRecord, ModelVersionRecord
from app import history as histories
from app import timeline
from app.adapting import AdaptationReport
from app.studio import Studio
from app.widgets.calls import Call, plain
from app.widgets.timeline import writing

_UNDONE = {"created": "the new", "changed": "the change of", "removed": "the removal of", "imported": "the import of"}


def calls(studio: Studio) -> list[Call]:
    """The server functions of the timeline widget, by the names it calls."""

    def people(clip_id: int, annotator_id: int, review: bool) -> dict[str, Any]:
        """Everybody's annotations on a clip, which version of the model answers, and what this person can undo."""
        study = studio.study(studio.clip(clip_id).study_id)
        lane = studio.store.consensus().id if review else annotator_id
        said = studio.store.annotations(clip_id=clip_id)
        return {
            "clip": clip_id,
            "emotions": list(study.emotion_names),
            "version": studio.version(study.id).id,
            "unsure": study.settings.unsure,
            "annotations": [timeline.annotation(each, lane) for each in said],
            "suggestions": timeline.what_people_say([each for each in said if each.annotator_id != lane])
            if review
            else None,
            "can_undo": studio.store.can_undo(study.id, annotator_id),
            "can_redo": studio.store.can_redo(study.id, annotator_id),
        }

    @plain
    def open(data: dict[str, Any]) -> dict[str, Any]:
        compare_to = data.get("compare_to")
        if compare_to == "parent":
            compare_to = studio.version(studio.clip(data["clip"]).study_id).parent_id
        review = bool(data.get("review"))
        return {"timeline": studio.timeline(data["clip"], data["annotator"], compare_to=compare_to, review=review)}

    @plain
    def annotations(data: dict[str, Any]) -> dict[str, Any]:
        return people(data["clip"], data["annotator"], bool(data.get("review")))

    @plain
    def explain(data: dict[str, Any]) -> dict[str, Any]:
        return {"why": studio.reasons.explain(data["clip"], data["start_s"], data["end_s"], data.get("values"))}

    @plain
    def pulled(data: dict[str, Any]) -> dict[str, Any]:
        return studio.reasons.pulled(data["clip"], data["start_s"], data["end_s"])

    @plain
    def why_not(data: dict[str, Any]) -> dict[str, Any]:
        return {"sentence": studio.reasons.why_not(data["clip"], data["start_s"], data["end_s"], data.get("wanted"))}

    def take_back(event: EventRecord | None, done: str, data: dict[str, Any]) -> dict[str, Any]:
        if event is None:
            return {"sentence": f"There is nothing to be {done.lower()}.", "clip": None}
        state = event.after or event.before or {}
        touched = int(state.get("clip_id", 0))
        here = int(data["clip"]) if data.get("clip") else 0
        where = "" if touched in (0, here) else f" on {studio.clip(touched).name}"
        return {
            "sentence": f"{done}: {_what(event)}{where}.",
            "clips_changed": event.entity in ("clip", "visit"),
            "labels_changed": event.entity in ("study", "model version"),
            **(people(here, data["annotator"], bool(data.get("review"))) if studio.find_clip(here) else {"clip": None}),
        }

    @plain
    def undo(data: dict[str, Any]) -> dict[str, Any]:
        return take_back(studio.labels.undo(data["study"], data["annotator"]), "Undone", data)

    @plain
    def redo(data: dict[str, Any]) -> dict[str, Any]:
        return take_back(studio.labels.redo(data["study"], data["annotator"]), "Redone", data)

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

    @plain
    def history(data: dict[str, Any]) -> dict[str, Any]:
        there = studio.store.annotations(clip_id=data["clip"])
        return {"events": histories.told(studio.store.clip_history(data["clip"]), there)}

    @plain
    def visit(data: dict[str, Any]) -> dict[str, Any]:
        studio.store.visit(data["clip"], data["annotator"], data["position_s"])
        return {}

    @plain
    def finish(data: dict[str, Any]) -> dict[str, Any]:
        seen = studio.store.finish(data["clip"], data["annotator"], data["finished"])
        return {"finished": seen.finished is not None}

    @plain
    def reaction(data: dict[str, Any]) -> dict[str, Any]:
        return {"reaction_s": studio.store.set_reaction(data["annotator"], data["reaction_s"]).reaction_s}

    @plain
    def threshold(data: dict[str, Any]) -> dict[str, Any]:
        changed = studio.store.change_settings(data["study"], data["annotator"], unsure=data["unsure"])
        return {"unsure": changed.settings.unsure}

    writes = writing.calls(studio)
    reads = [open, annotations, explain, pulled, why_not, undo, redo, readiness, adapt, activate]
    return [*reads, *writes, history, visit, finish, reaction, threshold]


def _what(event: EventRecord) -> str:
    """What was undone, for people: the new happy 12.5–14.5 s."""
    if event.entity == "clip":
        return "the removal of a clip" if event.after else "bringing back a clip"
    if event.entity == "visit":
        return "a clip is finished" if (event.after or {}).get("finished") else "a clip is not finished"
    if event.entity == "model version":
        return "an edit of the rules"
    if event.entity == "study":
        return f"a change of the labels ({event.kind.rpartition(': ')[2]})"
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
        "left_out": report.left_out,
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
