"""Bringing the labels of a file into a study: one step, which one undo takes back."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from sqlalchemy.orm import Session

from annotations import bulk, clips, label_sets, labels, studies
from annotations.events import Actor
from annotations.interchange import TO_THE_END, FileClip, FileLabel, ImportReport, StudyFile
from annotations.records import AnnotationError
from annotations.schema import Annotator, Clip, Study

#: So many emotions at most are new to a study by one import: more of them are words.
MOST_NEW_EMOTIONS = 100


def bring_in(session: Session, name: str, content: StudyFile, actor: Actor) -> ImportReport:
    """Add to the study of that name, which may be new, what of a file is not there yet: emotions, clips and labels.

    A clip is found by its content hash, or by its name where the file has no hash: by all of it, else by what is before
    the suffix. A clip that the study does not have is added without its video. Raises where anything of the file cannot
    be stored; nothing is stored then.
    """
    actor = actor.in_a_step()
    _check_emotions(studies.named(session, name), content)
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
            wanted = labels.checked(_content(label, clip), clip, study)
            key = _key(clip.id, person.id, wanted)
            if there[key]:
                there[key] -= 1
                continue
            new.append(bulk.New(clip, person, wanted))
        except AnnotationError as error:
            raise AnnotationError(f"Label {number} of the file, on {label.clip.name}: {error}") from error
    bulk.create(session, study.id, new, actor, "annotation imported")
    added = len(new)
    there_already = len(content.labels) - added
    return ImportReport(study.record(), added, there_already, tuple(new_clips), tuple(new_emotions), content.left_out)


def _check_emotions(study: Study | None, content: StudyFile) -> None:
    known = {emotion.name for emotion in study.emotions} if study else set()
    new = len(set(_used(content)) - known)
    if new > MOST_NEW_EMOTIONS:
        raise AnnotationError(
            f"The file would give the study {new} new emotions, {MOST_NEW_EMOTIONS} at most are taken; "
            "are they words rather than emotions?"
        )


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
    """The study's clip for each clip of the file, and the names of those that it did not have."""
    by_hash: dict[str, Clip] = {}
    by_name = _Names()
    for clip in clips.of_study(session, study.id, removed=False):
        by_hash[clip.sha256] = clip
        by_name.add(clip)
    removed = {clip.sha256: clip for clip in clips.of_study(session, study.id, removed=True)}
    ends: defaultdict[FileClip, float] = defaultdict(float)
    for label in content.labels:
        if label.end_s != TO_THE_END:
            ends[label.clip] = max(ends[label.clip], label.end_s)
    found: dict[FileClip, Clip] = {}
    names: list[str] = []
    new: list[Clip] = []
    for wanted in dict.fromkeys([*content.clips, *(label.clip for label in content.labels)]):
        clip = by_hash.get(wanted.sha256.lower()) if wanted.sha256 else by_name.find(wanted.name)
        if clip is None:
            clip = _made(study, wanted, ends[wanted])
            if clip.sha256 in removed:
                clip = removed[clip.sha256]
                clips.restore(session, clip, actor)
            else:
                new.append(clip)
            names.append(clip.name)
            by_hash[clip.sha256] = clip
            by_name.add(clip)
        found[wanted] = clip
    bulk.add_clips(session, new, actor)
    return found, names


class _Names:
    """Clips by their names, and by what is before the suffix."""

    def __init__(self) -> None:
        self._whole: defaultdict[str, list[Clip]] = defaultdict(list)
        self._stems: defaultdict[str, list[Clip]] = defaultdict(list)

    def add(self, clip: Clip) -> None:
        self._whole[clip.name].append(clip)
        self._stems[PurePath(clip.name).stem].append(clip)

    def find(self, name: str) -> Clip | None:
        there = self._whole.get(name) or self._stems.get(name, [])
        if len(there) > 1:
            raise AnnotationError(f"The study has {len(there)} clips called {name}; the file must give their hash.")
        return there[0] if there else None


def _made(study: Study, wanted: FileClip, end_s: float) -> Clip:
    """A clip without its video, that lasts until the end of its last label where the file does not tell how long."""
    if wanted.duration_s is None and not end_s:
        raise AnnotationError(f"The file does not say how long {wanted.name} is; add the clip itself first.")
    clip = clips.made(
        study.id,
        clips.NewClip(
            sha256=wanted.sha256 or clips.placeholder(wanted.name),
            name=wanted.name,
            duration_s=end_s if wanted.duration_s is None else wanted.duration_s,
            has_video=wanted.has_video,
            has_sound=wanted.has_sound,
        ),
    )
    clip.status, clip.error = "failed", clips.NO_MEDIA
    return clip


def _content(label: FileLabel, clip: Clip) -> labels.Changes:
    return labels.Changes(
        start_s=label.start_s,
        end_s=clip.duration_s if label.end_s == TO_THE_END else label.end_s,
        degrees=label.degrees,
        intensity=label.intensity,
        note=label.note,
    )


def _key(clip_id: int, annotator_id: int, label: Mapping[str, Any]) -> tuple[Any, ...]:
    degrees = frozenset(label["degrees"].items())
    return clip_id, annotator_id, label["start_s"], label["end_s"], degrees, label["intensity"], label["note"]
