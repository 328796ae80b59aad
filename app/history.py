"""What happened to the annotations of a clip, for people: who, when, what, and a state to go back to."""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.records import AnnotationRecord, EventRecord

#: What an event did, by the last word of its kind or by how it came about.
_DID = {
    "created": "made it",
    "changed": "changed it",
    "removed": "removed it",
    "imported": "imported it",
    "restored": "brought an earlier state back",
}


def told(events: Sequence[EventRecord], there: Sequence[AnnotationRecord]) -> list[dict[str, Any]]:
    """The events of a clip's annotations as plain values, newest first. ``there`` are the annotations in sight.

    ``restorable`` is whether the state after an event differs from the one now; ``version`` is the present version
    that a restoring write must name, None where the annotation is removed now.
    """
    now = {each.id: each for each in there}
    return [_told(event, now.get(event.entity_id)) for event in reversed(events)]


def _told(event: EventRecord, now: AnnotationRecord | None) -> dict[str, Any]:
    after = event.after
    return {
        "event": event.id,
        "annotation": event.entity_id,
        "version": now.version if now else None,
        "at": event.at.isoformat(),
        "who": event.actor,
        "did": _did(event),
        "after": after and {key: after[key] for key in ("start_s", "end_s", "degrees", "intensity", "note")},
        "restorable": after is not None and not _is_now(after, now),
    }


def _did(event: EventRecord) -> str:
    if event.way != "do":
        taken = {"undo": "undid", "redo": "redid", "set aside": "could not undo"}[event.way]
        return f"{taken} a change"
    if event.kind.startswith("annotation follows"):
        return f"{event.kind.rpartition(': ')[2]}: it followed"
    return _DID.get(event.kind.rpartition(" ")[2], event.kind)


def _is_now(after: Mapping[str, Any], now: AnnotationRecord | None) -> bool:
    if now is None:
        return False
    same = (now.start_s, now.end_s, dict(now.degrees), now.intensity, now.note)
    return same == (after["start_s"], after["end_s"], after["degrees"], after["intensity"], after["note"])
