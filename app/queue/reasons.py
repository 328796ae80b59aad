"""Why a clip is worth a look, and which seconds of it: pure functions of the model's answers and people's labels."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from annotations.records import AnnotationRecord
from app.stretches import Stretch, joined
from stf2m.timeline import Array, Moments, join

Kind = Literal["new", "disagreement", "contradiction", "unsure", "change", "check"]

#: From this degree on an answer is confident: more speaks for its emotion than for all others together.
CONFIDENT = 0.5
#: What is shorter than this is no reason to look, seconds.
LEAST_S = 1.0
#: People who change over within this time do not disagree, seconds.
SLACK_S = 0.3
#: One clip in so many is drawn for a random check, of a window this long in seconds.
ONE_IN, WINDOW_S = 8, 5.0


class Spot(NamedTuple):
    """A stretch of a clip, seconds, and in a few words what is there."""

    start_s: float
    end_s: float
    text: str = ""


@dataclass(frozen=True)
class Reason:
    """Why to look at a clip. ``spots`` are what it is about, by time; ``strength`` orders clips of one kind."""

    kind: Kind
    spots: tuple[Spot, ...]
    strength: float

    @property
    def seconds(self) -> float:
        """For how many seconds of the clip it holds."""
        return sum(spot.end_s - spot.start_s for spot in self.spots)


def unsure(moments: Moments, threshold: float) -> list[Spot]:
    """Where the uncertainty is ``threshold`` or more."""
    doubtful = np.nan_to_num(moments.uncertainty, nan=-1.0) >= threshold
    return _long_enough(_runs(moments.edges, np.where(doubtful, 0, -1), [""]))


def contradictions(alone: Mapping[str, Moments], emotions: Sequence[str]) -> list[Spot]:
    """Where two modalities, each asked alone, answer differently and both confidently: "face happy, voice sad".

    ``alone``: the answer from each modality by its name, all over the same moments.
    """
    answers = {name: _confident(moments) for name, moments in alone.items()}
    found: list[Spot] = []
    for first, second in ((a, b) for at, a in enumerate(answers) for b in list(answers)[at + 1 :]):
        one, other = answers[first], answers[second]
        pairs = np.where((one >= 0) & (other >= 0) & (one != other), one * len(emotions) + other, -1)
        words = [f"{first} {a}, {second} {b}" for a in emotions for b in emotions]
        found += _runs(alone[first].edges, pairs, words)
    return sorted(_long_enough(found))


def changes(moments: Moments, emotions: Sequence[str]) -> list[Spot]:
    """Where one confident emotion gives way to another: spots of no length, at the moment of the change."""
    found = []
    for before, after in pairwise(join(moments, emotions)):
        touching = after.start_s - before.end_s < 1e-6
        lasting = min(before.end_s - before.start_s, after.end_s - after.start_s) >= LEAST_S
        if touching and lasting and min(before.degree, after.degree) >= CONFIDENT:
            found.append(Spot(after.start_s, after.start_s, f"{before.emotion} → {after.emotion}"))
    return found


def disagreements(annotations: Iterable[AnnotationRecord], settled: Iterable[Stretch] = ()) -> list[Spot]:
    """Where two people give one stretch different emotions, as far as the consensus (``settled``) has no answer."""
    open_ones: list[AnnotationRecord] = []
    found: list[Spot] = []
    for each in sorted(annotations, key=lambda one: one.start_s):
        open_ones = [one for one in open_ones if one.end_s > each.start_s + SLACK_S]
        for one in open_ones:
            shared = min(one.end_s, each.end_s)
            if (
                one.annotator_id != each.annotator_id
                and one.emotion != each.emotion
                and shared - each.start_s > SLACK_S
            ):
                said = sorted([(one.annotator, one.emotion), (each.annotator, each.emotion)])
                found.append(Spot(each.start_s, shared, ", ".join(f"{name} {emotion}" for name, emotion in said)))
        open_ones.append(each)
    return without(found, settled, SLACK_S)


def check(study_id: int, clip_id: int, duration_s: float) -> list[Spot]:
    """The window of a clip to be checked whatever the model says; none for most clips. Always the same for a clip."""
    number = int.from_bytes(hashlib.sha256(f"{study_id} {clip_id}".encode()).digest()[:8], "big")
    if number % ONE_IN:
        return []
    start_s = round((number // ONE_IN) % 1009 / 1009 * max(duration_s - WINDOW_S, 0.0), 1)
    return [Spot(start_s, min(start_s + WINDOW_S, duration_s))]


def without(spots: Iterable[Spot], covered: Iterable[Stretch], least_s: float = LEAST_S) -> list[Spot]:
    """What is left of the spots where ``covered`` does not answer them; leftovers below ``least_s`` are dropped.

    A moment (a spot of no length) is answered where what covers it lies on both sides of it.
    """
    walls = joined(covered)
    left: list[Spot] = []
    for spot in spots:
        if spot.start_s == spot.end_s:
            if not any(start_s < spot.start_s < end_s for start_s, end_s in walls):
                left.append(spot)
            continue
        at = spot.start_s
        for start_s, end_s in [*walls, (spot.end_s, spot.end_s)]:
            if min(start_s, spot.end_s) - at >= least_s:
                left.append(spot._replace(start_s=at, end_s=min(start_s, spot.end_s)))
            at = max(at, end_s)
    return left


def _confident(moments: Moments) -> np.ndarray:
    """The number of the strongest emotion of each moment, -1 where none is confident."""
    degrees = np.nan_to_num(moments.memberships)
    return np.where(degrees.max(axis=1, initial=0.0) >= CONFIDENT, degrees.argmax(axis=1), -1)


def _runs(edges: Array, values: np.ndarray, words: Sequence[str]) -> list[Spot]:
    """Neighbouring moments of one value as one spot with that value's words; negative values are left out."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1]) if len(values) else np.zeros(0, int)
    ends = np.append(starts[1:], len(values))
    return [
        Spot(float(edges[first]), float(edges[last]), words[int(values[first])])
        for first, last in zip(starts, ends, strict=True)
        if values[first] >= 0
    ]


def _long_enough(spots: Iterable[Spot]) -> list[Spot]:
    return [spot for spot in spots if spot.end_s - spot.start_s >= LEAST_S]
