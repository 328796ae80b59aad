"""Who may change what: each write is looked at before it is kept, by what it put into the log, and undone if refused.

The log is the one place that every change goes through, so whoever asks there has asked everywhere. What a rule is,
the store does not know: whoever opens it gives a function that raises :class:`NotAllowed`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from annotations.records import AnnotationError, LaneKind
from annotations.schema import Annotator, Event

#: What has a person's lane: its events say whose, before and after.
_IN_LANES = ("annotation", "visit")


class NotAllowed(AnnotationError):  # noqa: N818 - what happened, in a person's words
    """A person may not do what they asked for; the message says who may."""


@dataclass(frozen=True)
class Deed:
    """A change that is about to be kept: what kind of event, and who says that they do it, None for the studio itself.

    ``lanes`` are those on which it changes labels or says what is finished: annotator's id to kind of lane.
    ``after`` is what the log keeps of the thing after it.
    """

    kind: str
    entity: str
    actor: str
    annotator_id: int | None
    lanes: Mapping[int, LaneKind]
    after: Mapping[str, Any] | None = None


MayWrite = Callable[[Deed], None]


def last_event(session: Session) -> int:
    """The id of the newest event; 0 for none."""
    return session.scalar(select(func.max(Event.id))) or 0


def look(session: Session, since: int, may_write: MayWrite) -> None:
    """Ask about every event after ``since``; raises what ``may_write`` raises."""
    session.flush()
    kinds: dict[int, LaneKind] = {each.id: each.kind for each in session.scalars(select(Annotator))}
    for event in session.scalars(select(Event).where(Event.id > since).order_by(Event.id)):
        states = [state for state in (event.before, event.after) if state and event.entity in _IN_LANES]
        owners = {int(state["annotator_id"]) for state in states}
        may_write(
            Deed(
                event.kind,
                event.entity,
                event.actor,
                event.annotator_id,
                {each: kinds[each] for each in owners},
                event.after,
            )
        )
