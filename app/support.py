"""The support set of a study: its corrections as encoded segments with degrees, and what is missing in it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from annotations.records import AnnotationRecord, LaneKind, ModelVersionRecord
from app.stretches import covered
from stf2m import segments
from stf2m.adaptation import SupportError
from stf2m.encoded import Encoded
from stf2m.segments import Segment

#: With fewer corrections than this, nothing can be both learned from and tested on.
LEAST_CORRECTIONS = 3
LEAST_EMOTIONS = 2

#: Whose corrections a model learns from: everybody's, or those of the annotator with this id.
Whose = int | Literal["everybody"]
EVERYBODY: Literal["everybody"] = "everybody"

Degrees = NDArray[np.float64]


@dataclass(frozen=True)
class Teacher:
    """The one annotator whose corrections a model version learned from, as its figures keep it."""

    id: int
    name: str
    kind: LaneKind

    @property
    def called(self) -> str:
        """``Ana`` or ``the consensus``."""
        return "the consensus" if self.kind == "consensus" else self.name


@dataclass(frozen=True, eq=False)
class Support:
    """A support set made of corrections: row ``i`` is one segment of correction ``owner[i]``.

    ``degrees`` ``(n, N)``; ``weights`` ``(n,)``: the segments of one correction share a weight of 1, so that a long
    correction is one piece of evidence like a short one.
    """

    encoded: Encoded
    degrees: Degrees
    weights: Degrees
    owner: NDArray[np.intp]

    def only(self, kept: NDArray[np.bool_]) -> "Support":
        """The rows of the corrections that are kept, ``kept`` ``(corrections,)``."""
        rows = kept[self.owner]
        return Support(self.encoded[rows], self.degrees[rows], self.weights[rows], self.owner[rows])


def missing(annotations: Sequence[AnnotationRecord], emotions: Sequence[str], known: Sequence[str]) -> str:
    """What is missing before the model can adapt, in one sentence; empty when nothing is.

    ``known`` are the emotions that the shipped model knows; another one needs a correction of its own.
    """
    counts = per_emotion(annotations)
    few = LEAST_CORRECTIONS - len(annotations)
    kinds = LEAST_EMOTIONS - len(counts)
    if few <= 0 and kinds <= 0:
        return ""
    others = [emotion for emotion in emotions if emotion not in counts]
    unknown = [emotion for emotion in others if emotion not in known]
    wanted = max(few, kinds)
    noun = "correction is" if wanted == 1 else "corrections are"
    sentence = f"{wanted} more {noun} needed"
    if kinds > 0:
        names = " or ".join((unknown + [emotion for emotion in others if emotion in known])[:3])
        kind = "another emotion" if kinds == 1 and counts else "at least two emotions"
        sentence += f", with at least one of {kind} ({names})" if kinds == 1 and counts else f", of {kind}"
    return f"{sentence} before the model can adapt."


def by(whose: Whose, annotations: Sequence[AnnotationRecord], settled: Collection[int]) -> list[AnnotationRecord]:
    """The annotations to learn from; ``settled`` are the ids of annotators that are a consensus.

    Of everybody's, nothing counts twice: a person's annotation is left out where the consensus has settled half of it
    or more.
    """
    if whose != EVERYBODY:
        return [each for each in annotations if each.annotator_id == whose]
    agreed = defaultdict(list)
    for each in annotations:
        if each.annotator_id in settled:
            agreed[each.clip_id].append((each.start_s, each.end_s))
    return [
        each
        for each in annotations
        if each.annotator_id in settled
        or covered(agreed[each.clip_id], (each.start_s, each.end_s)) < (each.end_s - each.start_s) / 2
    ]


def teacher(version: ModelVersionRecord) -> Teacher | None:
    """The one annotator whose corrections a version learned from; None where it was everybody."""
    found = version.figures.get("whose")
    return Teacher(**found) if found else None


def learned_from(version: ModelVersionRecord) -> str:
    """``7 corrections``, or ``7 corrections of Ana`` where it learned from hers alone."""
    number, who = len(version.corrections), teacher(version)
    corrections = "1 correction" if number == 1 else f"{number} corrections"
    return f"{corrections} of {who.called}" if who else corrections


def made_of(version: ModelVersionRecord) -> str:
    """``as shipped``, ``adapted to 7 corrections of Ana``, ``as shipped, rules edited by Ana`` and the like."""
    learned = f"adapted to {learned_from(version)}" if version.corrections else "as shipped"
    editors = " and ".join(version.figures.get("edited", ()))
    return f"{learned}, rules edited by {editors}" if editors else learned


def per_emotion(annotations: Sequence[AnnotationRecord]) -> Counter[str]:
    """How many corrections have each emotion as their strongest."""
    return Counter(annotation.emotion for annotation in annotations)


def support_set(
    annotations: Sequence[AnnotationRecord],
    emotions: Sequence[str],
    encode: Callable[[AnnotationRecord, list[Segment]], Encoded],
    segment_s: float,
) -> Support:
    """Turn corrections into a support set, in the order given. Corrections without any view are left out.

    Raises :class:`stf2m.adaptation.SupportError` when none is left.
    """
    parts, degrees, weights, owner = [], [], [], []
    for index, annotation in enumerate(annotations):
        encoded = encode(annotation, pieces(annotation, segment_s))
        present = np.any(encoded.present, axis=1)
        if not present.any():
            continue
        encoded = encoded[present]
        parts.append(encoded)
        row = [annotation.degrees.get(emotion, 0.0) for emotion in emotions]
        degrees += [row] * len(encoded)
        weights += [1.0 / len(encoded)] * len(encoded)
        owner += [index] * len(encoded)
    if not parts:
        raise SupportError("Nobody is seen or heard where the corrections are.")
    table = np.array(degrees, dtype=float).reshape(-1, len(emotions))
    table /= np.maximum(table.sum(axis=1, keepdims=True), 1e-9)
    return Support(Encoded.concatenate(parts), table, np.array(weights), np.array(owner, dtype=np.intp))


def pieces(annotation: AnnotationRecord, segment_s: float) -> list[Segment]:
    """A correction's stretch as segments of the usual length: one for a short correction, several for a long one."""
    duration = annotation.end_s - annotation.start_s
    return [
        Segment(annotation.start_s + piece.start_s, annotation.start_s + piece.end_s)
        for piece in segments.cut(duration, segment_s, segment_s / 2)
    ]
