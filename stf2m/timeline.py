"""From overlapping segments to a timeline: who felt what from when to when.

Segments overlap, so most moments are covered by several of them. A moment's degrees are the mean over the segments
that cover it; neighbouring moments with the same strongest emotion join into one stretch. Moments that no segment
with any view covers stay empty: nothing is said where nothing was seen or heard. Why a stretch has its emotion is told
by one segment, the one of those :func:`within` it that shows the emotion most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stf2m.segments import Segment

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Moments:
    """Degrees over time without overlap: piece ``i`` lasts from ``edges[i]`` to ``edges[i + 1]`` seconds.

    ``memberships`` ``(P, N)``, ``uncertainty`` ``(P,)``, ``shares`` ``(P, M)``, all NaN where nothing is known.
    """

    edges: Array
    memberships: Array
    uncertainty: Array
    shares: Array

    @property
    def nbytes(self) -> int:
        """What they take of memory, bytes."""
        return sum(each.nbytes for each in (self.edges, self.memberships, self.uncertainty, self.shares))


@dataclass(frozen=True, eq=False)
class Stretch:
    """A stretch of one emotion: its mean degrees ``(N,)``, uncertainty in [0, 1] and modality shares ``(M,)``."""

    start_s: float
    end_s: float
    emotion: str
    degree: float
    memberships: Array
    uncertainty: float
    shares: Array


def over_time(
    segments: Sequence[Segment], known: NDArray[np.bool_], memberships: Array, uncertainty: Array, shares: Array
) -> Moments:
    """The degrees ``(n, N)``, uncertainty ``(n,)`` and shares ``(n, M)`` of overlapping segments, moment by moment.

    ``known`` ``(n,)`` tells which segments have any view; the others are left out.
    """
    starts = np.round([segment.start_s for segment in segments], 6)
    ends = np.round([segment.end_s for segment in segments], 6)
    edges = np.unique(np.concatenate([starts, ends]))
    first, last = np.searchsorted(edges, starts[known]), np.searchsorted(edges, ends[known])
    covered = _spread(first, last, np.ones((known.sum(), 1)), len(edges))

    def mean(column: Array) -> Array:
        total = _spread(first, last, column.reshape(len(known), -1)[known], len(edges))
        return np.where(covered > 0.5, total / np.maximum(covered, 1.0), np.nan)

    return Moments(edges, mean(memberships), mean(uncertainty)[:, 0], mean(shares))


def join(timeline: Moments, emotions: Sequence[str]) -> list[Stretch]:
    """Join neighbouring moments whose strongest emotion is the same. Unknown moments separate stretches."""
    known = ~np.isnan(timeline.memberships).any(axis=1)
    strongest = np.where(known, np.nan_to_num(timeline.memberships).argmax(axis=1), -1)
    breaks = np.flatnonzero(np.diff(strongest)) + 1
    stretches = []
    for pieces in np.split(np.arange(len(strongest)), breaks):
        if not len(pieces) or strongest[pieces[0]] < 0:
            continue
        lengths = np.diff(timeline.edges)[pieces]
        weights = lengths / lengths.sum()
        degrees = weights @ timeline.memberships[pieces]
        stretches.append(
            Stretch(
                start_s=float(timeline.edges[pieces[0]]),
                end_s=float(timeline.edges[pieces[-1] + 1]),
                emotion=emotions[int(strongest[pieces[0]])],
                degree=float(degrees[strongest[pieces[0]]]),
                memberships=degrees,
                uncertainty=float(weights @ timeline.uncertainty[pieces]),
                shares=weights @ timeline.shares[pieces],
            )
        )
    return stretches


def within(segments: Sequence[Segment], known: NDArray[np.bool_], start_s: float, end_s: float) -> NDArray[np.intp]:
    """The numbers of the segments whose middle lies in a stretch and which have any view, of ``known`` ``(n,)``; where
    there is none, of the segment whose middle is nearest.
    """
    middles = np.array([(segment.start_s + segment.end_s) / 2 for segment in segments])
    inside = np.flatnonzero((middles >= start_s - 1e-6) & (middles <= end_s + 1e-6) & known)
    return inside if len(inside) else np.array([np.abs(middles - (start_s + end_s) / 2).argmin()])


def _spread(first: NDArray[np.intp], last: NDArray[np.intp], column: Array, edges: int) -> Array:
    """Sum each segment's row over the pieces it covers, by differences and one running sum: ``(P, columns)``."""
    steps = np.zeros((edges, column.shape[1]))
    np.add.at(steps, first, column)
    np.add.at(steps, last, -column)
    return np.cumsum(steps, axis=0)[:-1]
