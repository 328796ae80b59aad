"""Bringing the labels of a file into a study: one step, which one undo takes back."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from annotations import bulk, clips, label_sets, labels, studies
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
    new: list[bulk.New] = []
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
            new.append(bulk.New(clip, person, wanted))
        except AnnotationError as error:
            raise AnnotationError(f"Label {number} of the file, on {label.clip.name}: {error}") from error
    bulk.create(session, study.id, new, actor, "annotation imported")
    added = len(new)
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
    """The study's clip for each clip of the file, and the names of the new ones."""
    by_hash: dict[str, Clip] = {}
    by_name: defaultdict[str, list[Clip]] = defaultdict(list)
    for clip in clips.of_study(session, study.id, removed=False):
        by_hash[clip.sha256] = clip
        by_name[clip.name].append(clip)
    removed = {clip.sha256: clip for clip in clips.of_study(session, study.id, removed=True)}
    ends: defaultdict[FileClip, float] = defaultdict(float)
    for label in content.labels:
        ends[label.clip] = max(ends[label.clip], label.end_s)
    found: dict[FileClip, Clip] = {}
    new: list[Clip] = []
    for wanted in dict.fromkeys([*content.clips, *(label.clip for label in content.labels)]):
        clip = by_hash.get(wanted.sha256.lower()) if wanted.sha256 else _named(wanted.name, by_name[wanted.name])
        if clip is None:
            clip = _made(study, wanted, ends[wanted])
            if clip.sha256 in removed:
                clip = removed[clip.sha256]
                clips.restore(session, clip, actor)
            else:
                new.append(clip)
            by_hash[clip.sha256] = clip
            by_name[clip.name].append(clip)
        found[wanted] = clip
    bulk.add_clips(session, new, actor)
    return found, [clip.name for clip in new]


def _named(name: str, there: Sequence[Clip]) -> Clip | None:
    if len(there) > 1:
        raise AnnotationError(f"The study has {len(there)} clips called {name}; the file must give their hash.")
    return there[0] if there else None


def _made(study: Study, wanted: FileClip, end_s: float) -> Clip:
    """A clip without its video, that lasts until the end of its last label where the file does not tell how long."""
    clip = clips.made(
        study.id,
        clips.NewClip(
            sha256=wanted.sha256 or hashlib.sha256(wanted.name.encode()).hexdigest(),
            name=wanted.name,
            duration_s=end_s if wanted.duration_s is None else wanted.duration_s,
            has_video=wanted.has_video,
            has_sound=wanted.has_sound,
        ),
    )
    clip.status, clip.error = "failed", _NO_MEDIA
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
