"""Testing methods on episodes: the same episodes for every method, accuracy with its 95 % interval, and calibration.

A method learns from other people once (:meth:`Method.fit`), encodes every example once (:meth:`Method.encode`), and
then adapts to each episode's support and predicts its queries.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from stf2m import calibration
from stf2m.adaptation import AdaptedModel
from stf2m.calibration import Quality
from stf2m.perturbation import mislabelled
from stf2m.tasks import QUERIES, Episode, Example, Sampler, Shots, degrees_of, episodes
from stf2m.tasks import Protocol as SpeakerProtocol
from stf2m.tracks import FloatArray
from stf2m.trust import Trust, Watch

Progress = Callable[[float, str], None]


class Adapted(Protocol):
    """What adapting gives: something that predicts."""

    def predict(self, query: Any) -> FloatArray:
        """Degrees ``(n, N)`` of the episode's emotions for encoded queries; the highest counts."""
        ...


@runtime_checkable
class Confident(Protocol):
    """An adapted model that knows better than by its top degree how sure it is."""

    def confidence(self, query: Any) -> FloatArray:
        """How sure each answer is, ``(n,)``; only the order counts."""
        ...


@runtime_checkable
class Reasoned(Protocol):
    """An adapted model that gives its reasons in rules."""

    adapted: AdaptedModel


class Method(Protocol):
    """A way to learn emotions from a few examples.

    What :meth:`encode` gives is the method's own affair, as long as an array of row numbers picks examples out of it.
    ``origin`` says what a method that comes trained was trained on; it is empty for one that :meth:`fit` teaches, which
    sees of all views what borrowed encoders and measurements tell, not what our own model has learned of them. One that
    learns from unlabelled examples has an attribute ``transductive`` that is true; others are not given any.
    """

    name: str
    origin: str

    def fit(self, train: Sequence[Example]) -> None:
        """Learn from other people's examples before any episode; there may be none."""
        ...

    def encode(self, examples: Sequence[Example]) -> Any:
        """Whatever can be computed of each example once, labels unseen."""
        ...

    def adapt(self, support: Any, degrees: FloatArray, emotions: Sequence[str], unlabelled: Any = None) -> Adapted:
        """Learn from an episode's encoded support and its degrees ``(n, N)``, and from ``unlabelled`` encoded examples
        of the same emotions where they are given.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """A method that may answer before it has seen any support."""

    def unadapted(self, emotions: Sequence[str]) -> Adapted | None:
        """What answers without support; None where it knows fewer than two of the emotions."""
        ...


@dataclass(frozen=True)
class Setting:
    """One kind of test.

    ``shots`` of each of ``ways`` emotions, a pair for numbers drawn evenly between; ``queries`` of each, or with
    ``alpha`` as many in all in shares from a Dirichlet distribution (see :class:`stf2m.tasks.Sampler`). With
    ``transductive`` methods also get the queries without labels. ``wrong``: the share of the support's labels that are
    made wrong. Where people gave degrees of several emotions the support has them if ``soft``, else the highest alone.
    ``strangers`` of each emotion that is not the episode's are asked for too: whatever a method answers is wrong, and
    what it should do is doubt it. They count in the risk–coverage curve, and in no figure that needs a right emotion.
    """

    ways: int = 5
    shots: Shots = 5
    protocol: SpeakerProtocol = "cross"
    episodes: int = 600
    seed: int = 0
    queries: int = QUERIES
    alpha: float | None = None
    transductive: bool = False
    wrong: float = 0.0
    soft: bool = True
    strangers: int = 0

    @property
    def shots_in_words(self) -> str:
        """``5``, or ``1-5``."""
        return "-".join(map(str, self.shots)) if isinstance(self.shots, tuple) else str(self.shots)

    @property
    def in_words(self) -> str:
        """Everything that is not usual, and what always is asked: ``5-way 5-shot, cross, 600 episodes, seed 0``."""
        told = [
            f"{self.ways}-way {self.shots_in_words}-shot, {self.protocol}, {self.episodes} episodes, seed {self.seed}",
            "with unlabelled queries" if self.transductive else "",
            f"queries in Dirichlet({self.alpha:g}) shares" if self.alpha is not None else "",
            f"{self.wrong:.0%} of the labels wrong" if self.wrong else "",
            "" if self.soft else "top emotions only",
            f"{self.strangers} strangers of each other emotion" if self.strangers else "",
        ]
        return ", ".join(part for part in told if part)

    def tasks(self, test: Sequence[Example]) -> "Iterator[tuple[Episode, FloatArray]]":
        """The episodes, each with its support's degrees ``(S, N)``: the same for every method, and for every share of
        wrong labels. Raises :class:`stf2m.tasks.TooFewExamplesError` when the examples allow no such episode.
        """
        sampler = Sampler(
            test,
            ways=self.ways,
            shots=self.shots,
            protocol=self.protocol,
            queries=self.queries,
            alpha=self.alpha,
            strangers=self.strangers,
        )
        of_labels = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(0, 0)))
        for episode in episodes(sampler, self.episodes, self.seed):
            degrees = degrees_of(test, episode.support, episode.emotions) if self.soft else episode.degrees()
            yield episode, mislabelled(degrees, self.wrong, of_labels)


@dataclass(frozen=True)
class Result:
    """One method in one setting.

    ``accuracy`` is the mean over episodes and ``ci95`` half its 95 % interval; ``macro_recall`` the mean over emotions
    of the share of their queries that were recognised, and ``recall`` that share; ``seconds`` is all the episodes'
    time, ``adapt_ms`` the median of adapting to one; ``setting`` is what was asked for, but ``transductive`` only where
    the method has a use for it; ``answers`` were given in all episodes; ``modalities`` are those that the ``examples``
    show; ``trained_on`` says in words what was learned from before. ``trust``: how far the reasons can be trusted,
    where that was asked and the method gives any.
    """

    method: str
    accuracy: float
    ci95: float
    macro_recall: float
    recall: dict[str, float]
    quality: Quality
    seconds: float
    adapt_ms: float
    setting: Setting
    answers: int
    examples: int
    modalities: tuple[str, ...]
    trained_on: str
    trust: Trust | None = None

    def as_json(self) -> dict[str, Any]:
        """Everything in one object of plain values, flat but for ``recall`` and ``trust``."""
        told = asdict(self)
        setting, quality = told.pop("setting"), told.pop("quality")
        alpha = setting.pop("alpha")
        balance = "uniform" if alpha is None else alpha
        shots = self.setting.shots_in_words if isinstance(self.setting.shots, tuple) else self.setting.shots
        if self.trust is None:
            del told["trust"]
        return {**told, **quality, **setting, "shots": shots, "balance": balance}


class _Answer(NamedTuple):
    """One episode's: degrees ``(Q, N)`` that sum to one, confidence ``(Q,)``, right emotion ``(Q,)``, right degrees
    ``(Q, N)``, degrees without support or None, confidence and top degree of the answers to strangers ``(2, U)``, and
    seconds.
    """

    degrees: FloatArray
    confidence: FloatArray
    labels: NDArray[np.intp]
    truth: FloatArray
    before: FloatArray | None
    strangers: FloatArray
    adapting_s: float
    seconds: float

    @property
    def right(self) -> NDArray[np.bool_]:
        return self.degrees.argmax(axis=1) == self.labels


def evaluate(
    method: Method,
    test: Sequence[Example],
    setting: Setting,
    *,
    trained_on: str = "nothing",
    progress: Progress | None = None,
    explain: bool = False,
) -> Result:
    """Test a fitted method in a setting; with ``explain`` also its reasons, see :mod:`stf2m.trust`.

    Raises :class:`stf2m.tasks.TooFewExamplesError` when the examples allow no such episode.
    """
    setting = replace(setting, transductive=setting.transductive and getattr(method, "transductive", False))
    tasks = list(setting.tasks(test))
    watch = Watch(len(tasks), setting.seed) if explain else None
    run = _Run(method, test, setting.transductive, watch)
    answers: list[_Answer] = []
    right: list[float] = []
    # The problems are tiny: a second thread only costs.
    with threadpool_limits(1):
        for episode, degrees in tasks:
            answers.append(run.answer(episode, degrees))
            right.append(float(answers[-1].right.mean()))
            if progress:
                progress(len(right) / len(tasks), f"{method.name}: {np.mean(right):.3f}")
    recall = _recall([episode for episode, _ in tasks], answers)
    return Result(
        method=method.name,
        accuracy=float(np.mean(right)),
        ci95=float(1.96 * np.std(right, ddof=1) / np.sqrt(len(tasks))) if len(tasks) > 1 else 0.0,
        macro_recall=float(np.mean(list(recall.values()))),
        recall=recall,
        quality=_quality(answers, several=any(len(each.degrees) > 1 for each in test)),
        seconds=sum(each.seconds for each in answers),
        adapt_ms=1000 * float(np.median([each.adapting_s for each in answers])),
        setting=setting,
        answers=sum(len(each.labels) for each in answers),
        examples=len(test),
        modalities=tuple(sorted({name for each in test for name in each.views})),
        trained_on=trained_on,
        trust=watch.trust() if watch else None,
    )


class _Run:
    """A method at work on encoded examples, one episode after the other."""

    def __init__(self, method: Method, test: Sequence[Example], transductive: bool, watch: Watch | None = None) -> None:
        self.method, self.test, self.transductive, self.watch = method, test, transductive, watch
        self.encoded = method.encode(test if method.origin else [example.borrowed() for example in test])
        self._unadapted: dict[tuple[str, ...], Adapted | None] = {}

    def answer(self, episode: Episode, degrees: FloatArray) -> _Answer:
        """Adapt to the support with these degrees ``(S, N)`` and ask for the queries."""
        support, query = self.encoded[episode.support], self.encoded[episode.query]
        given = {"unlabelled": query} if self.transductive else {}
        start = time.perf_counter()
        adapted = self.method.adapt(support, degrees, episode.emotions, **given)
        adapting_s = time.perf_counter() - start
        said, confidence = _said(adapted, query)
        seconds = time.perf_counter() - start
        strange = np.zeros((2, 0), np.float32)
        if len(episode.strangers):
            answers, unsure = _said(adapted, self.encoded[episode.strangers])
            strange = np.stack([unsure, answers.max(axis=1)])
        if self.watch and isinstance(adapted, Reasoned):
            self.watch.see(adapted.adapted, query)
        return _Answer(
            degrees=said,
            confidence=confidence,
            labels=episode.query_labels,
            truth=calibration.distribution(degrees_of(self.test, episode.query, episode.emotions)),
            before=self._before(episode.emotions, query),
            strangers=strange,
            adapting_s=adapting_s,
            seconds=seconds,
        )

    def _before(self, emotions: tuple[str, ...], query: Any) -> FloatArray | None:
        if not isinstance(self.method, Remembering):
            return None
        names = tuple(sorted(emotions))
        if names not in self._unadapted:
            self._unadapted[names] = self.method.unadapted(names)
        answering = self._unadapted[names]
        if answering is None:
            return None
        return calibration.distribution(answering.predict(query))[:, [names.index(each) for each in emotions]]


def _said(adapted: Adapted, query: Any) -> tuple[FloatArray, FloatArray]:
    """Degrees ``(n, N)`` and the confidence in them, ``(n,)``."""
    said = calibration.distribution(adapted.predict(query))
    return said, adapted.confidence(query) if isinstance(adapted, Confident) else said.max(axis=1)


def _recall(drawn: Sequence[Episode], answers: Sequence[_Answer]) -> dict[str, float]:
    names = np.concatenate([np.array(each.emotions)[each.query_labels] for each in drawn])
    right = np.concatenate([each.right for each in answers])
    return {str(name): float(right[names == name].mean()) for name in np.unique(names)}


def _quality(answers: Sequence[_Answer], several: bool) -> Quality:
    """Over all answers; ``several``: whether people gave degrees of several emotions."""
    before = [(each.before, each.labels) for each in answers if each.before is not None]
    strangers = np.concatenate([each.strangers for each in answers], axis=1)
    return calibration.quality(
        np.concatenate([each.degrees for each in answers]),
        np.concatenate([each.labels for each in answers]),
        np.concatenate([each.confidence for each in answers]),
        before=(np.concatenate([said for said, _ in before]), np.concatenate([known for _, known in before]))
        if before
        else None,
        truth=np.concatenate([each.truth for each in answers]) if several else None,
        strangers=strangers if strangers.size else None,
    )
