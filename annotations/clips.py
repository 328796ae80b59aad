"""Clips: added once per study and content, removed softly, purged for good."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import get_args

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from annotations import events, studies, validation
from annotations.events import Actor
from annotations.records import AnnotationError, ClipStatus, NotFoundError
from annotations.schema import Annotation, Clip, Suggestion, Visit

#: The longest clip that is stored, seconds.
LONGEST_S = 24 * 3600.0
#: What is said of a clip that came in with its labels only.
NO_MEDIA = "Only the labels of this clip were imported; its video is not here."


@dataclass(frozen=True)
class NewClip:
    """What is known of a clip when it is added. ``sha256`` is the hash of the file's content in hex."""

    sha256: str
    name: str
    duration_s: float
    has_video: bool
    has_sound: bool
    notes: Sequence[str] = ()


def add(session: Session, study_id: int, new: NewClip, actor: Actor) -> Clip:
    """The clip with this content in this study: a new one, the one that is there, or the removed one, restored.

    Where labels of a clip of that name wait for their video, whose content no file has told, this is it.
    """
    study = studies.get(session, study_id)
    clip = made(study.id, new)
    there = session.scalars(select(Clip).where(Clip.study_id == study.id, Clip.sha256 == clip.sha256)).first()
    if there:
        if there.deleted_at:
            restore(session, there, actor)
        return there
    if awaited := _awaited(session, clip):
        before = state(awaited)
        for field in ("sha256", "name", "duration_s", "has_video", "has_sound", "notes", "status", "error"):
            setattr(awaited, field, getattr(clip, field))
        _log(session, actor, "clip found", awaited, before)
        return awaited
    session.add(clip)
    session.flush()
    _log(session, actor, "clip added", clip, before=None)
    return clip


def placeholder(name: str) -> str:
    """What stands for the content hash of a clip while only its name is known."""
    return hashlib.sha256(name.encode()).hexdigest()


def made(study_id: int, new: NewClip) -> Clip:
    """A clip that is in no session yet. Raises ``AnnotationError`` where what is known of it cannot be."""
    sha256 = new.sha256.lower()
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise AnnotationError(f"The content hash of {new.name} must be 64 hexadecimal digits.")
    duration_s = validation.number(new.duration_s, f"The duration of {new.name}")
    if not 0 < duration_s <= LONGEST_S:
        raise AnnotationError(f"{new.name} must be longer than nothing and at most {LONGEST_S / 3600:g} hours long.")
    return Clip(
        study_id=study_id,
        sha256=sha256,
        name=validation.name(new.name, "A clip"),
        duration_s=duration_s,
        has_video=bool(new.has_video),
        has_sound=bool(new.has_sound),
        notes=[validation.note(note) for note in new.notes],
        status="waiting",
        error="",
        created=datetime.now(UTC),
    )


def _awaited(session: Session, clip: Clip) -> Clip | None:
    """The clip whose labels wait for this one's video: known by name only, with no label after this one's end."""
    names = {clip.name, PurePath(clip.name).stem}
    query = select(Clip).where(Clip.study_id == clip.study_id, Clip.deleted_at.is_(None), Clip.name.in_(names))
    waiting = [each for each in session.scalars(query) if each.sha256 == placeholder(each.name)]
    if len(waiting) != 1:
        return None
    query = select(func.max(Annotation.end_s)).where(
        Annotation.clip_id == waiting[0].id, Annotation.deleted_at.is_(None)
    )
    return waiting[0] if (session.scalar(query) or 0.0) <= clip.duration_s + validation.SLACK_S else None


def set_status(session: Session, clip: Clip, status: ClipStatus, error: str, notes: Sequence[str] | None) -> None:
    """Say how far the analysis of a clip is; ``error`` is the sentence for ``failed``. ``notes`` replaces its notes."""
    if status not in get_args(ClipStatus):
        raise AnnotationError(f"A clip is {', '.join(get_args(ClipStatus))}, not {status!r}.")
    if bool(error) != (status == "failed"):
        raise AnnotationError("A clip has an error exactly when it failed.")
    before = state(clip)
    clip.status, clip.error = status, validation.note(error)
    if notes is not None:
        clip.notes = [validation.note(note) for note in notes]
    _log(session, events.STUDIO, f"clip {status}", clip, before)


def remove(session: Session, clip_ids: Sequence[int], actor: Actor) -> None:
    """Take clips and everything on them out of sight, in one step."""
    actor = actor.in_a_step()
    for clip_id in dict.fromkeys(clip_ids):
        clip = get(session, clip_id)
        before = state(clip)
        clip.deleted_at = datetime.now(UTC)
        _log(session, actor, "clip removed", clip, before)


def restore(session: Session, clip: Clip, actor: Actor) -> None:
    """Bring a removed clip back with everything on it."""
    before = state(clip)
    clip.deleted_at = None
    _log(session, actor, "clip restored", clip, before)


def purge(session: Session, clip: Clip, actor: Actor) -> None:
    """Forget a removed clip, its annotations and suggestions for good; only the log still knows of them."""
    if clip.deleted_at is None:
        raise AnnotationError(f"{clip.name} must be removed before it can be deleted for good.")
    actor = actor.in_a_step()
    events.append(
        session, actor, "clip purged", "clip", clip.id, study_id=clip.study_id, before=state(clip), after=None
    )
    for annotation in session.scalars(select(Annotation).where(Annotation.clip_id == clip.id)).all():
        last = events.last_of_entity(session, "annotation", annotation.id)
        if last and last.after is not None:
            events.append(
                session,
                actor,
                "annotation purged",
                "annotation",
                annotation.id,
                study_id=clip.study_id,
                before=last.after,
                after=None,
            )
    for model in (Annotation, Suggestion, Visit):
        session.execute(delete(model).where(model.clip_id == clip.id))
    session.delete(clip)
    session.flush()


def get(session: Session, clip_id: int) -> Clip:
    """A clip that is not removed. Raises :class:`NotFoundError`."""
    clip = session.get(Clip, clip_id)
    if clip is None or clip.deleted_at is not None:
        raise NotFoundError(f"There is no clip {clip_id}.")
    return clip


def get_removed(session: Session, clip_id: int) -> Clip:
    """A removed clip that is not purged. Raises :class:`NotFoundError`."""
    clip = session.get(Clip, clip_id)
    if clip is None or clip.deleted_at is None:
        raise NotFoundError(f"There is no removed clip {clip_id}.")
    return clip


def of_study(session: Session, study_id: int, *, removed: bool) -> list[Clip]:
    """The clips of a study in the order they were added: those in sight, or those that were removed."""
    query = select(Clip).where(
        Clip.study_id == study_id, Clip.deleted_at.is_not(None) if removed else Clip.deleted_at.is_(None)
    )
    return list(session.scalars(query.order_by(Clip.id)))


def state(clip: Clip) -> events.State | None:
    """What the log keeps of a clip; None while it is removed."""
    if clip.deleted_at is not None:
        return None
    return {
        "sha256": clip.sha256,
        "name": clip.name,
        "duration_s": clip.duration_s,
        "notes": list(clip.notes),
        "status": clip.status,
        "error": clip.error,
    }


def put(session: Session, clip_id: int, wanted: events.State | None) -> events.State | None:
    """Remove or bring back a clip, for undo and redo."""
    clip = session.get_one(Clip, clip_id)
    clip.deleted_at = datetime.now(UTC) if wanted is None else None
    return state(clip)


def _log(session: Session, actor: Actor, kind: str, clip: Clip, before: events.State | None) -> None:
    events.append(session, actor, kind, "clip", clip.id, study_id=clip.study_id, before=before, after=state(clip))
