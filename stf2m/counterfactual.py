"""What would have changed an answer: the smallest change of one or two cues after which the model says something else.

A counterfactual explanation in the sense of Wachter, Mittelstadt and Russell (2018), found by search over the cues that
rules speak of and verified by running the model. A change is measured in shares of the cue's typical range, so that
hertz and degrees can be compared. Only the rules read cues: what the learned picture of a face or a voice says stays as
it is, so there may be no such change, which is an answer, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from stf2m.adaptation import AdaptedModel
from stf2m.encoded import Encoded
from stf2m.tracks import Cue

#: Values that are tried for one cue, and for each of two cues together; of so many cues the pairs are tried.
SINGLE, PAIRED, MOST_PAIRED = 25, 9, 8
#: Rounds of bisection that make a change as small as it can be.
ROUNDS = 6


@dataclass(frozen=True)
class CueChange:
    """A cue that had the value ``before`` and would have to have ``after``, both in its ``unit``."""

    cue: str
    unit: str
    before: float
    after: float


@dataclass(frozen=True)
class Flip:
    """After ``changes`` the model says ``emotion`` to the ``degree``; ``effort`` is their sum in typical ranges.

    ``onwards``: it is one cue, and further in the same direction, up to the end of the typical range, the model says
    the same, so that "below 30 Hz" is true and not only "at 30 Hz".
    """

    changes: tuple[CueChange, ...]
    emotion: str
    degree: float
    effort: float
    onwards: bool = False


def with_cues(model: AdaptedModel, encoded: Encoded, values: Mapping[str, float]) -> Encoded:
    """The same segments, of which some cues had other values, by name and in their units.

    Raises ``KeyError`` for a cue that the model does not have.
    """
    names = [cue.name for cue in model.network.cues]
    cues = encoded.cues.copy()
    for name, value in values.items():
        if name not in names:
            raise KeyError(f"This model has no cue called {name!r}.")
        cues[:, names.index(name)] = value
    return Encoded(encoded.pooled, encoded.present, cues, encoded.encoder)


def smallest_flip(model: AdaptedModel, encoded: Encoded, wanted: str | None = None) -> Flip | None:
    """The smallest change after which the model says ``wanted`` of the one segment, or anything else than now.

    None where no change of one or two cues does it, or none is needed. Raises ``ValueError`` unless ``encoded`` is one
    segment and ``wanted`` an emotion of the model.
    """
    if len(encoded) != 1:
        raise ValueError(f"One segment can be looked at at a time, not {len(encoded)}.")
    if wanted is not None and wanted not in model.emotions:
        raise ValueError(f"This model does not answer with {wanted!r}.")
    search = _Search(model, encoded, wanted)
    if search.wanted == search.now:
        return None
    found = search.one_cue() or search.two_cues()
    return search.told(found) if found else None


class _Search:
    """The search for one segment. A point is a mapping from the number of a cue to its value."""

    def __init__(self, model: AdaptedModel, encoded: Encoded, wanted: str | None) -> None:
        self.model, self.encoded = model, encoded
        self.now = int(model.predict(encoded).memberships[0].argmax())
        self.wanted = None if wanted is None else model.emotions.index(wanted)
        self.cues: Sequence[Cue] = model.network.cues
        self.values = encoded.cues[0].astype(float)
        self.measured = [number for number, value in enumerate(self.values) if np.isfinite(value)]

    def one_cue(self) -> dict[int, float] | None:
        points = [{cue: value} for cue in self.measured for value in self._grid(cue, SINGLE)]
        return self._best(points)

    def two_cues(self) -> dict[int, float] | None:
        points = [
            {one: first, other: second}
            for one, other in combinations(self._movers(), 2)
            for first in self._grid(one, PAIRED)
            for second in self._grid(other, PAIRED)
        ]
        return self._best(points)

    def told(self, point: dict[int, float]) -> Flip:
        """The point in names and units, with what the model says there; where it can, in numbers as they are read."""
        readable = {cue: self._readable(cue, value) for cue, value in point.items()}
        point = readable if self._does(self._ask([readable]))[0] else point
        memberships = self._ask([point])[0]
        emotion = int(memberships.argmax())
        changes = tuple(
            CueChange(self.cues[cue].name, self.cues[cue].unit, float(self.values[cue]), float(value))
            for cue, value in sorted(point.items(), key=lambda item: -self._effort({item[0]: item[1]}))
        )
        degree, onwards = float(memberships[emotion]), len(changes) == 1 and self._onwards(changes[0], emotion)
        return Flip(changes, self.model.emotions[emotion], degree, self._effort(point), onwards)

    def _readable(self, cue: int, value: float) -> float:
        """The next value further on that :func:`stf2m.explanation.with_unit` tells without a remainder."""
        size, scale = abs(value), any(letter.isdigit() for letter in self.cues[cue].unit)
        places = 2 if scale or size < 1 else 1 if size < 100 else 0
        away = np.floor if value < self.values[cue] else np.ceil
        return float(away(round(value * 10**places, 6)) / 10**places)

    def _onwards(self, change: CueChange, emotion: int) -> bool:
        cue = next(number for number, each in enumerate(self.cues) if each.name == change.cue)
        low, high = self.cues[cue].typical
        end = min(low, change.after) if change.after < change.before else max(high, change.after)
        points = [{cue: float(value)} for value in np.linspace(change.after, end, PAIRED)]
        return bool((self._ask(points).argmax(axis=1) == emotion).all())

    def _best(self, points: list[dict[int, float]]) -> dict[int, float] | None:
        """The point of least effort that does it, brought as near to the present values as it still does it."""
        if not points:
            return None
        there = self._does(self._ask(points))
        able = [point for point, does in zip(points, there, strict=True) if does]
        return self._nearer(min(able, key=self._effort)) if able else None

    def _nearer(self, point: dict[int, float]) -> dict[int, float]:
        near, far = 0.0, 1.0
        for _ in range(ROUNDS):
            middle = (near + far) / 2
            if self._does(self._ask([self._between(point, middle)]))[0]:
                far = middle
            else:
                near = middle
        return self._between(point, far)

    def _between(self, point: dict[int, float], share: float) -> dict[int, float]:
        return {cue: float(self.values[cue] + share * (value - self.values[cue])) for cue, value in point.items()}

    def _movers(self) -> list[int]:
        """The cues that can do most for the wanted emotion, or against the present one."""
        points = {cue: [{cue: value} for value in self._grid(cue, PAIRED)] for cue in self.measured}
        every = [point for tried in points.values() for point in tried]
        gains = self._gain(self._ask(every)) if every else np.zeros(0)
        owner = np.repeat(np.array(list(points), int), [len(tried) for tried in points.values()])
        gain = {cue: float(gains[owner == cue].max()) for cue in points}
        return sorted(gain, key=lambda cue: -gain[cue])[:MOST_PAIRED]

    def _gain(self, memberships: NDArray[np.floating]) -> NDArray[np.floating]:
        return -memberships[:, self.now] if self.wanted is None else memberships[:, self.wanted]

    def _does(self, memberships: NDArray[np.floating]) -> NDArray[np.bool_]:
        answers = memberships.argmax(axis=1)
        return answers != self.now if self.wanted is None else answers == self.wanted

    def _ask(self, points: Sequence[Mapping[int, float]]) -> NDArray[np.floating]:
        rows = self.encoded[np.zeros(len(points), int)]
        cues = rows.cues.copy()
        for row, point in enumerate(points):
            for cue, value in point.items():
                cues[row, cue] = value
        return self.model.predict(Encoded(rows.pooled, rows.present, cues, rows.encoder)).memberships

    def _grid(self, cue: int, points: int) -> NDArray[np.floating]:
        low, high = self.cues[cue].typical
        return np.linspace(min(low, self.values[cue]), max(high, self.values[cue]), points)

    def _effort(self, point: Mapping[int, float]) -> float:
        ranges = {cue: self.cues[cue].typical[1] - self.cues[cue].typical[0] for cue in point}
        return float(sum(abs(value - self.values[cue]) / ranges[cue] for cue, value in point.items()))
