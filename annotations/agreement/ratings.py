"""Labels as a table of ratings: who said what in every piece of time in which nobody's label begins or ends.

Every second counts the same, however long the annotations are. At each moment a person's rating is the emotion of the
highest degree that they gave there. Time that a person has not labelled is missing, not a label of its own.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Names of people that begin so stand for votes of which nobody knows who cast them: they are never compared by pair.
UNNAMED = "unnamed rater"

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Label(Protocol):
    """What agreement needs to know of an annotation: whose it is, when in its clip (seconds), and which emotions."""

    @property
    def annotator(self) -> str: ...  # noqa: D102
    @property
    def start_s(self) -> float: ...  # noqa: D102
    @property
    def end_s(self) -> float: ...  # noqa: D102
    @property
    def degrees(self) -> Mapping[str, float]: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Ratings:
    """R ratings of U pieces of time by P people, with N emotions; by clip, time and person.

    Row ``r``: ``person[r]`` gave ``degrees[r]`` ``(N,)`` to piece ``piece[r]``, most of them to ``chosen[r]``. Piece
    ``u``: of clip ``clip[u]``, from ``start_s[u]`` on, ``seconds[u]`` long; ``day[u]`` is the ordinal of the day on
    which the last of its labels was made, 0 where that is not known.
    """

    emotions: tuple[str, ...]
    people: tuple[str, ...]
    clips: int
    person: Ints
    piece: Ints
    degrees: Floats
    chosen: Ints
    clip: Ints
    start_s: Floats
    seconds: Floats
    day: Ints

    @property
    def raters(self) -> Ints:
        """How many people rated each piece, ``(U,)``."""
        return np.bincount(self.piece, minlength=len(self.clip))

    @property
    def counts(self) -> Floats:
        """How many people chose each emotion in each piece, ``(U, N)``."""
        shape = len(self.clip), len(self.emotions)
        return summed(self.piece * shape[1] + self.chosen, shape[0] * shape[1]).reshape(shape)


def summed(where: Ints, size: int, weights: Floats | None = None) -> Floats:
    """The sum of the weights, or the number, of what goes to each of ``size`` places."""
    return np.bincount(where, weights, size).astype(np.float64, copy=False)


def rate(
    labels: Sequence[Label],
    clips: Sequence[Hashable],
    emotions: Sequence[str],
    days: Sequence[date] | None = None,
    window_s: float | None = None,
) -> Ratings:
    """The ratings that ``labels`` are, each of the clip of the same place in ``clips``, made on that day of ``days``.

    Where a person's annotations overlap, the highest degree of each emotion counts. Times are exact to a millisecond.
    ``window_s`` cuts the pieces at its multiples as well, so that each lies in one window.
    """
    people = tuple(sorted({label.annotator for label in labels}))
    number = {name: place for place, name in enumerate(people)}
    clip_number: dict[Hashable, int] = {}
    of = np.array([clip_number.setdefault(clip, len(clip_number)) for clip in clips], dtype=np.intp)
    times = np.array([(label.start_s, label.end_s) for label in labels], dtype=np.float64).reshape(-1, 2)
    starts, ends = np.rint(times * 1000).astype(np.intp).T
    # All clips on one axis of milliseconds, one after the other.
    span = int(ends.max(initial=0)) + 1
    cuts = [of * span + starts, of * span + ends]
    if window_s is not None:
        window = np.rint(np.arange(0, span / 1000, window_s) * 1000).astype(np.intp)
        cuts.append((np.arange(len(clip_number))[:, None] * span + window).ravel())
    edges = np.unique(np.concatenate(cuts))
    first, last = np.searchsorted(edges, of * span + starts), np.searchsorted(edges, of * span + ends)
    lengths = last - first
    source = np.repeat(np.arange(len(labels)), lengths)
    pieces = np.arange(len(source)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + first[source]
    persons = np.array([number[label.annotator] for label in labels], dtype=np.intp)[source]
    place = {emotion: column for column, emotion in enumerate(emotions)}
    given = np.zeros((len(labels), len(emotions)))
    for row, label in enumerate(labels):
        for emotion, degree in label.degrees.items():
            given[row, place[emotion]] = degree
    made = np.zeros(len(labels), dtype=np.intp)
    if days is not None:
        made[:] = [day.toordinal() for day in days]
    # One row per piece and person: what of it overlaps is merged.
    order = np.lexsort((persons, pieces))
    source, pieces, persons = source[order], pieces[order], persons[order]
    new = np.flatnonzero(np.r_[True, (np.diff(pieces) != 0) | (np.diff(persons) != 0)][: len(pieces)])
    if not len(new):
        nothing = np.zeros(0, dtype=np.intp)
        empty = (nothing, nothing, given[:0], nothing, nothing, np.zeros(0), np.zeros(0), nothing)
        return Ratings(tuple(emotions), people, len(clip_number), *empty)
    degrees = np.maximum.reduceat(given[source], new, axis=0)
    used, piece = np.unique(pieces[new], return_inverse=True)
    day = np.zeros(len(used), dtype=np.intp)
    np.maximum.at(day, piece, np.maximum.reduceat(made[source], new))
    return Ratings(
        emotions=tuple(emotions),
        people=people,
        clips=len(clip_number),
        person=persons[new],
        piece=piece,
        degrees=degrees,
        chosen=degrees.argmax(axis=1),
        clip=edges[used] // span,
        start_s=(edges[used] % span) / 1000,
        seconds=(edges[used + 1] - edges[used]) / 1000,
        day=day,
    )
