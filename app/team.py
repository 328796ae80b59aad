"""The people of a study: how far each is, how often they accept what the model suggests, and who can teach it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annotations.records import AnnotationRecord, AnnotatorRecord, ClipRecord, LaneKind, Mode
from app.stretches import covered
from app.studio import Studio
from app.support import Teacher

#: An annotation answers a suggestion that its person had seen, or not.
MODES: Mapping[bool, Mode] = {True: "suggestions first", False: "label first"}


@dataclass(frozen=True)
class Part:
    """What one annotator did of one clip: how many annotations, what share of its time they cover, finished or not."""

    annotations: int = 0
    labelled: float = 0.0
    finished: bool = False


@dataclass(frozen=True)
class ClipProgress:
    """A clip, and the part of each who did anything of it, by name."""

    clip: ClipRecord
    parts: Mapping[str, Part]


@dataclass(frozen=True)
class PersonProgress:
    """What one annotator did of all clips; ``labelled`` is the share of all their time."""

    name: str
    kind: LaneKind
    annotations: int
    begun: int
    finished: int
    labelled: float


@dataclass(frozen=True)
class Progress:
    """How far a study is, by annotator and by clip."""

    people: tuple[PersonProgress, ...]
    clips: tuple[ClipProgress, ...]


@dataclass(frozen=True)
class Accepted:
    """How many of one person's answers to suggestions chose the suggested emotion, in one mode."""

    name: str
    mode: Mode
    answers: int
    accepted: int


def progress(studio: Studio, study_id: int, annotations: Sequence[AnnotationRecord]) -> Progress:
    """How far each annotator of a study is with each clip. Who only looked at a clip did nothing of it yet.

    ``annotations`` are all of the study.
    """
    names = {each.id: each for each in studio.store.annotators()}
    made: defaultdict[tuple[int, int], list[AnnotationRecord]] = defaultdict(list)
    for each in annotations:
        made[each.clip_id, each.annotator_id].append(each)
    done = {(each.clip_id, each.annotator_id) for each in studio.store.visits(study_id) if each.finished}
    clips = studio.store.clips(study_id)
    parts: dict[int, dict[int, Part]] = {clip.id: {} for clip in clips}
    durations = {clip.id: clip.duration_s for clip in clips}
    for clip_id, annotator_id in sorted({*made, *done}):
        if clip_id in parts:
            said = made[clip_id, annotator_id]
            share = min(1.0, covered((each.start_s, each.end_s) for each in said) / durations[clip_id])
            parts[clip_id][annotator_id] = Part(len(said), share, (clip_id, annotator_id) in done)
    there = sorted({who for each in parts.values() for who in each}, key=lambda who: _order(names[who]))
    total = sum(durations.values())
    return Progress(
        people=tuple(
            _person(names[who], [(durations[clip], each[who]) for clip, each in parts.items() if who in each], total)
            for who in there
        ),
        clips=tuple(
            ClipProgress(clip, {names[who].name: parts[clip.id][who] for who in there if who in parts[clip.id]})
            for clip in clips
        ),
    )


def accepted(studio: Studio, annotations: Sequence[AnnotationRecord]) -> list[Accepted]:
    """How often people chose what was suggested, by person and by whether they had seen it before."""
    people = {each.id: each for each in studio.store.annotators() if each.kind == "person"}
    answers: defaultdict[tuple[str, bool], list[bool]] = defaultdict(list)
    for each in annotations:
        if each.annotator_id in people and each.answers and each.answers.memberships:
            suggested = max(each.answers.memberships.items(), key=lambda item: item[1])[0]
            answers[each.annotator, each.answers.shown].append(each.emotion == suggested)
    return [
        Accepted(name, MODES[shown], len(found), sum(found))
        for (name, shown), found in sorted(answers.items(), key=lambda item: (item[0][0], not item[0][1]))
    ]


def teachers(studio: Studio, study_id: int) -> list[Teacher]:
    """Whose corrections a model can learn from: all who labelled an analysed clip; the consensus is last."""
    ready = {clip.id for clip in studio.store.clips(study_id) if clip.status == "ready"}
    if not ready:
        return []
    labelled = {each.annotator_id for each in studio.store.annotations(study_id=study_id) if each.clip_id in ready}
    there = sorted((each for each in studio.store.annotators() if each.id in labelled), key=_order)
    return [Teacher(each.id, each.name, each.kind) for each in there]


def _order(annotator: AnnotatorRecord) -> tuple[bool, str]:
    return annotator.kind == "consensus", annotator.name


def _person(who: AnnotatorRecord, parts: Sequence[tuple[float, Part]], total_s: float) -> PersonProgress:
    return PersonProgress(
        who.name,
        who.kind,
        annotations=sum(part.annotations for _, part in parts),
        begun=sum(part.annotations > 0 for _, part in parts),
        finished=sum(part.finished for _, part in parts),
        labelled=sum(duration_s * part.labelled for duration_s, part in parts) / total_s,
    )
