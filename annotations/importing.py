"""Bringing the labels of a file into a study: one step, which one undo takes back."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import clips, label_sets, labels, studies
from annotations.events import Actor
from annotations.interchange import FileClip, FileLabel, ImportReport, StudyFile
from annotations.records import AnnotationError
from annotations.schema import Annotator, Clip, Study

_NO_MEDIA = "Only the labels of this clip were imported; its video is not here."


def bring_in(session: Session, name: str, content: StudyFile, actor: Actor) -> ImportReport:
    """Add to the study of that name, which may be new, what of a file is not there yet: emotions, clips and labels.

    A clip is found by its content hash, or by its name where the file has no hash. A clip that the study does not have
    is added without its video. Raises where anything of the file cannot be stored; nothing is stored then.
    """
    study = studies.named(session, name) or studies.create(session, name, _used(content), actor)
    new_emotions = _emotions(session, study, content, actor)
    found, new_clips = _clips(session, study, content, actor)
    there = Counter(_key(each.clip_id, each.annotator_id, vars(each)) for each in labels.find(session, None, study.id))
    people: dict[str, Annotator] = {}
    added, opened = 0, None
    for number, label in enumerate(content.labels, start=1):
        clip = found[label.clip]
        try:
            person = people.get(label.annotator) or studies.lane(session, label.annotator)
            people[label.annotator] = person
            wanted = labels.checked(_content(label), clip, study)
            key = _key(clip.id, person.id, wanted)
            if there[key]:
                there[key] -= 1
                continue
            _, event = labels.create(
                session, clip, person, _content(label), actor=actor, kind="annotation imported", step_id=opened
            )
        except AnnotationError as error:
            raise AnnotationError(f"Label {number} of the file, on {label.clip.name}: {error}") from error
        opened = opened or event.id
        added += 1
    return ImportReport(study.record(), added, len(content.labels) - added, tuple(new_clips), tuple(new_emotions))


def _used(content: StudyFile) -> list[str]:
    return list(dict.fromkeys([*content.emotions, *(emotion for each in content.labels for emotion in each.degrees)]))


def _emotions(session: Session, study: Study, content: StudyFile, actor: Actor) -> list[str]:
    known = {emotion.name for emotion in study.emotions}
    new = [emotion for emotion in _used(content) if emotion not in known]
    for emotion in new:
        label_sets.add(session, study, emotion, actor)
    return new


def _clips(
    session: Session, study: Study, content: StudyFile, actor: Actor
) -> tuple[Mapping[FileClip, Clip], list[str]]:
    found: dict[FileClip, Clip] = {}
    new: list[str] = []
    for wanted in dict.fromkeys([*content.clips, *(label.clip for label in content.labels)]):
        clip = _find(session, study, wanted)
        if clip is None:
            clip = _add(session, study, wanted, content, actor)
            new.append(clip.name)
        found[wanted] = clip
    return found, new


def _find(session: Session, study: Study, wanted: FileClip) -> Clip | None:
    query = select(Clip).where(Clip.study_id == study.id, Clip.deleted_at.is_(None))
    if wanted.sha256:
        return session.scalars(query.where(Clip.sha256 == wanted.sha256.lower())).first()
    same_name = session.scalars(query.where(Clip.name == wanted.name)).all()
    if len(same_name) > 1:
        raise AnnotationError(
            f"The study has {len(same_name)} clips called {wanted.name}; the file must give their hash."
        )
    return same_name[0] if same_name else None


def _add(session: Session, study: Study, wanted: FileClip, content: StudyFile, actor: Actor) -> Clip:
    duration_s = wanted.duration_s
    if duration_s is None:
        duration_s = max((label.end_s for label in content.labels if label.clip == wanted), default=0.0)
    new = clips.NewClip(
        sha256=wanted.sha256 or hashlib.sha256(wanted.name.encode()).hexdigest(),
        name=wanted.name,
        duration_s=duration_s,
        has_video=wanted.has_video,
        has_sound=wanted.has_sound,
    )
    clip = clips.add(session, study.id, new, actor)
    clips.set_status(session, clip, "failed", _NO_MEDIA, None)
    return clip


def _content(label: FileLabel) -> labels.Changes:
    return labels.Changes(
        start_s=label.start_s,
        end_s=label.end_s,
        degrees=label.degrees,
        intensity=label.intensity,
        note=label.note,
    )


def _key(clip_id: int, annotator_id: int, label: Mapping[str, Any]) -> tuple[Any, ...]:
    degrees = frozenset(label["degrees"].items())
    return clip_id, annotator_id, label["start_s"], label["end_s"], degrees, label["intensity"], label["note"]
