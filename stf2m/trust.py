"""Whether reasons can be trusted: what the sentences say beside what the model does, in figures.

The questions and what answers them, for one adapted model and encoded segments of which some view is present:

- *Fidelity*: do the three strongest rules alone give the model's answer?
- *Comprehensiveness* (DeYoung et al. 2020, ERASER): how far does the degree of the answer fall when the cues that the
  sentence names become unknown? *Sufficiency*: how far does it fall when nothing is known but these cues? Each beside
  as many other measured cues of the same segment, drawn at random: a sentence that names what counts falls further
  without its cues than without others, and less far with its cues alone.
- *Stability*: after noise that nobody would notice, does the sentence name the same cues and terms?
- *Length* of the rules, the *order of the terms*, and *coverage*: does any rule fire at a strength above one half?

A removed cue is *unknown* (NaN), not at the data's median. The median is a value like any other, of which rules speak
("pitch is medium"), so it would put another reason in the place of the removed one. Unknown is what the model itself
has for a cue that cannot be measured: its conditions drop out of the rules. Training hides cues in the same way, so the
model is asked nothing of a kind that it has not met. What the encoder has learned of a face or a voice as a whole stays
when cues are removed, and is absent when only the named cues are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from stf2m.adaptation import AdaptedModel
from stf2m.encoded import Encoded
from stf2m.explanation import Explanation
from stf2m.fuzzy import MOST_CONDITIONS
from stf2m.network import Network
from stf2m.tracks import BoolArray, FloatArray

#: So many of the strongest rules speak for all in the figure of fidelity.
STRONGEST = 3
#: From this strength on a rule counts as firing.
FIRES = 0.5
#: Noise: this share of each cue's typical range, and of each learned feature's standard deviation over the segments.
NOISE = 0.01
#: Random sets of cues beside those named, for each sentence.
DRAWS = 5
#: Sentences that are looked at closely are so many at most; they take longest.
SENTENCES = 300
#: Points at which the order of the terms is looked at, from far below to far above their centres.
GRID = 401

#: What is aimed at: shares of segments, and of cues whose terms are in order.
AIMS = {"fidelity": 0.9, "stability": 0.9, "coverage": 0.9, "order": 1.0}


class Erased(NamedTuple):
    """For n segments, how far the degree of the answer falls; NaN where a sentence names no cue, or there is no other.

    Without the ``named`` cues and without as many at ``random``, and with these alone, each ``(n,)``.
    """

    without_named: FloatArray
    without_random: FloatArray
    only_named: FloatArray
    only_random: FloatArray


class Observed(NamedTuple):
    """What was seen of n segments, of which m were looked at closely: ``faithful``, ``covered`` ``(n,)``; ``erased``,
    ``same_sentence``, ``same_answer``, ``names`` (whether the sentence names a cue) ``(m,)``.
    """

    faithful: BoolArray
    covered: BoolArray
    erased: Erased
    same_sentence: BoolArray
    same_answer: BoolArray
    names: BoolArray


@dataclass(frozen=True)
class Contrast:
    """The mean fall of a degree with the named cues, with random ones, and of the difference named − random, with half
    its 95 % interval; over ``sentences``.
    """

    named: float
    random: float
    difference: float
    ci95: float
    sentences: int


@dataclass(frozen=True)
class Trust:
    """How far the reasons of a model can be trusted; see the module. Shares are in [0, 1].

    ``median_conditions`` and ``most_conditions`` of a rule; ``order``: the share of cues and patterns whose terms are
    in order; ``names``: the share of sentences that name a cue. ``comprehensiveness`` and ``sufficiency`` are None
    where no sentence could be tested. Over ``segments``, of which ``sentences`` were looked at closely.
    """

    fidelity: float
    comprehensiveness: Contrast | None
    sufficiency: Contrast | None
    stability: float
    same_answer: float
    median_conditions: float
    most_conditions: int
    order: float
    coverage: float
    names: float
    segments: int
    sentences: int


def observe(model: AdaptedModel, encoded: Encoded, random: np.random.Generator, sentences: int) -> Observed:
    """Look at segments that some view shows; closely at ``sentences`` of them, drawn at random."""
    encoded = encoded[np.flatnonzero(encoded.present.any(axis=1))]
    prediction = model.predict(encoded)
    answers = prediction.memberships.argmax(axis=1)
    drawn = np.sort(random.permutation(len(encoded))[:sentences])
    close = encoded[drawn]
    told = [model.explain(close[row]) for row in range(len(close))]
    noisy = with_noise(model.network, close, spread(encoded), random)
    again = [model.explain(noisy[row]) for row in range(len(noisy))]
    return Observed(
        faithful=model.rule_answers(encoded, STRONGEST).argmax(axis=1) == answers,
        covered=np.any(prediction.strength > FIRES, axis=1),
        erased=erase(model, close, told, random),
        same_sentence=np.array([_said(one) == _said(other) for one, other in zip(told, again, strict=True)], bool),
        same_answer=model.predict(noisy).memberships.argmax(axis=1) == answers[drawn],
        names=np.array([bool(_cues(model.network, each)) for each in told], bool),
    )


def summarise(model: AdaptedModel, observed: Sequence[Observed]) -> Trust:
    """All figures of what was seen with one network, whose rules are as in ``model``.

    Raises ``ValueError`` where no segment was seen.
    """
    segments = sum(len(each.faithful) for each in observed)
    sentences = sum(len(each.names) for each in observed)
    if not segments or not sentences:
        raise ValueError("Without any segment there is nothing to look at.")
    erased = Erased(*(np.concatenate(falls) for falls in zip(*(each.erased for each in observed), strict=True)))
    lengths = [len(rule.conditions) for rule in model.rules()]
    return Trust(
        fidelity=_mean([each.faithful for each in observed]),
        comprehensiveness=_contrast(erased.without_named, erased.without_random),
        sufficiency=_contrast(erased.only_named, erased.only_random),
        stability=_mean([each.same_sentence for each in observed]),
        same_answer=_mean([each.same_answer for each in observed]),
        median_conditions=float(np.median(lengths)),
        most_conditions=max(lengths),
        order=float(terms_in_order(model.network).mean()),
        coverage=_mean([each.covered for each in observed]),
        names=_mean([each.names for each in observed]),
        segments=segments,
        sentences=sentences,
    )


def erase(model: AdaptedModel, encoded: Encoded, told: Sequence[Explanation], random: np.random.Generator) -> Erased:
    """How far the degrees of the answers of n segments fall, whose explanations are ``told``; see :class:`Erased`."""
    degrees = model.predict(encoded).memberships
    rows: list[int] = []
    chosen: list[BoolArray] = []
    for row, explanation in enumerate(told):
        named = _cues(model.network, explanation)
        others = [cue for cue in np.flatnonzero(np.isfinite(encoded.cues[row])) if cue not in named]
        size = min(len(named), len(others))
        if not size:
            continue
        sets = [named, *(random.choice(others, size, replace=False).tolist() for _ in range(DRAWS))]
        rows += [row] * len(sets)
        chosen += [np.isin(np.arange(encoded.cues.shape[1]), each) for each in sets]
    found = Erased(*np.full((4, len(encoded)), np.nan, np.float32))
    if not rows:
        return found
    mask, tried = np.array(chosen), encoded[np.array(rows)]
    top = degrees[rows].argmax(axis=1)
    before = degrees[rows, top]

    def fall(there: Encoded) -> FloatArray:
        return (before - model.predict(there).memberships[np.arange(len(top)), top]).reshape(-1, 1 + DRAWS)

    without = fall(_with(tried, np.where(mask, np.nan, tried.cues)))
    nothing = Encoded(
        np.zeros_like(tried.pooled),
        np.zeros_like(tried.present),
        np.where(mask, tried.cues, np.nan).astype(np.float32),
        tried.encoder,
    )
    only, at = fall(nothing), np.unique(rows)
    found.without_named[at], found.without_random[at] = without[:, 0], without[:, 1:].mean(axis=1)
    found.only_named[at], found.only_random[at] = only[:, 0], only[:, 1:].mean(axis=1)
    return found


def spread(encoded: Encoded) -> FloatArray:
    """The standard deviation of every pooled feature over the segments in which its modality is present, ``(M, P)``."""
    there = encoded.present[:, :, None]
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, encoded.pooled, 0).sum(axis=0) / count
    return np.sqrt(np.where(there, np.square(encoded.pooled - mean), 0).sum(axis=0) / count).astype(np.float32)


def with_noise(network: Network, encoded: Encoded, spread: FloatArray, random: np.random.Generator) -> Encoded:
    """The segments with normal noise of :data:`NOISE` typical ranges on every cue, and of as many standard deviations
    ``spread (M, P)`` on every pooled feature; what is absent stays absent.
    """
    ranges = np.array([cue.typical[1] - cue.typical[0] for cue in network.cues])
    cues = encoded.cues + NOISE * ranges * random.standard_normal(encoded.cues.shape)
    moved = NOISE * spread * random.standard_normal(encoded.pooled.shape) * encoded.present[:, :, None]
    pooled = (encoded.pooled + moved).astype(np.float32)
    return Encoded(pooled, encoded.present, cues.astype(np.float32), encoded.encoder)


@torch.inference_mode()
def terms_in_order(network: Network) -> BoolArray:
    """Of every variable, ``(V,)``: whether centres rise from low to high, a larger value is never more low or less
    high, and the term that fits best never goes back, at :data:`GRID` points from far below to far above the centres.
    """
    bells = network.rules.bells
    centres = bells.centres()
    first, last = centres[:, 0], centres[:, -1]
    share = torch.linspace(-1, 2, GRID)[:, None]
    low, medium, high = bells.log_membership(first + share * (last - first)).exp().unbind(dim=-1)
    best = torch.stack([low, medium, high], dim=-1).argmax(dim=-1)
    tiny = 1e-6
    rising = (centres.diff(dim=1) > 0).all(dim=1)
    curves = (low.diff(dim=0) <= tiny).all(dim=0) & (high.diff(dim=0) >= -tiny).all(dim=0)
    return (rising & curves & (best.diff(dim=0) >= 0).all(dim=0)).numpy()


class Watch:
    """Looks on while models are tested on ``episodes``, one after the other, and sums up; ``seed`` draws the
    ``sentences`` that are looked at closely.
    """

    def __init__(self, episodes: int, seed: int, sentences: int | None = None) -> None:
        self._random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, 0)))
        self._episodes, self._sentences = episodes, SENTENCES if sentences is None else sentences
        self._observed: list[Observed] = []
        self._model: AdaptedModel | None = None

    def see(self, model: AdaptedModel, encoded: Encoded) -> None:
        """The next episode's model with its queries; sentences are spread evenly over the episodes."""
        done, of = len(self._observed), max(self._episodes, 1)
        wanted = self._sentences * (done + 1) // of - self._sentences * done // of
        self._observed.append(observe(model, encoded, self._random, wanted))
        self._model = model

    def trust(self) -> Trust | None:
        """All figures; None where there was no model with rules to look at."""
        return summarise(self._model, self._observed) if self._model else None


class Figure(NamedTuple):
    """One figure for people: its ``name``, the question it answers, its ``value`` and ``aim`` in words, the aim's place
    and the value's on a bar in [0, 1], and whether the aim is reached (None where there is none or it cannot be told).
    """

    name: str
    question: str
    value: str
    aim: str
    share: float
    aimed: float | None
    reached: bool | None


def figures(trust: Trust) -> list[Figure]:
    """Everything in the order in which it is told."""
    return [
        _share("fidelity", f"Do the {STRONGEST} strongest rules alone give the model's answer?", trust.fidelity),
        _fall(
            "comprehensiveness",
            "Does the degree fall further when the named cues become unknown than when others do?",
            trust.comprehensiveness,
            more=True,
        ),
        _fall(
            "sufficiency",
            "Does the degree fall less when only the named cues are known than when only others are?",
            trust.sufficiency,
            more=False,
        ),
        _share("stability", f"Are the same cues and terms named after noise of {NOISE:.0%}?", trust.stability),
        Figure(
            "length",
            "How many conditions has a rule?",
            f"{trust.median_conditions:g} (median), {trust.most_conditions} at most",
            f"≤ {MOST_CONDITIONS}",
            trust.median_conditions / MOST_CONDITIONS,
            1.0,
            trust.most_conditions <= MOST_CONDITIONS,
        ),
        _share("order", "Of how many cues are low, medium and high in order?", trust.order),
        _share("coverage", f"Does a rule fire at a strength above {FIRES:g}?", trust.coverage),
    ]


def _share(name: str, question: str, share: float) -> Figure:
    aim = AIMS[name]
    return Figure(
        name, question, f"{share:.1%}", f"≥ {aim:.0%}" if aim < 1 else "all", share, aim, round(share, 3) >= aim
    )


def _fall(name: str, question: str, contrast: Contrast | None, *, more: bool) -> Figure:
    aim = "more than others" if more else "less than others"
    if contrast is None:
        return Figure(name, question, "no sentence names a cue", aim, 0.0, None, None)
    beside = f"difference {contrast.difference:+.3f} ± {contrast.ci95:.3f}"
    value = f"{contrast.named:.3f}, others {contrast.random:.3f} ({beside})"
    reached = contrast.difference > contrast.ci95 if more else contrast.difference < -contrast.ci95
    named, others = (min(max(fall, 0.0), 1.0) for fall in (contrast.named, contrast.random))
    return Figure(name, question, value, aim, named, others, reached)


def _mean(parts: Sequence[BoolArray]) -> float:
    return float(np.concatenate(parts).mean())


def _contrast(named: FloatArray, others: FloatArray) -> Contrast | None:
    known = np.isfinite(named)
    named, others = named[known].astype(float), others[known].astype(float)
    if not len(named):
        return None
    difference = named - others
    ci95 = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else float("inf")
    return Contrast(float(named.mean()), float(others.mean()), float(difference.mean()), float(ci95), len(difference))


def _cues(network: Network, explanation: Explanation) -> list[int]:
    """The numbers of the cues that a sentence names; a learned pattern is none, it is no measured value."""
    names = [cue.name for cue in network.cues]
    return [names.index(each.cue) for each in explanation.named if each.cue in names]


def _said(explanation: Explanation) -> frozenset[tuple[str, str]]:
    """The cues and the terms that are named."""
    return frozenset((each.cue, each.term) for each in explanation.named)


def _with(encoded: Encoded, cues: NDArray[np.floating]) -> Encoded:
    return Encoded(encoded.pooled, encoded.present, cues.astype(np.float32), encoded.encoder)
