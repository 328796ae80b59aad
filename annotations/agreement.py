"""How far people agree: percent, Cohen's kappa per pair, and Krippendorff's alpha.

The unit is a tenth of a second of a clip, so that every second counts the same however long the annotations are: at the
middle of each, a person's label is the emotion of the highest degree that they gave there. Time that a person has not
labelled is missing, not a label of its own. Ratings of sound alone, of pictures alone and of both are kept apart.

Krippendorff, K. (2011). Computing Krippendorff's alpha-reliability. Cohen, J. (1960). A coefficient of agreement for
nominal scales.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import krippendorff
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score

from annotations.interchange import FileClip, FileLabel, StudyFile

#: Units per second.
RATE_HZ = 10.0

_Floats = NDArray[np.float64]
_Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Figure:
    """A figure, or None and ``why``: "not defined, because …"."""

    value: float | None
    why: str = ""


@dataclass(frozen=True)
class PairAgreement:
    """Two people on the ``seconds`` that both labelled; ``percent`` of them with the same emotion."""

    annotators: tuple[str, str]
    seconds: float
    percent: float
    cohen_kappa: Figure


@dataclass(frozen=True)
class Agreement:
    """The agreement of one kind of rating.

    ``seconds`` were labelled by two people or more. ``krippendorff_alpha`` is nominal, of the strongest emotion;
    ``degrees_alpha`` is interval, of the degrees of each emotion; ``percent`` and ``cohen_kappa`` are means over pairs
    of people, each weighted by the seconds that both labelled.
    """

    clips: int
    annotators: tuple[str, ...]
    seconds: float
    krippendorff_alpha: Figure
    percent: Figure
    cohen_kappa: Figure
    degrees_alpha: Mapping[str, Figure]
    pairs: tuple[PairAgreement, ...]


def measure(study: StudyFile) -> dict[str, Agreement]:
    """The agreement per kind of rating: of clips with sound alone (``voice``), pictures alone (``face``) or both.

    The third is ``audiovisual``; a kind without labels is not there.
    """
    by_kind: defaultdict[str, defaultdict[FileClip, list[FileLabel]]] = defaultdict(lambda: defaultdict(list))
    for label in study.labels:
        by_kind[_kind(label.clip)][label.clip].append(label)
    return {
        kind: _agreement([degrees_of(labels, study.emotions) for labels in clips.values()], study.emotions)
        for kind, clips in by_kind.items()
    }


def degrees_of(labels: Iterable[FileLabel], emotions: Sequence[str]) -> dict[str, _Floats]:
    """What each person said about one clip: degrees ``(T, N)`` per tenth of a second, NaN where they said nothing.

    Where a person's annotations overlap, the highest degree of each emotion counts.
    """
    labels = list(labels)
    frames = int(np.ceil(max(label.end_s for label in labels) * RATE_HZ - 1e-6))
    middles = (np.arange(frames) + 0.5) / RATE_HZ
    said: dict[str, _Floats] = {}
    for label in labels:
        mine = said.setdefault(label.annotator, np.full((frames, len(emotions)), np.nan))
        given = np.array([label.degrees.get(emotion, 0.0) for emotion in emotions])
        there = (middles >= label.start_s) & (middles < label.end_s)
        mine[there] = np.fmax(mine[there], given)
    return said


def as_json(agreement: Agreement) -> dict[str, Any]:
    """Plain values: a figure that is not defined is null, and ``not_defined`` says why."""
    figures = {
        "krippendorff_alpha": agreement.krippendorff_alpha,
        "percent_agreement": agreement.percent,
        "cohen_kappa": agreement.cohen_kappa,
        **{f"degrees_alpha of {emotion}": figure for emotion, figure in agreement.degrees_alpha.items()},
        **{f"cohen_kappa of {' and '.join(pair.annotators)}": pair.cohen_kappa for pair in agreement.pairs},
    }
    return {
        "krippendorff_alpha": agreement.krippendorff_alpha.value,
        "percent_agreement": agreement.percent.value,
        "cohen_kappa": agreement.cohen_kappa.value,
        "degrees_alpha": {emotion: figure.value for emotion, figure in agreement.degrees_alpha.items()},
        "unit_s": 1 / RATE_HZ,
        "seconds": agreement.seconds,
        "clips": agreement.clips,
        "annotators": list(agreement.annotators),
        "pairs": [
            {
                "annotators": list(pair.annotators),
                "seconds": pair.seconds,
                "percent_agreement": pair.percent,
                "cohen_kappa": pair.cohen_kappa.value,
            }
            for pair in agreement.pairs
        ],
        "not_defined": {name: figure.why for name, figure in figures.items() if figure.value is None},
    }


def _kind(clip: FileClip) -> str:
    if clip.has_video and not clip.has_sound:
        return "face"
    return "voice" if clip.has_sound and not clip.has_video else "audiovisual"


def _agreement(clips: Sequence[Mapping[str, _Floats]], emotions: Sequence[str]) -> Agreement:
    labels = [{annotator: _strongest(said) for annotator, said in clip.items()} for clip in clips]
    counts = np.concatenate([_counts(each.values(), len(emotions)) for each in labels])
    counts = counts[counts.sum(axis=1) > 1]
    pairs = tuple(_pair(names, *both, emotions) for names, both in _pairs(labels).items())
    return Agreement(
        clips=len(clips),
        annotators=tuple(sorted({annotator for clip in clips for annotator in clip})),
        seconds=len(counts) / RATE_HZ,
        krippendorff_alpha=_nominal_alpha(counts, emotions),
        percent=_mean([(Figure(pair.percent), pair.seconds) for pair in pairs]),
        cohen_kappa=_mean([(pair.cohen_kappa, pair.seconds) for pair in pairs]),
        degrees_alpha=_degrees_alpha(clips, emotions),
        pairs=pairs,
    )


def _strongest(degrees: _Floats) -> _Labels:
    """The emotion of the highest degree ``(T,)``, −1 where nothing was said; of equals, the first of the study."""
    said = ~np.isnan(degrees).any(axis=1)
    return np.where(said, np.nan_to_num(degrees).argmax(axis=1), -1)


def _counts(labels: Iterable[_Labels], emotions: int) -> _Labels:
    """How many people chose each emotion, ``(T, N)``."""
    return np.sum([each[:, None] == np.arange(emotions) for each in labels], axis=0)


def _pairs(clips: Sequence[Mapping[str, _Labels]]) -> dict[tuple[str, str], tuple[_Labels, _Labels]]:
    """The labels of each two people where both gave one, over all clips."""
    found: defaultdict[tuple[str, str], list[tuple[_Labels, _Labels]]] = defaultdict(list)
    for clip in clips:
        for one, other in combinations(sorted(clip), 2):
            both = (clip[one] >= 0) & (clip[other] >= 0)
            if both.any():
                found[one, other].append((clip[one][both], clip[other][both]))
    return {
        names: (np.concatenate([one for one, _ in parts]), np.concatenate([other for _, other in parts]))
        for names, parts in sorted(found.items())
    }


def _pair(names: tuple[str, str], one: _Labels, other: _Labels, emotions: Sequence[str]) -> PairAgreement:
    kappa = Figure(None, f"not defined, because both chose only {emotions[one[0]]}")
    if len(np.unique([one, other])) > 1:
        kappa = Figure(float(cohen_kappa_score(one, other)))
    return PairAgreement(names, len(one) / RATE_HZ, float(100 * np.mean(one == other)), kappa)


def _nominal_alpha(counts: _Labels, emotions: Sequence[str]) -> Figure:
    if not len(counts):
        return Figure(None, "not defined, because no moment was labelled by two people")
    used = counts.any(axis=0)
    if used.sum() == 1:
        return Figure(None, f"not defined, because everybody chose {emotions[int(used.argmax())]} all the time")
    return Figure(float(krippendorff.alpha(value_counts=counts[:, used], level_of_measurement="nominal")))


def _degrees_alpha(clips: Sequence[Mapping[str, _Floats]], emotions: Sequence[str]) -> dict[str, Figure]:
    """Krippendorff's alpha for interval data, per emotion, by sums: its memory does not grow with the degrees in use.

    With the m values v of a unit: Σ over pairs (v−v')² = 2 (m Σv² − (Σv)²), which makes the observed disagreement of
    the units and the expected one of all n values together.
    """
    n, within = 0, np.zeros(len(emotions))
    total, squares = np.zeros(len(emotions)), np.zeros(len(emotions))
    lowest, highest = np.full(len(emotions), np.inf), np.full(len(emotions), -np.inf)
    for clip in clips:
        said = np.stack(list(clip.values()))
        raters = (~np.isnan(said[..., 0])).sum(axis=0)
        said, m = said[:, raters > 1], raters[raters > 1, None]
        if not len(m):
            continue
        sums, sums_of_squares = np.nansum(said, axis=0), np.nansum(said**2, axis=0)
        within += ((m * sums_of_squares - sums**2) / (m - 1)).sum(axis=0)
        n, total, squares = n + int(m.sum()), total + sums.sum(axis=0), squares + sums_of_squares.sum(axis=0)
        lowest = np.minimum(lowest, np.nanmin(said, axis=(0, 1)))
        highest = np.maximum(highest, np.nanmax(said, axis=(0, 1)))
    if not n:
        return dict.fromkeys(emotions, Figure(None, "not defined, because no moment was labelled by two people"))
    expected = (n * squares - total**2) / (n - 1)
    return {
        emotion: Figure(float(1 - within[e] / expected[e]))
        if highest[e] > lowest[e]
        else Figure(None, f"not defined, because everybody gave {emotion} the degree {lowest[e]:g} all the time")
        for e, emotion in enumerate(emotions)
    }


def _mean(figures: Sequence[tuple[Figure, float]]) -> Figure:
    """The mean of the figures that are defined, weighted by their seconds."""
    defined = [(figure.value, seconds) for figure, seconds in figures if figure.value is not None]
    if defined:
        values, seconds = zip(*defined, strict=True)
        return Figure(float(np.average(values, weights=seconds)))
    why = "no two people labelled the same moment" if not figures else "it is defined for no pair of people"
    return Figure(None, f"not defined, because {why}")
