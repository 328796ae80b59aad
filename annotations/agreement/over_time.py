"""Agreement over time: in windows of the clips, and by the day on which people labelled."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from annotations.agreement.coefficients import (
    NOBODY_TWICE,
    Figure,
    gwet_ac1,
    krippendorff_alpha,
    percent,
    tally,
    undefined,
)
from annotations.agreement.coefficients import figure as defined
from annotations.agreement.ratings import Floats, Ints, Ratings


@dataclass(frozen=True)
class Moment:
    """Agreement in one stretch of time: ``seconds`` of it were labelled by two people or more."""

    seconds: float
    percent_agreement: Figure
    krippendorff_alpha: Figure
    gwet_ac1: Figure


def by_day(ratings: Ratings) -> dict[date, Moment]:
    """Agreement on what was labelled by a second person on each day, or changed then; days by the calendar of UTC.

    ``ratings`` must hold moments of two people or more only. Empty where the days are not known.
    """
    days = np.unique(ratings.day[ratings.day > 0])
    group = np.searchsorted(days, ratings.day)
    known = ratings.day > 0
    made = _moments(ratings, group, known, len(days))
    return {date.fromordinal(int(day)): moment for day, moment in zip(days, made, strict=True)}


def in_windows(ratings: Ratings, window_s: float, duration_s: float) -> list[Moment]:
    """Agreement in each window of ``window_s`` seconds from 0 to ``duration_s``, over all clips of ``ratings``.

    ``ratings`` must be cut at the windows (:func:`.ratings.rate`) and hold moments of two people or more only.
    """
    windows = max(1, int(np.ceil(duration_s / window_s - 1e-9)))
    group = np.minimum(((ratings.start_s + 5e-4) / window_s).astype(np.intp), windows - 1)
    return _moments(ratings, group, np.ones(len(group), dtype=bool), windows)


def _moments(ratings: Ratings, group: Ints, kept: np.ndarray, groups: int) -> list[Moment]:
    sums = tally(ratings.counts[kept], ratings.seconds[kept], group[kept], groups)
    columns = [formula(sums) for formula in (percent, krippendorff_alpha, gwet_ac1)]
    return [
        Moment(float(sums.seconds[g]), *(_figure(column[g], sums.values[g], ratings.emotions) for column in columns))
        for g in range(groups)
    ]


def _figure(value: float, values: Floats, emotions: tuple[str, ...]) -> Figure:
    if not np.isnan(value):
        return defined(value)
    chosen = np.flatnonzero(values)
    return undefined(f"everybody chose {emotions[chosen[0]]}" if len(chosen) == 1 else NOBODY_TWICE)
