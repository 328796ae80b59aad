"""The rules of a study's model with what they do in the study: where they fire, what was labelled there, likenesses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotations.records import AnnotationRecord, ClipRecord
from app import inspection
from app.studio import Studio
from stf2m.explanation import Rule
from stf2m.segments import Segment

#: From this strength on a rule counts as firing.
FIRES = 0.5
#: So many segments are shown of those that fire a rule most, none of which overlap.
MOST_MOMENTS = 10
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
        names = {*self.before, *self.rule.consequent} if self.before else set()
        return sum(abs(self.rule.consequent.get(name, 0.0) - self.before.get(name, 0.0)) for name in names) / 2


def rules(studio: Studio, study_id: int) -> list[RuleHere]:
    """Every rule of a study's active model with what it does in the study's clips, the weightiest first."""
    version = studio.version(study_id)
    clips = inspection.ready_clips(studio, study_id)
    strengths = {clip.id: studio.predictions.predict(clip, version)[1].strength for clip in clips}
    pieces = {clip.id: studio.predictions.segments(clip) for clip in clips}
    said = {clip.id: _labels(pieces[clip.id], studio.store.annotations(clip_id=clip.id)) for clip in clips}
    before = _consequents(studio, study_id, version.parent_id)
    of = inspection.variables(studio)
    segments = sum(map(len, pieces.values()))
    found = []
    for rule in studio.adapted(study_id).rules():
        strong = {clip.id: strengths[clip.id][:, rule.number] > FIRES for clip in clips}
        fired = [said[clip.id][at] for clip in clips for at in np.flatnonzero(strong[clip.id])]
        labelled = Counter(name for names in fired for name in names)
        found.append(
            RuleHere(
                rule,
                fires=sum(int(each.sum()) for each in strong.values()),
                segments=segments,
                clips={clip.name: int(strong[clip.id].sum()) for clip in clips if strong[clip.id].any()},
                labelled=dict(labelled.most_common()),
                moments=_moments(clips, pieces, {each: strengths[each][:, rule.number] for each in strengths}),
                modalities=tuple(dict.fromkeys(of[condition.cue][1] for condition in rule.conditions)),
                before=before.get(rule.number, {}),
            )
        )
    return found


def matching(
    found: Sequence[RuleHere], *, emotion: str = "", cue: str = "", modality: str = "", words: str = ""
) -> list[RuleHere]:
    """The rules that speak for an emotion (degree above 0.1), of a cue, of a modality, and whose text has all words."""
    wanted = words.lower().split()
    return [
        each
        for each in found
        if (not emotion or each.rule.consequent.get(emotion, 0.0) > 0.1)
        and (not cue or any(condition.cue == cue for condition in each.rule.conditions))
        and (not modality or modality in each.modalities)
        and all(word in each.rule.text.lower() for word in wanted)
    ]


def ordered(found: Sequence[RuleHere], order: Order) -> list[RuleHere]:
    """The rules sorted, the first ones those with most of what ``order`` names."""
    keys = {"weight": lambda each: each.rule.weight, "fires here": lambda each: each.fires}
    return sorted(found, key=keys.get(order, lambda each: each.moved), reverse=True)


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


def _labels(pieces: Sequence[Segment], annotations: Sequence[AnnotationRecord]) -> list[set[str]]:
    """The emotions that people gave to at least half of each segment."""
    return [
        {
            each.emotion
            for each in annotations
            if min(each.end_s, piece.end_s) - max(each.start_s, piece.start_s) >= (piece.end_s - piece.start_s) / 2
        }
        for piece in pieces
    ]


def _moments(
    clips: Sequence[ClipRecord], pieces: Mapping[int, Sequence[Segment]], strengths: Mapping[int, NDArray[np.floating]]
) -> tuple[RuleMoment, ...]:
    """The segments of the highest strength that do not overlap one that is taken already."""
    every = [
        RuleMoment(clip.id, clip.name, piece.start_s, piece.end_s, float(strength))
        for clip in clips
        for piece, strength in zip(pieces[clip.id], strengths[clip.id], strict=True)
    ]
    taken: list[RuleMoment] = []
    for each in sorted(every, key=lambda moment: -moment.strength):
        if len(taken) == MOST_MOMENTS or each.strength < 0.01:
            break
        if not any(_overlap(one, each) for one in taken):
            taken.append(each)
    return tuple(taken)


def _overlap(one: RuleMoment, other: RuleMoment) -> bool:
    return one.clip_id == other.clip_id and one.start_s < other.end_s and other.start_s < one.end_s


def _consequents(studio: Studio, study_id: int, version_id: int | None) -> dict[int, Mapping[str, float]]:
    if version_id is None:
        return {}
    return {rule.number: rule.consequent for rule in studio.adapted(study_id, version_id).rules()}
