"""Tasks: examples, and the episodes in which they are learned from few and tested on others.

An episode is N emotions with K support and some query examples each. Two protocols: *cross*: the speakers are split
in two halves at random, support from one half, query from the other; *personal*: support and query of one speaker.
Shots may be unequal, drawn for each emotion. Queries are balanced, as many of each emotion, or their shares are drawn
from a Dirichlet distribution (Veilleux et al. 2021, *Realistic evaluation of transductive few-shot learning*).
*Strangers* are queries of emotions that are not the episode's: the right answer to them is "I don't know".
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stf2m.segments import Views
from stf2m.tracks import FloatArray

Protocol = Literal["cross", "personal"]
IntArray = NDArray[np.intp]
#: How many labelled examples each emotion has: so many, or drawn evenly from the first to the second number.
Shots = int | tuple[int, int]

#: Queries of each emotion in an episode; fewer where a speaker has not as many.
QUERIES = 5
#: Random splits or speakers tried before an episode is declared impossible.
_TRIES = 200


@dataclass(frozen=True, eq=False)
class Example:
    """The views of one segment and what is known of it.

    ``degrees`` gives each emotion a degree in [0, 1]; ``speaker`` is empty where unknown (then like nobody else);
    ``clip`` names where it is from; ``weight`` is how much it counts in training.
    """

    views: Views
    degrees: Mapping[str, float]
    speaker: str = ""
    clip: str = ""
    weight: float = 1.0

    @property
    def emotion(self) -> str:
        """The emotion with the highest degree."""
        return max(self.degrees, key=lambda name: self.degrees[name])

    def borrowed(self) -> "Example":
        """The example without what our own model has learned of its views."""
        return replace(self, views={name: view.borrowed() for name, view in self.views.items()})


@dataclass(frozen=True, eq=False)
class Episode:
    """N emotions; indices into the pool of examples, and which emotion each is: ``(S,)`` support and ``(Q,)`` query;
    S is N·K where shots are equal. ``strangers (U,)`` are of other emotions.
    """

    emotions: tuple[str, ...]
    support: IntArray
    support_labels: IntArray
    query: IntArray
    query_labels: IntArray
    strangers: IntArray = field(default_factory=lambda: np.zeros(0, np.intp))

    def degrees(self) -> NDArray[np.float32]:
        """The support's labels as degrees, ``(S, N)``, one in each row."""
        return np.eye(len(self.emotions), dtype=np.float32)[self.support_labels]


class TooFewExamplesError(ValueError):
    """No episode of the wanted kind can be drawn; the message says what is missing, in one sentence."""


class Sampler:
    """Draws episodes from a pool of examples known by their emotions and speakers.

    ``queries`` of each emotion, or as many as there are of the rarest; with ``alpha`` as many in all, in shares drawn
    from a symmetric Dirichlet distribution of that concentration, and fewer where the pool cannot keep the shares.
    ``strangers`` of each other emotion at most, by the speakers of the queries. ``allowed`` restricts the emotions.
    What a seed draws as support for unequal shots is part of what it draws for the most; balance and strangers do not
    change the support, nor strangers the queries.

    Raises :class:`TooFewExamplesError` when no episode can be drawn, ``ValueError`` for numbers that make no sense.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        *,
        ways: int,
        shots: Shots,
        protocol: Protocol,
        queries: int = QUERIES,
        alpha: float | None = None,
        strangers: int = 0,
        allowed: Sequence[str] | None = None,
    ) -> None:
        least, most = shots if isinstance(shots, tuple) else (shots, shots)
        if ways < 2 or not 1 <= least <= most or queries < 1 or strangers < 0:
            raise ValueError("An episode needs two emotions, one shot and one query at least.")
        if alpha is not None and not 0 < alpha < np.inf:
            raise ValueError("The concentration of a Dirichlet distribution is a number above 0.")
        self.ways, self.queries, self.protocol, self.alpha = ways, queries, protocol, alpha
        self.least, self.shots, self.strangers = least, most, strangers
        self._by_speaker: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for index, example in enumerate(examples):
            if allowed is None or example.emotion in allowed:
                nobody_else = f"unknown {index}"
                self._by_speaker[example.speaker or nobody_else][example.emotion].append(index)
        if protocol == "personal":
            self._check_personal()
        elif len(self._by_speaker) < 2:
            raise TooFewExamplesError("The cross-speaker protocol needs two speakers at least.")
        if strangers and len({name for pool in self._by_speaker.values() for name in pool}) <= ways:
            raise TooFewExamplesError(f"There is no other emotion than an episode's {ways}, so no stranger.")

    def draw(self, random: np.random.Generator) -> Episode:
        """Draw one episode."""
        if self.protocol == "personal":
            speaker = self._able[random.integers(len(self._able))]
            return self._personal(self._by_speaker[speaker], random)
        for _ in range(_TRIES):
            episode = self._cross(random)
            if episode is not None:
                return episode
        raise TooFewExamplesError(
            f"No split of the {len(self._by_speaker)} speakers in two leaves {self.ways} emotions "
            f"with {self.shots} examples on one side and one on the other."
        )

    def _check_personal(self) -> None:
        self._able = [
            speaker
            for speaker, pool in sorted(self._by_speaker.items())
            if sum(len(indices) > self.shots for indices in pool.values()) >= self.ways
        ]
        if not self._able:
            raise TooFewExamplesError(f"No speaker has {self.ways} emotions with more than {self.shots} examples each.")

    def _personal(self, pool: Mapping[str, list[int]], random: np.random.Generator) -> Episode:
        able = sorted(emotion for emotion, indices in pool.items() if len(indices) > self.shots)
        emotions = self._choose(able, random)
        shuffled = [random.permutation(pool[emotion]) for emotion in emotions]
        support, query = [each[: self.shots] for each in shuffled], [each[self.shots :] for each in shuffled]
        return self._episode(emotions, support, query, pool, random)

    def _cross(self, random: np.random.Generator) -> Episode | None:
        speakers: list[str] = random.permutation(sorted(self._by_speaker)).tolist()
        first, second = self._pool(speakers[: len(speakers) // 2]), self._pool(speakers[len(speakers) // 2 :])
        support, query = (first, second) if random.random() < 0.5 else (second, first)
        able = sorted(emotion for emotion, found in support.items() if len(found) >= self.shots and query.get(emotion))
        if len(able) < self.ways:
            return None
        emotions = self._choose(able, random)
        return self._episode(
            emotions,
            [random.choice(support[emotion], self.shots, replace=False) for emotion in emotions],
            [random.permutation(query[emotion]) for emotion in emotions],
            query,
            random,
        )

    def _pool(self, speakers: Sequence[str]) -> dict[str, list[int]]:
        pool: dict[str, list[int]] = defaultdict(list)
        for speaker in speakers:
            for emotion, indices in self._by_speaker[speaker].items():
                pool[emotion].extend(indices)
        return pool

    def _choose(self, able: Sequence[str], random: np.random.Generator) -> tuple[str, ...]:
        return tuple(str(name) for name in random.choice(able, self.ways, replace=False))

    def _episode(
        self,
        emotions: tuple[str, ...],
        support: list[IntArray],
        query: list[IntArray],
        pool: Mapping[str, list[int]],
        random: np.random.Generator,
    ) -> Episode:
        """``pool``: all examples of the speakers of the queries."""
        shots = np.full(self.ways, self.shots)
        queries = np.full(self.ways, min(self.queries, *(len(each) for each in query)))
        if self.least < self.shots or self.alpha is not None:
            # Children draw nothing from their parent, so that the rest of the episode is as it is without them.
            of_shots, of_queries = random.spawn(2)
            shots = of_shots.integers(self.least, self.shots + 1, self.ways)
            if self.alpha is not None:
                shares = of_queries.dirichlet(np.full(self.ways, self.alpha))
                queries = apportioned(shares, int(queries.sum()), [len(each) for each in query])
        labels = np.arange(self.ways)
        return Episode(
            emotions=emotions,
            support=_firsts(support, shots),
            support_labels=labels.repeat(shots),
            query=_firsts(query, queries),
            query_labels=labels.repeat(queries),
            strangers=self._strange(emotions, pool, random) if self.strangers else np.zeros(0, np.intp),
        )

    def _strange(
        self, emotions: tuple[str, ...], pool: Mapping[str, list[int]], random: np.random.Generator
    ) -> IntArray:
        (own,) = random.spawn(1)
        others = [own.permutation(pool[name])[: self.strangers] for name in sorted(pool) if name not in emotions]
        return np.concatenate([np.zeros(0, np.intp), *others])


def apportioned(shares: NDArray[np.float64], total: int, available: Sequence[int]) -> IntArray:
    """Whole numbers ``(N,)`` in the proportion of ``shares``, by largest remainders: ``total`` in all, or as many as
    keep the proportion where less of one is ``available``; one at least.
    """
    with np.errstate(divide="ignore"):
        possible = np.min(np.asarray(available) / shares)
    total = max(int(min(total, possible)), 1)
    counts = np.floor(shares * total).astype(np.intp)
    largest = np.argsort(counts - shares * total, kind="stable")
    counts[largest[: total - counts.sum()]] += 1
    return counts


def _firsts(pools: Sequence[IntArray], counts: IntArray) -> IntArray:
    return np.concatenate([pool[:count] for pool, count in zip(pools, counts, strict=True)]).astype(np.intp)


def degrees_of(examples: Sequence[Example], rows: IntArray, emotions: Sequence[str]) -> FloatArray:
    """What is known of some examples of a pool: the degree of each emotion as it was given, ``(n, N)``."""
    known = [[examples[row].degrees.get(emotion, 0.0) for emotion in emotions] for row in rows]
    return np.array(known, np.float32).reshape(len(rows), len(emotions))


def episodes(sampler: Sampler, count: int, seed: int) -> Iterator[Episode]:
    """The first ``count`` episodes of a seed: the same for every method that is tested with them."""
    random = np.random.default_rng(seed)
    return (sampler.draw(random) for _ in range(count))
