"""Two people at a time: percent, Cohen's kappa, and whether they let emotions begin and end at the same moments.

Cohen, J. (1960). A coefficient of agreement for nominal scales.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from annotations.agreement import boundaries
from annotations.agreement.boundaries import Extents
from annotations.agreement.coefficients import Figure, figure, undefined
from annotations.agreement.ratings import UNNAMED, Floats, Ints, Ratings, summed

#: Of more pairs than this, those with the most time in common are told one by one.
MOST_PAIRS = 500

_NO_PAIR = "no two people labelled the same moment"
_NO_NAMES = "it is not known who cast which vote"


@dataclass(frozen=True)
class Overlap:
    """F1 of onsets and of offsets, and intersection over union of the stretches; see :mod:`.boundaries`."""

    onset_f1: Figure
    offset_f1: Figure
    iou: Figure


@dataclass(frozen=True)
class PairAgreement:
    """Two people on the ``seconds`` that both labelled; ``percent`` of them with the same emotion."""

    annotators: tuple[str, str]
    seconds: float
    percent: float
    cohen_kappa: Figure
    overlap: Overlap


@dataclass(frozen=True)
class Pairs:
    """All pairs of people: the mean of their Cohen's kappas, weighted by their seconds, and what boundaries overlap.

    ``told`` are the pairs one by one, at most :data:`MOST_PAIRS` of ``pairs``; ``emotions`` has the overlap of each.
    """

    pairs: int
    cohen_kappa: Figure
    overlap: Overlap
    emotions: tuple[Overlap, ...]
    told: tuple[PairAgreement, ...]


def compare(ratings: Ratings, durations_s: Sequence[float | None]) -> Pairs:
    """Every two people who labelled the same moment; votes of unnamed raters are left out."""
    one, other, pairs, which = _meetings(ratings)
    if not len(pairs):
        unnamed = any(name.startswith(UNNAMED) for name in ratings.people)
        none = undefined(_NO_NAMES if unnamed else _NO_PAIR)
        overlap = Overlap(none, none, none)
        return Pairs(0, none, overlap, (overlap,) * len(ratings.emotions), ())
    piece = ratings.piece[one]
    weight, chosen = ratings.seconds[piece], ratings.chosen
    size, emotions = len(pairs), len(ratings.emotions)
    seconds = summed(which, size, weight)
    agrees = chosen[one] == chosen[other]
    same_s = summed(which[agrees], size, weight[agrees])
    margins = [
        summed(which * emotions + chosen[rows], size * emotions, weight).reshape(size, -1) for rows in (one, other)
    ]
    kappa = _cohen(same_s / seconds, margins[0] / seconds[:, None], margins[1] / seconds[:, None])
    clips = np.unique(np.stack([which, ratings.clip[piece]], axis=1), axis=0)
    same = (which[agrees], chosen[one][agrees], weight[agrees])
    extents = boundaries.compare(ratings, pairs, clips, same, durations_s)
    told = sorted(np.argsort(-seconds, kind="stable")[:MOST_PAIRS].tolist())
    return Pairs(
        pairs=size,
        cohen_kappa=_mean(kappa, seconds),
        overlap=_overlap(extents, slice(None), slice(None)),
        emotions=tuple(_overlap(extents, slice(None), e, ratings.emotions[e]) for e in range(emotions)),
        told=tuple(
            PairAgreement(
                annotators=(ratings.people[pairs[k, 0]], ratings.people[pairs[k, 1]]),
                seconds=float(seconds[k]),
                percent=float(100 * same_s[k] / seconds[k]),
                cohen_kappa=undefined(f"both chose only {ratings.emotions[int(margins[0][k].argmax())]}")
                if np.isnan(kappa[k])
                else figure(float(kappa[k])),
                overlap=_overlap(extents, k, slice(None)),
            )
            for k in told
        ),
    )


def _meetings(ratings: Ratings) -> tuple[Ints, Ints, Ints, Ints]:
    """Two rows of ratings for each two people in each piece of time: rows, rows, pairs ``(K, 2)``, which pair."""
    named = np.flatnonzero(~np.array([name.startswith(UNNAMED) for name in ratings.people], dtype=bool)[ratings.person])
    piece, lefts, rights = ratings.piece[named], [], []
    for lag in range(1, int(ratings.raters.max(initial=0))):
        together = np.flatnonzero(piece[lag:] == piece[:-lag])
        lefts.append(named[together])
        rights.append(named[together + lag])
    nothing = np.zeros(0, dtype=np.intp)
    one, other = (np.concatenate([nothing, *rows]) for rows in (lefts, rights))
    people = len(ratings.people)
    keys, which = np.unique(ratings.person[one] * people + ratings.person[other], return_inverse=True)
    return one, other, np.stack([keys // max(people, 1), keys % max(people, 1)], axis=1), which


def _cohen(agreeing: Floats, one: Floats, other: Floats) -> Floats:
    """Cohen's kappa of K pairs from what share agrees ``(K,)`` and what share each gave to each emotion ``(K, N)``.

    NaN where both chose one emotion only, the same.
    """
    chance = (one * other).sum(axis=1)
    certain = chance > 1 - 1e-12
    return np.where(certain, np.nan, (agreeing - chance) / np.where(certain, 1.0, 1 - chance))


def _mean(kappa: Floats, seconds: Floats) -> Figure:
    defined = ~np.isnan(kappa)
    if not defined.any():
        return undefined("it is defined for no pair of people")
    return figure(float(np.average(kappa[defined], weights=seconds[defined])))


def _overlap(extents: Extents, pairs: int | slice, emotions: int | slice, emotion: str = "") -> Overlap:
    """Of some pairs and emotions together."""
    both, either = (each[pairs, emotions].sum() for each in (extents.both_s, extents.either_s))
    onsets, offsets = (each[pairs, emotions].reshape(-1, 3).sum(axis=0) for each in (extents.onsets, extents.offsets))
    of = f" of {emotion}" if emotion else ""
    return Overlap(
        onset_f1=_f1(onsets, f"nobody set a beginning{of} inside a clip"),
        offset_f1=_f1(offsets, f"nobody set an end{of} inside a clip"),
        iou=figure(float(both / either)) if either > 0 else undefined(f"nobody chose {emotion}"),
    )


def _f1(counts: Floats, why: str) -> Figure:
    value = boundaries.f1(*counts)
    return undefined(why) if np.isnan(value) else figure(value)
