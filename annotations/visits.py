"""How far people are with the clips: where they were last, and which they have finished."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import events, validation
from annotations.events import Actor
from annotations.schema import Annotator, Clip, Visit


def visit(session: Session, clip: Clip, person: Annotator, position_s: float) -> Visit:
    """Remember where a person is on a clip, seconds. It changes nothing about the clip, so it is no event."""
    seen = _of(session, clip, person)
    seen.position_s = min(max(validation.number(position_s, "The position"), 0.0), clip.duration_s)
    seen.opened = datetime.now(UTC)
    return seen


def finish(session: Session, clip: Clip, person: Annotator, finished: bool) -> Visit:
    """Say that a person has finished a clip, or has not after all."""
    seen = _of(session, clip, person)
    if (seen.finished_at is not None) == finished:
        return seen
    session.flush()
    before = state(seen)
    seen.finished_at = datetime.now(UTC) if finished else None
    events.append(
        session,
        Actor.of(person),
        "clip finished" if finished else "clip reopened",
        "visit",
        seen.id,
        study_id=clip.study_id,
        before=before,
        after=state(seen),
    )
    return seen


def of_study(session: Session, study_id: int) -> list[Visit]:
    """The visits to the clips of a study that are in sight, by clip and person."""
    query = select(Visit).join(Clip, Clip.id == Visit.clip_id)
    query = query.where(Clip.study_id == study_id, Clip.deleted_at.is_(None))
    return list(session.scalars(query.order_by(Visit.clip_id, Visit.annotator_id)))


def state(seen: Visit) -> events.State:
    """What the log keeps of a visit."""
    finished = seen.finished_at.isoformat() if seen.finished_at else None
    return {"clip_id": seen.clip_id, "annotator_id": seen.annotator_id, "finished": finished}


def put(session: Session, visit_id: int, wanted: events.State | None) -> events.State:
    """Finish or reopen a clip, for undo and redo."""
    seen = session.get_one(Visit, visit_id)
    finished = wanted["finished"] if wanted else None
    seen.finished_at = datetime.fromisoformat(finished) if finished else None
    return state(seen)


def _of(session: Session, clip: Clip, person: Annotator) -> Visit:
    query = select(Visit).where(Visit.clip_id == clip.id, Visit.annotator_id == person.id)
    found = session.scalars(query).first()
    if found:
        return found
    new = Visit(clip_id=clip.id, annotator_id=person.id, position_s=0.0, opened=datetime.now(UTC), finished_at=None)
    session.add(new)
    session.flush()
    return new
