"""Many clips or annotations at once: a few statements instead of several for each, which is what a corpus needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from annotations import clips, events, labels
from annotations.events import Actor
from annotations.schema import Annotation, Annotator, Base, Clip

#: Rows that are written, and held in memory, at a time.
AT_ONCE = 5000
#: The tables themselves: their rows need no mapping to objects.
_ANNOTATIONS, _EVENTS = Base.metadata.tables["annotations"], Base.metadata.tables["events"]


@dataclass(frozen=True)
class New:
    """An annotation to be; ``content`` is what :func:`annotations.labels.checked` made of it."""

    clip: Clip
    annotator: Annotator
    content: dict[str, Any]


def add_clips(session: Session, new: Sequence[Clip], actor: Actor) -> None:
    """Add clips that are in no session yet (:func:`annotations.clips.made`), with an event each."""
    now = datetime.now(UTC)
    session.add_all(new)
    session.flush()
    logged = [_event("clip added", "clip", clip.id, clip.study_id, clips.state(clip), actor, now) for clip in new]
    for start in range(0, len(logged), AT_ONCE):
        _log(session, logged[start : start + AT_ONCE], actor.step)


def create(session: Session, study_id: int, new: Sequence[New], actor: Actor, kind: str) -> None:
    """Create annotations with an event of ``kind`` each, all of the actor's step or of one of their own."""
    now = datetime.now(UTC)
    step = actor.step or events.Step()
    for start in range(0, len(new), AT_ONCE):
        made = [_row(each, now) for each in new[start : start + AT_ONCE]]
        returning = insert(_ANNOTATIONS).returning(_ANNOTATIONS.c.id, sort_by_parameter_order=True)
        ids = session.scalars(returning, made).all()
        states = [labels.state(Annotation(id=number, **row)) for row, number in zip(made, ids, strict=True)]
        logged = [
            _event(kind, "annotation", number, study_id, state, actor, now)
            for number, state in zip(ids, states, strict=True)
        ]
        _log(session, logged, step)


def _log(session: Session, logged: list[dict[str, Any]], step: events.Step | None) -> None:
    """Write events, the first of which opens the step where nothing has; None: each is a step of its own."""
    if step and step.opened is None and logged:
        step.opened = session.scalars(insert(_EVENTS).returning(_EVENTS.c.id), logged[:1]).one()
        logged = logged[1:]
    if logged:
        session.execute(insert(_EVENTS), [{**row, "step_id": step.opened if step else None} for row in logged])


def _row(new: New, now: datetime) -> dict[str, Any]:
    return {
        "clip_id": new.clip.id,
        "annotator_id": new.annotator.id,
        "intensity": None,
        "note": "",
        "painted": None,
        **new.content,
        "answers": None,
        "version": 1,
        "updated": now,
        "deleted_at": None,
    }


def _event(
    kind: str, entity: str, entity_id: int, study_id: int, after: events.State | None, actor: Actor, at: datetime
) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "at": at,
        "annotator_id": actor.annotator_id,
        "actor": actor.name,
        "kind": kind,
        "entity": entity,
        "entity_id": entity_id,
        "before": None,
        "after": after,
        "way": "do",
        "undoes": None,
        "step_id": None,
    }
