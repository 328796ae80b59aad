"""Undo and redo: new events that put back what an earlier event changed, last change first, per person and study."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import clips, events, label_sets, labels, studies, versions, visits
from annotations.events import Actor
from annotations.records import AnnotationRecord, Way
from annotations.schema import Annotation, Clip, Event, Visit

_PUT = {
    "annotation": labels.put,
    "clip": clips.put,
    "study": label_sets.put,
    "visit": visits.put,
    "model version": versions.put,
}


@dataclass(frozen=True)
class Overwritten:
    """Why an undo or redo gave way: somebody else's later change stands."""

    message: str
    current: AnnotationRecord | None
    event_id: int


def undo(session: Session, study_id: int, actor: Actor) -> Event | Overwritten | None:
    """Take back this person's newest standing change in the study; None where there is none."""
    newest = events.next_undo(session, study_id, actor.annotator_id)
    return _take_back(session, newest, actor, "undo") if newest else None


def redo(session: Session, study_id: int, actor: Actor) -> Event | Overwritten | None:
    """Bring back what this person undid last; None where nothing was undone since their newest change."""
    newest = events.next_redo(session, study_id, actor.annotator_id)
    return _take_back(session, newest, actor, "redo") if newest else None


def _take_back(session: Session, newest: Event, actor: Actor, way: Way) -> Event | Overwritten:
    """Take back a whole step, or nothing of it: where something was overwritten, the step is set aside for good.

    Setting it aside lets the next undo reach this person's earlier changes.
    """
    step = events.step_of(session, newest)
    _held = _load(session, newest)  # kept alive here, or the session would read each row again and again
    last_of_each = {(event.entity, event.entity_id): event for event in step}
    clips_too = {event.entity_id for event in step if event.entity == "clip"}
    for event in last_of_each.values():
        overwritten = _overwritten(session, event, actor, way, clips_too)
        if overwritten:
            _append_all(session, step, actor, "set aside")
            return overwritten
    return _append_all(session, step, actor, way)


def _load(session: Session, newest: Event) -> list[Annotation | Clip]:
    """The rows that a step is about, read at once."""
    step = select(Event.entity_id).where(Event.entity == "annotation", events.in_step(newest))
    annotations = session.scalars(select(Annotation).where(Annotation.id.in_(step))).all()
    clip_ids = {annotation.clip_id for annotation in annotations}
    return [*annotations, *filter(None, (session.get(Clip, clip_id) for clip_id in clip_ids))]


def _append_all(session: Session, step: Sequence[Event], actor: Actor, way: Way) -> Event:
    actor, first = actor.in_a_step(), None
    # A label set comes before the annotations that follow it: they are brought back under the names of then.
    for event in sorted(step, key=lambda each: (each.entity != "study", -each.id)):
        now = _state(session, event)
        then = now if way == "set aside" else _PUT[event.entity](session, event.entity_id, event.before)
        taken_back = events.append(
            session,
            actor,
            f"{way}: {event.kind.split(': ')[-1]}",
            event.entity,
            event.entity_id,
            study_id=event.study_id,
            before=now,
            after=then,
            way=way,
            undoes=event.id,
        )
        first = first or taken_back
    assert first is not None, "a step has at least one event"
    return first


def _state(session: Session, event: Event) -> events.State | None:
    if event.entity == "clip":
        clip = session.get(Clip, event.entity_id)
        return clips.state(clip) if clip else None
    if event.entity == "study":
        return studies.state(studies.get(session, event.entity_id))
    if event.entity == "visit":
        return visits.state(session.get_one(Visit, event.entity_id))
    if event.entity == "model version":
        return versions.state(versions.get(session, event.entity_id))
    annotation = session.get(Annotation, event.entity_id)
    return labels.state(annotation) if annotation else None


def _overwritten(
    session: Session, event: Event, actor: Actor, way: Way, clips_too: Collection[int]
) -> Overwritten | None:
    """What stands in the way of taking an event back, if anything does; ``clips_too`` come or go in the same step."""
    verb = "undone" if way == "undo" else "redone"
    if event.entity == "clip":
        clip = session.get(Clip, event.entity_id)
        if clip and (clip.deleted_at is None) == (event.after is not None):
            return None
        who = _who(session, "clip", event.entity_id, actor)
        return Overwritten(f"{who} since removed or restored this clip; nothing was {verb}.", None, event.id)
    if event.entity == "visit":
        return None
    if event.entity == "study":
        return _label_set_overwritten(session, event, actor, verb)
    if event.entity == "model version":
        version = versions.get(session, event.entity_id)
        if version.active == (event.after or {})["active"]:
            return None
        now = versions.active(session, version.study_id)
        who = _who(session, "model version", now.id if now else version.id, actor)
        return Overwritten(f"{who} since chosen or taught another model; nothing was {verb}.", None, event.id)
    annotation = session.get(Annotation, event.entity_id)
    clip = session.get(Clip, annotation.clip_id) if annotation else None
    if annotation is None or clip is None or (clip.deleted_at and clip.id not in clips_too):
        return Overwritten(f"The clip of that change has since been removed; nothing was {verb}.", None, event.id)
    if events.same(labels.state(annotation), _by_todays_names(session, clip, event.after)):
        return None
    who = _who(session, "annotation", annotation.id, actor)
    did = "removed" if annotation.deleted_at else "changed"
    current = None if annotation.deleted_at else annotation.record()
    return Overwritten(f"{who} since {did} this segment; nothing was {verb}.", current, event.id)


def _label_set_overwritten(session: Session, event: Event, actor: Actor, verb: str) -> Overwritten | None:
    """What stands in the way of an earlier label set: a later change of it, or annotations it has no name for."""
    study = studies.get(session, event.entity_id)
    if studies.state(study)["emotions"] != (event.after or {})["emotions"]:
        who = _who(session, "study", study.id, actor)
        return Overwritten(f"{who} since changed the labels; nothing was {verb}.", None, event.id)
    gone = {each["name"] for each in (event.after or {})["emotions"]}
    gone -= {each["name"] for each in (event.before or {})["emotions"]}
    followed = {each.entity_id for each in events.step_of(session, event) if each.entity == "annotation"}
    for annotation in labels.find(session, None, study.id) if gone else ():
        used = gone & set(annotation.degrees)
        if used and annotation.id not in followed:
            return Overwritten(f"{min(used)!r} has been used since; nothing was {verb}.", annotation.record(), event.id)
    return None


def _by_todays_names(session: Session, clip: Clip, state: events.State | None) -> events.State | None:
    """A state of an annotation as it reads now: emotions may have been renamed since, which is not a change of it."""
    if state is None:
        return None
    study = studies.get(session, clip.study_id)
    return {**state, "degrees": studies.degrees_by_todays_names(study, state["degrees"])}


def _who(session: Session, entity: str, entity_id: int, actor: Actor) -> str:
    last = events.last_of_entity(session, entity, entity_id)
    if last is None:
        return "Somebody has"
    return "You have" if last.actor == actor.name else f"{last.actor} has"
