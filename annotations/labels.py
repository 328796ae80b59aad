"""Annotations: created, changed and removed by people, each write against the version it was based on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from annotations import clips, events, studies, validation
from annotations.events import Actor
from annotations.records import (
    AnnotationError,
    AnnotationRecord,
    AnswerRecord,
    ChangedAnnotation,
    Edit,
    NewAnnotation,
    NotFoundError,
    PaintedRecord,
    StaleWrite,
    SuggestionRecord,
)
from annotations.schema import Annotation, Annotator, Clip, Study

#: The columns of an annotation that its record takes as they are.
_PLAIN = ("id", "clip_id", "annotator_id", "start_s", "end_s", "degrees", "intensity", "note", "version", "updated")
Query = TypeVar("Query", bound=Select)


class Changes(TypedDict, total=False):
    """What of an annotation can be changed."""

    start_s: float
    end_s: float
    degrees: Mapping[str, float]
    intensity: float | None
    note: str
    painted: PaintedRecord | None


def create(
    session: Session,
    clip: Clip,
    annotator: Annotator,
    content: Changes,
    answers: SuggestionRecord | AnswerRecord | None = None,
    *,
    actor: Actor,
) -> Annotation:
    """A new annotation on an annotator's lane. ``content`` must have start, end and degrees."""
    study = studies.get(session, clip.study_id)
    annotation = Annotation(
        clip_id=clip.id,
        annotator=annotator,
        answers=_answer(answers),
        version=1,
        updated=datetime.now(UTC),
        **{"intensity": None, "note": "", "painted": None, **checked(content, clip, study)},
    )
    session.add(annotation)
    session.flush()
    _log(session, actor, "annotation created", annotation, clip, None)
    return annotation


def change(session: Session, annotation_id: int, version: int, actor: Actor, changes: Changes) -> Annotation:
    """Change parts of an annotation that is still in ``version``. What changes nothing is not written, nor logged."""
    unknown = set(changes) - set(Changes.__annotations__)
    if unknown:
        raise AnnotationError(f"An annotation has no {', '.join(sorted(unknown))} to change.")
    annotation, clip = _current(session, annotation_id, version, actor, dict(changes))
    before = state(annotation)
    if {"start_s", "end_s"} & set(changes):
        changes = {"start_s": annotation.start_s, "end_s": annotation.end_s, **changes}
    for field, value in checked(changes, clip, studies.get(session, clip.study_id)).items():
        setattr(annotation, field, value)
    if events.same(before, state(annotation)):
        return annotation
    annotation.version += 1
    annotation.updated = datetime.now(UTC)
    _log(session, actor, "annotation changed", annotation, clip, before)
    return annotation


def remove(session: Session, annotation_id: int, version: int, actor: Actor) -> None:
    """Remove an annotation that is still in ``version``."""
    annotation, clip = _current(session, annotation_id, version, actor, {"removed": True})
    before = state(annotation)
    annotation.version += 1
    annotation.updated = annotation.deleted_at = datetime.now(UTC)
    _log(session, actor, "annotation removed", annotation, clip, before)


def edit(session: Session, clip: Clip, lane: Annotator, actor: Actor, edits: Sequence[Edit]) -> list[Annotation | None]:
    """Several edits on a lane of a clip as one step; what each left behind, None where it removed."""
    actor = actor.in_a_step()
    left: list[Annotation | None] = []
    for each in edits:
        if isinstance(each, NewAnnotation):
            content = Changes(
                start_s=each.start_s, end_s=each.end_s, degrees=each.degrees, intensity=each.intensity, note=each.note
            )
            left.append(create(session, clip, lane, content, each.answers, actor=actor))
        elif isinstance(each, ChangedAnnotation):
            left.append(change(session, each.annotation_id, each.version, actor, Changes(**each.changes)))
        else:
            left.append(remove(session, each.annotation_id, each.version, actor))
    return left


def restore(session: Session, annotation_id: int, event_id: int, version: int | None, actor: Actor) -> Annotation:
    """Bring an annotation into the state that one of its events left. ``version`` is the one the person has seen, None
    where it was removed. Names that emotions had then become those of now.
    """
    annotation = session.get(Annotation, annotation_id)
    event = session.get(events.Event, event_id)
    if annotation is None or event is None or (event.entity, event.entity_id) != ("annotation", annotation_id):
        raise NotFoundError(f"There is no state {event_id} of annotation {annotation_id}.")
    if event.after is None:
        raise AnnotationError("It was removed then; to remove it again, use Delete.")
    clip = clips.get(session, annotation.clip_id)
    if (None if annotation.deleted_at else annotation.version) != version:
        raise _stale(session, annotation, actor, {"version": version, "restored": event_id})
    before = state(annotation)
    study = studies.get(session, clip.study_id)
    degrees = studies.degrees_by_todays_names(study, event.after["degrees"])
    checked({**_content(event.after), "degrees": degrees}, clip, study)
    put(session, annotation_id, dict(event.after))
    _log(session, actor, "annotation restored", annotation, clip, before)
    return annotation


def checked(content: Changes, clip: Clip, study: Study) -> dict[str, Any]:
    """What is stored of ``content``: validated against the clip and the study's emotions."""
    clean: dict[str, Any] = {}
    if "start_s" in content and "end_s" in content:
        clean["start_s"], clean["end_s"] = validation.interval(content["start_s"], content["end_s"], clip.duration_s)
    if "degrees" in content:
        clean["degrees"] = validation.degrees(content["degrees"], [emotion.name for emotion in study.emotions])
    if "intensity" in content:
        intensity = content["intensity"]
        clean["intensity"] = None if intensity is None else validation.share(intensity, "The intensity")
    if "note" in content:
        clean["note"] = validation.note(content["note"])
    if "painted" in content:
        clean["painted"] = _painted(content["painted"], clip)
    return clean


def get(session: Session, annotation_id: int) -> Annotation:
    """An annotation that is in sight. Raises :class:`NotFoundError`."""
    annotation = session.get(Annotation, annotation_id)
    if annotation is None or annotation.deleted_at or session.get_one(Clip, annotation.clip_id).deleted_at:
        raise NotFoundError(f"There is no annotation {annotation_id}.")
    return annotation


def find(
    session: Session, clip_id: int | None = None, study_id: int | None = None, annotator_id: int | None = None
) -> list[Annotation]:
    """The annotations in sight of a clip, a study, a person or any of these together; by clip, start and id."""
    return list(session.scalars(_in_sight(select(Annotation), clip_id, study_id, annotator_id)))


def records(
    session: Session,
    clip_id: int | None = None,
    study_id: int | None = None,
    annotator_id: int | None = None,
    start_s: float | None = None,
    among: Collection[int] | None = None,
) -> list[AnnotationRecord]:
    """What :func:`find` finds, to be handed out: read without a session's book-keeping, in less than half the time.

    ``start_s``: only what starts at this moment, to the microsecond; ``among``: only what has one of these ids.
    """
    plain = [getattr(Annotation, name) for name in _PLAIN]
    query = select(Annotator.name, Annotation.answers, Annotation.painted, *plain).select_from(Annotation)
    query = query.join(Annotator, Annotator.id == Annotation.annotator_id)
    if among is not None:
        query = query.where(Annotation.id.in_(among))
    return [
        AnnotationRecord(
            annotator=annotator,
            answers=AnswerRecord(**answers) if answers else None,
            painted=PaintedRecord(**painted) if painted else None,
            **dict(zip(_PLAIN, values, strict=True)),
        )
        for annotator, answers, painted, *values in session.execute(
            _in_sight(query, clip_id, study_id, annotator_id, start_s)
        )
    ]


def _in_sight(
    query: Query,
    clip_id: int | None,
    study_id: int | None,
    annotator_id: int | None,
    start_s: float | None = None,
) -> Query:
    query = query.join(Clip, Clip.id == Annotation.clip_id)
    query = query.where(Annotation.deleted_at.is_(None), Clip.deleted_at.is_(None))
    if clip_id is not None:
        query = query.where(Annotation.clip_id == clip_id)
    if study_id is not None:
        query = query.where(Clip.study_id == study_id)
    if annotator_id is not None:
        query = query.where(Annotation.annotator_id == annotator_id)
    if start_s is not None:
        query = query.where(Annotation.start_s.between(start_s - 1e-6, start_s + 1e-6))
    return query.order_by(Annotation.clip_id, Annotation.start_s, Annotation.id)


def state(annotation: Annotation) -> events.State | None:
    """What the log keeps of an annotation; None while it is removed."""
    if annotation.deleted_at is not None:
        return None
    return {
        "clip_id": annotation.clip_id,
        "annotator_id": annotation.annotator_id,
        "start_s": annotation.start_s,
        "end_s": annotation.end_s,
        "degrees": dict(annotation.degrees),
        "intensity": annotation.intensity,
        "note": annotation.note,
        "answers": annotation.answers,
        "painted": annotation.painted,
        "version": annotation.version,
    }


def as_it_was(event: events.Event, annotators: Mapping[int, str]) -> AnnotationRecord:
    """An annotation as an event left it. ``annotators`` maps ids to names."""
    then = dict(event.after or {})
    then["answers"] = AnswerRecord(**then["answers"]) if then["answers"] else None
    then["painted"] = PaintedRecord(**then["painted"]) if then.get("painted") else None
    return AnnotationRecord(id=event.entity_id, annotator=annotators[then["annotator_id"]], updated=event.at, **then)


def put(session: Session, annotation_id: int, wanted: events.State | None) -> events.State | None:
    """Bring an annotation into an earlier state as a new version, for undo and redo; returns that state."""
    annotation = session.get_one(Annotation, annotation_id)
    now = datetime.now(UTC)
    annotation.version += 1
    annotation.updated = now
    annotation.deleted_at = now if wanted is None else None
    if wanted is not None:
        for field in Changes.__annotations__:
            setattr(annotation, field, wanted.get(field))
        study = studies.get(session, session.get_one(Clip, annotation.clip_id).study_id)
        annotation.degrees = studies.degrees_by_todays_names(study, wanted["degrees"])
    return state(annotation)


def _current(
    session: Session, annotation_id: int, version: int, actor: Actor, attempted: dict[str, Any]
) -> tuple[Annotation, Clip]:
    annotation = session.get(Annotation, annotation_id)
    if annotation is None:
        raise NotFoundError(f"There is no annotation {annotation_id}.")
    clip = clips.get(session, annotation.clip_id)
    if annotation.deleted_at is None and annotation.version == version:
        return annotation, clip
    raise _stale(session, annotation, actor, {"version": version, **attempted})


def _stale(session: Session, annotation: Annotation, actor: Actor, attempted: dict[str, Any]) -> StaleWrite:
    last = events.last_of_entity(session, "annotation", annotation.id)
    mine = last is not None and last.annotator_id == actor.annotator_id
    who = "You" if mine else last.actor if last else "Somebody"
    where = " in another window" if mine else ""
    did = "removed" if annotation.deleted_at else "changed"
    return StaleWrite(
        f"{who} {did} this segment{where} after you opened it; your change was not saved.",
        None if annotation.deleted_at else annotation.record(),
        {"annotation_id": annotation.id, **attempted},
    )


def _answer(suggestion: SuggestionRecord | AnswerRecord | None) -> dict[str, Any] | None:
    if suggestion is None:
        return None
    answer = AnswerRecord(
        suggestion.model_version_id,
        suggestion.start_s,
        suggestion.end_s,
        dict(suggestion.memberships),
        getattr(suggestion, "shown", True),
    )
    return validation.plain(asdict(answer))


def _painted(painted: PaintedRecord | None, clip: Clip) -> dict[str, float] | None:
    if painted is None:
        return None
    start_s, end_s = validation.interval(painted.start_s, painted.end_s, clip.duration_s)
    reaction_s = validation.number(painted.reaction_s, "The reaction time")
    return {"start_s": start_s, "end_s": end_s, "reaction_s": reaction_s}


def _content(then: Mapping[str, Any]) -> Changes:
    return Changes(
        start_s=then["start_s"],
        end_s=then["end_s"],
        degrees=then["degrees"],
        intensity=then["intensity"],
        note=then["note"],
    )


def _log(
    session: Session, actor: Actor, kind: str, annotation: Annotation, clip: Clip, before: events.State | None
) -> None:
    events.append(
        session,
        actor,
        kind,
        "annotation",
        annotation.id,
        study_id=clip.study_id,
        before=before,
        after=state(annotation),
    )
