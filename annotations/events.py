"""The append-only log: written with every change, read for history, folded back into the state it led to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from annotations.records import EventRecord, Way
from annotations.schema import Annotation, Annotator, Event

State = dict[str, Any]

#: The changes that a person takes back with undo. A model that was adapted, or chosen, is gone back on by choosing
#: another one.
UNDOABLE = (
    "annotation created",
    "annotation changed",
    "annotation removed",
    "annotation imported",
    "annotation restored",
    "clip removed",
    "clip restored",
    "clip finished",
    "clip reopened",
    "emotion added",
    "emotion renamed",
    "emotions merged",
    "emotion recoloured",
    "rules edited",
)


@dataclass
class Step:
    """Changes of many kinds that one undo takes back; ``opened`` is the first one's event."""

    opened: int | None = None


@dataclass(frozen=True)
class Actor:
    """Who did it: an annotator, or a model or the studio itself, which have no ``annotator_id``.

    ``step`` is what all that they do now belongs to, None where each change is a step of its own.
    """

    name: str
    annotator_id: int | None = None
    step: Step | None = None

    @classmethod
    def of(cls, annotator: Annotator | None) -> "Actor":
        """A person, or the studio where it was nobody."""
        return cls(annotator.name, annotator.id) if annotator else STUDIO

    def in_a_step(self) -> "Actor":
        """The same, all of whose next changes one undo takes back together; within a step, that one goes on."""
        return self if self.step else replace(self, step=Step())


STUDIO = Actor("studio")


def append(
    session: Session,
    actor: Actor,
    kind: str,
    entity: str,
    entity_id: int,
    *,
    study_id: int | None,
    before: State | None,
    after: State | None,
    way: Way = "do",
    undoes: int | None = None,
) -> Event:
    """Write one event, which belongs to the actor's step where there is one."""
    event = Event(
        study_id=study_id,
        at=datetime.now(UTC),
        annotator_id=actor.annotator_id,
        actor=actor.name,
        kind=kind,
        entity=entity,
        entity_id=entity_id,
        before=before,
        after=after,
        way=way,
        undoes=undoes,
        step_id=actor.step.opened if actor.step else None,
    )
    session.add(event)
    session.flush()
    if actor.step and actor.step.opened is None:
        actor.step.opened = event.id
    return event


def replay(events: Iterable[EventRecord]) -> dict[tuple[str, int], State]:
    """The state that the events led to, by entity and id: what is there after the last of them.

    The events must be those of a whole log, in the order of their ids.
    """
    state: dict[tuple[str, int], State] = {}
    for event in events:
        key = (event.entity, event.entity_id)
        if event.after is None:
            state.pop(key, None)
        else:
            state[key] = dict(event.after)
    return state


def counted(session: Session) -> dict[str, int]:
    """How many events of each kind there are."""
    return dict(session.execute(select(Event.kind, func.count()).group_by(Event.kind)).tuples().all())


def of_study(session: Session, study_id: int, after_id: int = 0) -> list[EventRecord]:
    """The events of a study with an id above ``after_id``, oldest first."""
    query = select(Event).where(Event.study_id == study_id, Event.id > after_id).order_by(Event.id)
    return [event.record() for event in session.scalars(query)]


def of_entity(session: Session, entity: str, entity_id: int) -> list[EventRecord]:
    """The history of one thing, oldest first."""
    query = select(Event).where(Event.entity == entity, Event.entity_id == entity_id).order_by(Event.id)
    return [event.record() for event in session.scalars(query)]


def of_annotations(session: Session, clip_id: int, latest: int) -> list[EventRecord]:
    """The latest events of the annotations of a clip, oldest first."""
    there = select(Annotation.id).where(Annotation.clip_id == clip_id)
    query = select(Event).where(Event.entity == "annotation", Event.entity_id.in_(there))
    return [event.record() for event in reversed(session.scalars(query.order_by(Event.id.desc()).limit(latest)).all())]


def last_of_entity(session: Session, entity: str, entity_id: int) -> Event | None:
    """The newest event of one thing."""
    query = select(Event).where(Event.entity == entity, Event.entity_id == entity_id)
    return session.scalars(query.order_by(Event.id.desc()).limit(1)).first()


def next_undo(session: Session, study_id: int, annotator_id: int | None) -> Event | None:
    """The event that undo takes back: this person's newest change here that is not taken back yet."""
    query = _newest(study_id, annotator_id).where(or_(_DONE, Event.way == "redo"), ~_taken_back())
    return session.scalars(query).first()


def next_redo(session: Session, study_id: int, annotator_id: int | None) -> Event | None:
    """The undo that redo takes back; none once this person has made a new change since."""
    done = session.scalars(_newest(study_id, annotator_id).where(_DONE)).first()
    query = _newest(study_id, annotator_id).where(Event.way == "undo", Event.id > (done.id if done else 0))
    return session.scalars(query.where(~_taken_back())).first()


def step_of(session: Session, event: Event) -> Sequence[Event]:
    """All events of the same step, oldest first."""
    return session.scalars(select(Event).where(in_step(event)).order_by(Event.id)).all()


def in_step(event: Event) -> ColumnElement[bool]:
    """The condition that an event is of the same step."""
    first = event.step_id or event.id
    return or_(Event.id == first, Event.step_id == first)


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Whether two states say the same; how often it was changed to get there does not matter."""
    if one is None or other is None:
        return one is other
    return {**one, "version": None} == {**other, "version": None}


_DONE = (Event.way == "do") & Event.kind.in_(UNDOABLE)


def _newest(study_id: int, annotator_id: int | None) -> Select[Any]:
    mine = (Event.study_id == study_id, Event.annotator_id == annotator_id)
    return select(Event).where(*mine).order_by(Event.id.desc()).limit(1)


def _taken_back() -> ColumnElement[bool]:
    later = aliased(Event)
    return exists().where(later.undoes == Event.id)
