"""Overlap of boundaries: do two people let an emotion begin and end at the same moments?

A run is a stretch in which a person's emotion stays the same, however many annotations it is made of. Two onsets, or
two offsets, match where they are of one emotion and at most a tolerance apart, each matched once; F1 = 2 matches /
(those of one + those of the other), the event-based measure with a collar of Mesaros, Heittola and Virtanen (2016),
Metrics for polyphonic sound event detection. A boundary at an end of its clip is nobody's decision and does not count.
The overlap is that of the emotion's stretches: the time that both gave it over the time that either did (intersection
over union). Both measures look at whole clips of which both people labelled some moment in common.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotations.agreement.ratings import Floats, Ints, Ratings, summed

#: Onsets and offsets at most so far apart are the same one, seconds: about as much as reaction times differ.
TOLERANCE_S = 0.5


@dataclass(frozen=True, eq=False)
class Extents:
    """Sums of K pairs of people per emotion, each ``(K, N)``: seconds that both gave it and that either gave it, and

    ``onsets`` and ``offsets`` ``(K, N, 3)``: matched ones, those of the one, those of the other.
    """

    both_s: Floats
    either_s: Floats
    onsets: Floats
    offsets: Floats


@dataclass(frozen=True, eq=False)
class _Runs:
    """Where emotions begin and end: one row a boundary, by clip, person and time; ``end`` is 1 for an offset."""

    clip: Ints
    person: Ints
    emotion: Ints
    end: Ints
    at_s: Floats


def compare(
    ratings: Ratings, pairs: Ints, clips: Ints, same: tuple[Ints, Ints, Floats], durations_s: Sequence[float | None]
) -> Extents:
    """The extents of K pairs ``(K, 2)`` of people.

    ``clips`` ``(C, 2)``: in which clips a pair (by its row) labelled some moment in common. ``same``: moments of
    agreement as pair, emotion and seconds. ``durations_s`` of the clips; None: to the end of the last label.
    """
    size, emotions = len(pairs), len(ratings.emotions)
    shape = (size, emotions)
    both = summed(same[0] * emotions + same[1], size * emotions, same[2]).reshape(shape)
    runs = _inner(_runs(ratings), ratings, durations_s)
    people = len(ratings.people)
    # What each person did in each clip, and which of these rows the pairs' clips need.
    of_rating = ratings.clip[ratings.piece] * people + ratings.person
    keys, row = np.unique(of_rating, return_inverse=True)
    size_of_table = len(keys) * emotions
    time = summed(row * emotions + ratings.chosen, size_of_table, ratings.seconds[ratings.piece]).reshape(-1, emotions)
    cells = np.searchsorted(keys, runs.clip * people + runs.person) * emotions + runs.emotion
    counted = [summed(cells[runs.end == end], size_of_table).reshape(-1, emotions) for end in (0, 1)]
    which, where = clips.T
    places = [np.searchsorted(keys, where * people + pairs[which, side]) for side in (0, 1)]

    def per_pair(values: Floats) -> Floats:
        return np.stack([summed(which, size, column) for column in values.T], axis=1)

    either = per_pair(time[places[0]] + time[places[1]]) - both
    made = [np.stack([np.zeros(shape), *(per_pair(each[place]) for place in places)], axis=2) for each in counted]
    times = _times(runs, people)
    for pair, one, other in zip(which, *(keys[place] for place in places), strict=True):
        for (emotion, end), mine in times.get(int(one), {}).items():
            theirs = times.get(int(other), {}).get((emotion, end))
            if theirs:
                made[end][pair, emotion, 0] += matches(mine, theirs)
    return Extents(both, either, *made)


def matches(one: Sequence[float], other: Sequence[float], tolerance_s: float = TOLERANCE_S) -> int:
    """How many of two rising series of times can be matched one to one, at most ``tolerance_s`` apart: the most."""
    found, at = 0, 0
    for time in one:
        at = bisect_left(other, time - tolerance_s - 1e-9, at)
        if at < len(other) and other[at] <= time + tolerance_s + 1e-9:
            found, at = found + 1, at + 1
    return found


def f1(matched: float, one: float, other: float) -> float:
    """The harmonic mean of precision and recall; NaN where neither set a boundary."""
    return 2 * matched / (one + other) if one + other else float("nan")


def _runs(ratings: Ratings) -> _Runs:
    """Every boundary of every run, by clip, person and time."""
    order = np.lexsort((ratings.piece, ratings.person, ratings.clip[ratings.piece]))
    piece, person, emotion = ratings.piece[order], ratings.person[order], ratings.chosen[order]
    clip, start = ratings.clip[piece], ratings.start_s[piece]
    end = start + ratings.seconds[piece]
    goes_on = (
        (np.diff(clip) == 0) & (np.diff(person) == 0) & (np.diff(emotion) == 0) & (np.abs(start[1:] - end[:-1]) < 5e-4)
    )
    first = np.flatnonzero(np.r_[True, ~goes_on])
    last = np.r_[first[1:] - 1, len(piece) - 1]
    twice = np.repeat(first, 2)
    at_s = np.stack([start[first], end[last]], axis=1).ravel()
    return _Runs(clip[twice], person[twice], emotion[twice], np.tile([0, 1], len(first)), at_s)


def _inner(runs: _Runs, ratings: Ratings, durations_s: Sequence[float | None]) -> _Runs:
    """The boundaries that lie further from the ends of their clips than the tolerance."""
    ends = np.zeros(ratings.clips)
    np.maximum.at(ends, ratings.clip, ratings.start_s + ratings.seconds)
    known = [end if duration is None else duration for end, duration in zip(ends, durations_s, strict=True)]
    kept = (runs.at_s > TOLERANCE_S) & (runs.at_s < np.array(known)[runs.clip] - TOLERANCE_S)
    return _Runs(runs.clip[kept], runs.person[kept], runs.emotion[kept], runs.end[kept], runs.at_s[kept])


def _times(runs: _Runs, people: int) -> Mapping[int, dict[tuple[int, int], list[float]]]:
    """The rising times of each clip and person (their key), by emotion and end."""
    found: dict[int, dict[tuple[int, int], list[float]]] = {}
    for key, emotion, end, at_s in _rows(runs, people):
        found.setdefault(key, {}).setdefault((emotion, end), []).append(at_s)
    return found


def _rows(runs: _Runs, people: int) -> Iterator[tuple[int, int, int, float]]:
    keys = runs.clip * people + runs.person
    return zip(keys.tolist(), runs.emotion.tolist(), runs.end.tolist(), runs.at_s.tolist(), strict=True)
