"""The rules of a study's model with what they do in the study: where they fire, what was labelled there, likenesses."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.records import AnnotationRecord, ClipRecord, ModelVersionRecord
from app import inspection, rule_changes
from app.studio import Studio
from stf2m.explanation import Rule
from stf2m.segments import Segment
from stf2m.trust import FIRES

#: So many segments are shown of those that fire a rule most, none of which overlap.
MOST_MOMENTS = 10
#: Below this strength a segment is not shown as one that fires a rule.
LEAST_STRENGTH = 0.01
#: Rules that share at least this share of all their conditions, and speak for one emotion, are nearly alike.
ALIKE = 0.5

Order = Literal["weight", "fires here", "changed by adapting"]


class RuleMoment(NamedTuple):
    """A segment that fires a rule to a ``strength`` in [0, 1]; times in seconds."""

    clip_id: int
    clip: str
    start_s: float
    end_s: float
    strength: float


@dataclass(frozen=True)
class RuleHere:
    """A rule of a model, with what it does in one study.

    ``fires`` of the study's ``segments`` at a strength above one half, by clip in ``clips``; ``labelled`` counts those
    that people have labelled, by emotion; ``moments`` are those that fire it most; ``modalities`` its conditions speak
    of; ``before`` is what it said of the emotions before the model adapted, empty where it never did.
    """

    rule: Rule
    fires: int
    segments: int
    clips: Mapping[str, int]
    labelled: Mapping[str, int]
    moments: tuple[RuleMoment, ...]
    modalities: tuple[str, ...]
    before: Mapping[str, float]

    @property
    def emotion(self) -> str:
        """The emotion it speaks for most."""
        return max(self.rule.consequent, key=lambda name: self.rule.consequent[name])

    @property
    def short(self) -> str:
        """One short line: ``happy ← smile high, loudness high``."""
        conditions = ", ".join(f"{each.cue} {each.term}" for each in self.rule.conditions)
        return f"{self.emotion} ← {conditions}"

    @property
    def moved(self) -> float:
        """How far adapting moved what it says: half the sum of all changes of degrees, in [0, 1]."""
        return rule_changes.moved(self.before, self.rule.consequent) if self.before else 0.0


class Rulebook:
    """The rules of a studio's studies; those asked for last are kept until the model, a clip or a label is another."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._kept: tuple[object, list[RuleHere]] = None, []

    def rules(self, study_id: int) -> list[RuleHere]:
        """Every rule of a study's active model with what it does in the study's clips, the weightiest first."""
        version = self._studio.version(study_id)
        clips = inspection.ready_clips(self._studio, study_id)
        said = self._studio.store.annotations(study_id=study_id)
        key = version.id, [clip.id for clip in clips], [(each.id, each.version) for each in said]
        former, found = self._kept
        if former != key:
            found = _rules(self._studio, version, clips, said)
            self._kept = key, found
        return found


def _rules(
    studio: Studio, version: ModelVersionRecord, clips: Sequence[ClipRecord], annotations: Sequence[AnnotationRecord]
) -> list[RuleHere]:
    pieces = [(clip, piece) for clip in clips for piece in studio.predictions.segments(clip)]
    strengths = [studio.predictions.predict(clip, version)[1].strength for clip in clips]
    rules = studio.predictions.adapted(version).rules()
    strength = np.concatenate(strengths) if strengths else np.zeros((0, len(rules)))
    said = _labels(pieces, annotations)
    before = _consequents(studio, version)
    of = inspection.variables(studio)
    found = []
    for rule in rules:
        fired = np.flatnonzero(strength[:, rule.number] > FIRES)
        found.append(
            RuleHere(
                rule,
                fires=len(fired),
                segments=len(pieces),
                clips=dict(Counter(pieces[at][0].name for at in fired)),
                labelled=dict(Counter(name for at in fired for name in said[at]).most_common()),
                moments=_moments(pieces, strength[:, rule.number]),
                modalities=tuple(dict.fromkeys(of[condition.cue][1] for condition in rule.conditions)),
                before=before.get(rule.number, {}),
            )
        )
    return found


def matching(
    found: Sequence[RuleHere], *, emotion: str = "", cue: str = "", modality: str = "", words: str = ""
) -> list[RuleHere]:
    """The rules that speak for an emotion (more than if all had an even share), of a cue, of a modality, and whose text
    has all words.
    """
    wanted = words.lower().split()
    return [
        each
        for each in found
        if (not emotion or each.rule.consequent.get(emotion, 0.0) > 1 / len(each.rule.consequent))
        and (not cue or any(condition.cue == cue for condition in each.rule.conditions))
        and (not modality or modality in each.modalities)
        and all(word in each.rule.text.lower() for word in wanted)
    ]


def ordered(found: Sequence[RuleHere], order: Order) -> list[RuleHere]:
    """The rules sorted, the first ones those with most of what ``order`` names; before them, by weight, those that a
    person pinned or wrote.
    """
    keys = {"weight": lambda each: each.rule.weight, "fires here": lambda each: each.fires}
    key = keys.get(order, lambda each: each.moved)
    return sorted(found, key=lambda each: (each.rule.pinned or bool(each.rule.written_by), key(each)), reverse=True)


def grouped(found: Sequence[RuleHere]) -> list[list[RuleHere]]:
    """Rules that are nearly alike together, each group under its first rule; the order is kept."""
    groups: list[list[RuleHere]] = []
    for each in found:
        group = next((group for group in groups if _alike(group[0], each)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return groups


def _alike(one: RuleHere, other: RuleHere) -> bool:
    first, second = ({(each.cue, each.term) for each in here.rule.conditions} for here in (one, other))
    return one.emotion == other.emotion and len(first & second) >= ALIKE * len(first | second)


def _labels(pieces: Sequence[tuple[ClipRecord, Segment]], annotations: Sequence[AnnotationRecord]) -> list[set[str]]:
    """The emotions that people gave to at least half of each segment."""
    on: defaultdict[int, list[AnnotationRecord]] = defaultdict(list)
    for each in annotations:
        on[each.clip_id].append(each)
    return [
        {
            each.emotion
            for each in on[clip.id]
            if min(each.end_s, piece.end_s) - max(each.start_s, piece.start_s) >= (piece.end_s - piece.start_s) / 2
        }
        for clip, piece in pieces
    ]


def _moments(pieces: Sequence[tuple[ClipRecord, Segment]], strength: NDArray[np.floating]) -> tuple[RuleMoment, ...]:
    """The segments of the highest strength that do not overlap one that is taken already."""
    taken: list[RuleMoment] = []
    for at in np.argsort(-strength, kind="stable"):
        if len(taken) == MOST_MOMENTS or strength[at] < LEAST_STRENGTH:
            break
        clip, piece = pieces[at]
        moment = RuleMoment(clip.id, clip.name, piece.start_s, piece.end_s, float(strength[at]))
        if not any(_overlap(one, moment) for one in taken):
            taken.append(moment)
    return tuple(taken)


def _overlap(one: RuleMoment, other: RuleMoment) -> bool:
    return one.clip_id == other.clip_id and one.start_s < other.end_s and other.start_s < one.end_s


def _consequents(studio: Studio, version: ModelVersionRecord) -> dict[int, Mapping[str, float]]:
    """What each learned rule said in the version before; nothing where there is none."""
    if version.parent_id is None:
        return {}
    former = studio.adapted(version.study_id, version.parent_id)
    return {rule.number: rule.consequent for rule in former.rules() if rule.number < former.work.learned}
