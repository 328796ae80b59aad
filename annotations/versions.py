"""Model versions of a study, exactly one of them active, and the suggestions each of them made."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, get_args

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from annotations import clips, events, labels, studies, validation
from annotations.events import Actor
from annotations.records import (
    AnnotationError,
    AnnotationRecord,
    NewVersion,
    NotFoundError,
    SuggestionRecord,
    UsedCorrection,
    VersionKind,
)
from annotations.schema import Event, ModelVersion, Suggestion


def add(session: Session, study_id: int, new: NewVersion, actor: Actor, *, activate: bool) -> ModelVersion:
    """The next version of the study; the first one of a study is active in any case."""
    study = studies.get(session, study_id)
    if new.kind not in get_args(VersionKind):
        raise AnnotationError(f"A model version is base or adapted, not {new.kind!r}.")
    if new.parent_id is not None and get(session, new.parent_id).study_id != study.id:
        raise AnnotationError("A model version and its parent must be of one study.")
    numbers = select(func.max(ModelVersion.number)).where(ModelVersion.study_id == study.id)
    number = (session.scalar(numbers) or 0) + 1
    version = ModelVersion(
        study_id=study.id,
        number=number,
        parent_id=new.parent_id,
        created=datetime.now(UTC),
        kind=new.kind,
        emotions=[validation.name(emotion, "An emotion") for emotion in new.emotions],
        corrections=[asdict(_used(correction)) for correction in new.corrections],
        figures=validation.plain(new.figures),
        file=validation.name(new.file, "A model file"),
        active=False,
    )
    session.add(version)
    session.flush()
    _log(session, actor, "model version created", version, before=None)
    if activate or number == 1:
        make_active(session, version, actor, "rules edited" if new.edit else "model version activated")
    return version


def make_active(session: Session, version: ModelVersion, actor: Actor, kind: str = "model version activated") -> None:
    """Make a version the one that suggests; the log says which one it was before, and what ``kind`` of change it is."""
    was = active(session, version.study_id)
    if was is version:
        return
    actor = actor.in_a_step()
    for each in (was, version):
        if each is not None:
            _switch(session, each, actor, "model version deactivated" if each.active else kind)


def put(session: Session, version_id: int, then: events.State | None) -> events.State:
    """Make a version active or not, as a state from the log says; what it has learned stays."""
    version = get(session, version_id)
    version.active = bool(then and then["active"])
    session.flush()
    return state(version)


def get(session: Session, version_id: int) -> ModelVersion:
    """A model version by id. Raises :class:`NotFoundError`."""
    version = session.get(ModelVersion, version_id)
    if version is None:
        raise NotFoundError(f"There is no model version {version_id}.")
    return version


def of_study(session: Session, study_id: int) -> list[ModelVersion]:
    """The versions of a study by number."""
    query = select(ModelVersion).where(ModelVersion.study_id == study_id)
    return list(session.scalars(query.order_by(ModelVersion.number)))


def active(session: Session, study_id: int) -> ModelVersion | None:
    """The version that suggests now; None while the study has none."""
    return session.scalars(select(ModelVersion).where(ModelVersion.study_id == study_id, ModelVersion.active)).first()


def corrections(session: Session, version: ModelVersion) -> list[AnnotationRecord]:
    """The annotations a version learned from, as they were then and in its order, read from the log."""
    used = version.record().corrections
    ids = {each.annotation_id for each in used}
    query = select(Event).where(Event.entity == "annotation", Event.entity_id.in_(ids)).order_by(Event.id)
    made = {(event.entity_id, event.after["version"]): event for event in session.scalars(query) if event.after}
    names = {person.id: person.name for person in studies.annotators(session)}
    return [labels.as_it_was(made[each.annotation_id, each.version], names) for each in used]


def put_suggestions(
    session: Session, clip_id: int, version: ModelVersion, suggestions: Sequence[SuggestionRecord]
) -> None:
    """Replace all suggestions of a version for a clip; one event for all of them."""
    clip = clips.get(session, clip_id)
    if clip.study_id != version.study_id:
        raise AnnotationError("A clip and the model that suggests for it must be of one study.")
    rows = [_row(each, clip.id, version.id, clip.duration_s) for each in suggestions]
    mine = (Suggestion.clip_id == clip.id, Suggestion.model_version_id == version.id)
    entity = f"suggestions of model {version.number}"
    last = events.last_of_entity(session, entity, clip.id)
    session.execute(delete(Suggestion).where(*mine))
    if rows:
        session.execute(insert(Suggestion), rows)
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    events.append(
        session,
        Actor(f"model {version.number}"),
        "suggestions replaced",
        entity,
        clip.id,
        study_id=clip.study_id,
        before=last.after if last else None,
        after={"model_version_id": version.id, "segments": len(rows), "sha256": digest},
    )


def suggestions(session: Session, clip_id: int, model_version_id: int) -> list[Suggestion]:
    """A version's suggestions for a clip, by time."""
    query = select(Suggestion).where(Suggestion.clip_id == clip_id, Suggestion.model_version_id == model_version_id)
    return list(session.scalars(query.order_by(Suggestion.start_s, Suggestion.end_s)))


def state(version: ModelVersion) -> events.State:
    """What the log keeps of a model version."""
    return {
        "number": version.number,
        "parent_id": version.parent_id,
        "kind": version.kind,
        "emotions": list(version.emotions),
        "corrections": list(version.corrections),
        "figures": version.figures,
        "file": version.file,
        "active": version.active,
    }


def _used(correction: AnnotationRecord | UsedCorrection) -> UsedCorrection:
    if isinstance(correction, AnnotationRecord):
        return UsedCorrection(correction.id, correction.version)
    return correction


def _row(suggestion: SuggestionRecord, clip_id: int, version_id: int, duration_s: float) -> dict[str, Any]:
    if (suggestion.clip_id, suggestion.model_version_id) != (clip_id, version_id):
        raise AnnotationError("A suggestion must be of the clip and the model version it is stored for.")
    start_s, end_s = validation.interval(suggestion.start_s, suggestion.end_s, duration_s)
    return {
        "clip_id": clip_id,
        "model_version_id": version_id,
        "start_s": start_s,
        "end_s": end_s,
        "memberships": {e: validation.share(v, f"The membership of {e}") for e, v in suggestion.memberships.items()},
        "uncertainty": validation.share(suggestion.uncertainty, "The uncertainty"),
        "shares": {m: validation.share(v, f"The share of {m}") for m, v in suggestion.shares.items()},
        "rules": validation.plain(suggestion.rules),
    }


def _switch(session: Session, version: ModelVersion, actor: Actor, kind: str) -> None:
    before = state(version)
    version.active = not version.active
    session.flush()
    _log(session, actor, kind, version, before)


def _log(session: Session, actor: Actor, kind: str, version: ModelVersion, before: events.State | None) -> None:
    events.append(
        session,
        actor,
        kind,
        "model version",
        version.id,
        study_id=version.study_id,
        before=before,
        after=state(version),
    )
