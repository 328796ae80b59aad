"""Testing methods on episodes: the same episodes for every method, accuracy with its 95 % interval.

A method learns from other people once (:meth:`Method.fit`), encodes every example once (:meth:`Method.encode`), and
then adapts to each episode's support and predicts its queries.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stf2m.tasks import QUERIES, Episode, Example, Sampler, episodes
from stf2m.tasks import Protocol as SpeakerProtocol
from stf2m.tracks import FloatArray

Progress = Callable[[float, str], None]


class Adapted(Protocol):
    """What adapting gives: something that predicts."""

    def predict(self, query: Any) -> FloatArray:
        """Degrees ``(n, N)`` of the episode's emotions for encoded queries; the highest counts."""
        ...


class Method(Protocol):
    """A way to learn emotions from a few examples.

    What :meth:`encode` gives is the method's own affair, as long as an array of row numbers picks examples out of it.
    ``origin`` says what a method that comes trained was trained on; it is empty for one that :meth:`fit` teaches.
    """

    name: str
    origin: str

    def fit(self, train: Sequence[Example]) -> None:
        """Learn from other people's examples before any episode; there may be none."""
        ...

    def encode(self, examples: Sequence[Example]) -> Any:
        """Whatever can be computed of each example once, labels unseen."""
        ...

    def adapt(self, support: Any, degrees: FloatArray, emotions: Sequence[str]) -> Adapted:
        """Learn from an episode's encoded support and its degrees ``(n, N)``."""
        ...


@dataclass(frozen=True)
class Result:
    """One method on one kind of episode.

    ``accuracy`` is the mean over episodes and ``ci95`` half its 95 % interval; ``macro_recall`` the mean over emotions
    of the share of their queries that were recognised, and ``recall`` that share; ``seconds`` is all the episodes'
    time, ``adapt_ms`` the median of adapting to one; ``trained_on`` says in words what was learned from before.
    """

    method: str
    accuracy: float
    ci95: float
    episodes: int
    seconds: float
    adapt_ms: float
    macro_recall: float
    recall: dict[str, float]
    ways: int
    shots: int
    protocol: SpeakerProtocol
    seed: int
    examples: int
    trained_on: str


def evaluate(
    method: Method,
    test: Sequence[Example],
    *,
    ways: int,
    shots: int,
    protocol: SpeakerProtocol,
    count: int = 600,
    seed: int = 0,
    queries: int = QUERIES,
    trained_on: str = "nothing",
    progress: Progress | None = None,
) -> Result:
    """Test a fitted method on ``count`` episodes of a seed.

    Raises :class:`stf2m.tasks.TooFewExamplesError` when the examples allow no such episode.
    """
    sampler = Sampler(test, ways=ways, shots=shots, protocol=protocol, queries=queries)
    drawn = list(episodes(sampler, count, seed))
    encoded = method.encode(test)
    accuracies, adapting = np.zeros(count), np.zeros(count)
    hits: dict[str, list[NDArray[np.bool_]]] = {}
    start = time.perf_counter()
    # The problems are tiny: a second thread only costs.
    with threadpool_limits(1):
        for number, episode in enumerate(drawn):
            right, adapting[number] = run(method, encoded, episode)
            accuracies[number] = right.mean()
            for label, emotion in enumerate(episode.emotions):
                hits.setdefault(emotion, []).append(right[episode.query_labels == label])
            if progress:
                progress((number + 1) / count, f"{method.name}: {accuracies[: number + 1].mean():.3f}")
    seconds = time.perf_counter() - start
    recall = {emotion: float(np.concatenate(found).mean()) for emotion, found in sorted(hits.items())}
    return Result(
        method=method.name,
        accuracy=float(accuracies.mean()),
        ci95=float(1.96 * accuracies.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0,
        episodes=count,
        seconds=seconds,
        adapt_ms=float(1000 * np.median(adapting)),
        macro_recall=float(np.mean(list(recall.values()))),
        recall=recall,
        ways=ways,
        shots=shots,
        protocol=protocol,
        seed=seed,
        examples=len(test),
        trained_on=trained_on,
    )


def run(method: Method, encoded: Any, episode: Episode) -> tuple[NDArray[np.bool_], float]:
    """Adapt to one episode: which queries were recognised ``(N·queries,)``, and the seconds that adapting took."""
    start = time.perf_counter()
    adapted = method.adapt(encoded[episode.support], episode.degrees(), episode.emotions)
    seconds = time.perf_counter() - start
    degrees = adapted.predict(encoded[episode.query])
    return degrees.argmax(axis=1) == episode.query_labels, seconds
