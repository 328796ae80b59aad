"""Coefficients of agreement from sums over time, which add up over clips: so that a bootstrap over clips is cheap.

With n_c of the m people who rated a moment choosing emotion c, and a moment a tenth of a second long:

* percent: Σ Σ_c n_c (n_c − 1) / Σ m (m − 1), the share of pairs of people who chose the same;
* Fleiss' kappa (Fleiss 1971; Gwet 2014, chapter 3, where m varies): (P − E) / (1 − E), P the mean over time of
  Σ_c n_c (n_c − 1) / (m (m − 1)), E = Σ_c p_c² with p_c the mean of n_c / m;
* Gwet's AC1 (Gwet 2008): the same with E = Σ_c p_c (1 − p_c) / (N − 1) for N emotions, which does not collapse where
  nearly everything is one emotion;
* Krippendorff's alpha, nominal (Krippendorff 2011): 1 − (n − 1) (n − Σ Σ_c n_c (n_c − 1) / (m − 1)) / (n² − Σ_c v_c²),
  v_c the ratings of c and n those of all; interval: observed over expected squared differences of degrees.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from annotations.agreement.ratings import Floats, Ints, Ratings, summed

#: Length of a moment, seconds: the unit of which Krippendorff's alpha counts how many there are.
UNIT_S = 0.1
#: Draws of the bootstrap, and the clips that it needs at least.
DRAWS = 1000
LEAST_CLIPS = 5

NOBODY_TWICE = "no moment was labelled by two people"


@dataclass(frozen=True)
class Figure:
    """A figure, or None and ``why``: "not defined, because …".

    ``low`` and ``high`` bound the 95 % interval of a bootstrap over clips; None with fewer than five of them.
    """

    value: float | None
    why: str = ""
    low: float | None = None
    high: float | None = None


def undefined(why: str) -> Figure:
    """A figure that is not defined, and the reason."""
    return Figure(None, f"not defined, because {why}")


@dataclass(frozen=True, eq=False)
class Tally:
    """The sums of G groups of time with N categories: what all nominal coefficients are made of.

    ``seconds`` ``(G,)`` rated by two people or more; ``agreeing``: of these, the mean share of agreeing pairs;
    ``pairs`` and ``same``: pairs of ratings and those that agree; ``coincident``: Σ_c n_c (n_c − 1) / (m − 1);
    ``shares`` ``(G, N)``: Σ n_c / m; ``values`` ``(G, N)``: Σ n_c. All weighted by their seconds.
    """

    seconds: Floats
    agreeing: Floats
    pairs: Floats
    same: Floats
    coincident: Floats
    shares: Floats
    values: Floats

    def total(self) -> "Tally":
        """All groups as one."""
        return replace(self, **{each.name: getattr(self, each.name).sum(axis=0)[None] for each in fields(self)})

    def drawn(self, weights: Floats) -> "Tally":
        """Each row of ``weights`` ``(B, G)`` as one group: so often it has each of the groups."""
        return replace(self, **{each.name: weights @ getattr(self, each.name) for each in fields(self)})


def tally(counts: Floats, seconds: Floats, group: Ints, groups: int) -> Tally:
    """The sums of ``counts`` ``(U, N)`` people per category and piece of time, by the piece's group.

    Every piece must be rated by two people at least.
    """
    m = counts.sum(axis=1)
    same = (counts * (counts - 1)).sum(axis=1)

    def add(values: Floats) -> Floats:
        return summed(group, groups, values * seconds)

    def add_each(values: Floats) -> Floats:
        return np.stack([add(column) for column in values.T], axis=1)

    return Tally(
        seconds=add(np.ones_like(m)),
        agreeing=add(same / (m * (m - 1))),
        pairs=add(m * (m - 1) / 2),
        same=add(same / 2),
        coincident=add(same / (m - 1)),
        shares=add_each(counts / m[:, None]),
        values=add_each(counts),
    )


def percent(sums: Tally) -> Floats:
    """Percent agreement per group, NaN where no two people rated."""
    return 100 * _over(sums.same, sums.pairs)


def fleiss_kappa(sums: Tally) -> Floats:
    """Fleiss' kappa per group, NaN where it is not defined."""
    chance = (_over(sums.shares, sums.seconds[:, None]) ** 2).sum(axis=1)
    return _over(_over(sums.agreeing, sums.seconds) - chance, _unless_zero(1 - chance))


def gwet_ac1(sums: Tally) -> Floats:
    """Gwet's AC1 per group, NaN where it is not defined."""
    shares = _over(sums.shares, sums.seconds[:, None])
    chance = _over((shares * (1 - shares)).sum(axis=1), np.full(len(shares), shares.shape[1] - 1.0))
    return _over(_over(sums.agreeing, sums.seconds) - chance, 1 - chance)


def krippendorff_alpha(sums: Tally) -> Floats:
    """Krippendorff's nominal alpha per group, NaN where it is not defined."""
    values = sums.values / UNIT_S
    n = values.sum(axis=1)
    expected = _unless_zero(1 - (_over(values, n[:, None]) ** 2).sum(axis=1)) * n**2
    return 1 - _over((n - 1) * (n - sums.coincident / UNIT_S), expected)


def degrees_alpha(ratings: Ratings, weights: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Krippendorff's interval alpha of the degrees of each emotion, ``(N,)``, and its 95 % interval; NaN: undefined.

    By sums: with the m values v of a moment, Σ over pairs (v − v')² = 2 (m Σ v² − (Σ v)²). ``weights`` as in
    :meth:`Tally.drawn`, over clips. Raises nothing; ``ratings`` must hold moments of two people or more only.
    """
    m = ratings.raters[:, None].astype(np.float64)
    starts = np.searchsorted(ratings.piece, np.arange(len(ratings.clip)))
    sums = np.add.reduceat(ratings.degrees, starts, axis=0)
    squares = np.add.reduceat(ratings.degrees**2, starts, axis=0)
    parts = np.concatenate([m, sums, squares, (m * squares - sums**2) / (m - 1)], axis=1)
    parts *= ratings.seconds[:, None] / UNIT_S
    per_clip = np.stack([summed(ratings.clip, ratings.clips, each) for each in parts.T], axis=1)
    all_equal = np.ptp(ratings.degrees, axis=0) == 0
    value = np.where(all_equal, np.nan, _interval_alpha(per_clip.sum(axis=0)[None])[0])
    if weights is None:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    low, high = _bounds(_interval_alpha(weights @ per_clip))
    return value, low, high


def draws(clips: Ints, total: int) -> Floats | None:
    """How often each draw of the bootstrap has each of ``total`` clips, ``(B, total)``; of those that are in ``clips``.

    None where there are too few. The seed is fixed: the same labels give the same intervals.
    """
    there = np.unique(clips)
    if len(there) < LEAST_CLIPS:
        return None
    weights = np.zeros((DRAWS, total))
    weights[:, there] = np.random.default_rng(0).multinomial(len(there), np.full(len(there), 1 / len(there)), DRAWS)
    return weights


def figures(sums: Tally, weights: Floats | None, emotions: Sequence[str]) -> dict[str, Figure]:
    """All nominal coefficients of ``sums`` per clip, over all clips, with their intervals and reasons."""
    total, drawn = sums.total(), None if weights is None else sums.drawn(weights)
    chosen = np.flatnonzero(total.values[0])
    why = NOBODY_TWICE
    if len(chosen) == 1:
        why = f"everybody chose {emotions[chosen[0]]} all the time"
    made: dict[str, Figure] = {}
    for name, formula in COEFFICIENTS.items():
        value = float(formula(total)[0])
        reason = "there is one emotion only" if name == "gwet_ac1" and len(emotions) == 1 and len(chosen) else why
        low, high = (None, None) if drawn is None else _bounds(formula(drawn)[:, None])
        made[name] = undefined(reason) if np.isnan(value) else figure(value, low, high)
    return made


def figure(value: float, low: Floats | None = None, high: Floats | None = None) -> Figure:
    """A figure that is defined, with its bounds, of which NaN is none."""
    bounds = [None if each is None or np.isnan(each).any() else float(np.ravel(each)[0]) for each in (low, high)]
    return Figure(float(value), "", *bounds)


COEFFICIENTS = {
    "percent_agreement": percent,
    "fleiss_kappa": fleiss_kappa,
    "krippendorff_alpha": krippendorff_alpha,
    "gwet_ac1": gwet_ac1,
}


def _interval_alpha(sums: Floats) -> Floats:
    """Sums ``(B, 1 + 3 N)`` of ratings, degrees, their squares and the disagreement within moments."""
    n, (total, squares, within) = sums[:, :1], np.split(sums[:, 1:], 3, axis=1)
    spread = n * squares - total**2
    return 1 - _over(within * (n - 1), np.where(spread <= 1e-12 * n * squares, 0.0, spread))


def _bounds(drawn: Floats) -> tuple[Floats, Floats]:
    defined = ~np.isnan(drawn).all(axis=0)
    low, high = np.full(drawn.shape[1], np.nan), np.full(drawn.shape[1], np.nan)
    if defined.any():
        low[defined], high[defined] = np.nanpercentile(drawn[:, defined], [2.5, 97.5], axis=0)
    return low, high


def _unless_zero(values: Floats) -> Floats:
    """What is zero but for rounding becomes zero, so that nothing is divided by it."""
    return np.where(np.abs(values) < 1e-12, 0.0, values)


def _over(top: NDArray[np.floating], bottom: NDArray[np.floating]) -> Floats:
    """Top over bottom, NaN where bottom is 0."""
    return np.divide(top, bottom, out=np.full(np.broadcast_shapes(top.shape, bottom.shape), np.nan), where=bottom != 0)
