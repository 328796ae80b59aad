"""How far degrees can be believed: calibration, proper scores, and what confidence is worth.

``degrees (n, N)`` are the answers to n queries, rows sum to one; ``labels (n,)`` the right emotions by column; ``truth
(n, N)`` the right degrees where people gave several; ``right (n,)`` whether an answer was right. Nothing depends on
the order of the queries. Every function raises ``ValueError`` for no answer at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stf2m.tracks import FloatArray

Floats = NDArray[np.floating]
Labels = NDArray[np.integer]

#: A degree below this counts as this much where its logarithm is taken.
LEAST = 1e-7


@dataclass(frozen=True)
class Quality:
    """How far the degrees of many answers can be believed; each figure is the function of that name or meaning.

    ``aurc`` is by a method's own confidence, ``aurc_softmax`` by its top degree. Where strangers were asked for they
    are wrong answers in both, and ``auroc_strangers`` and ``auroc_strangers_softmax`` are the chance that a stranger
    is answered with less confidence than another query, else None. ``ece_before`` is without any support, None for a
    method that cannot answer then. ``cross_entropy`` and ``jensen_shannon`` are to the degrees that people
    gave, None where they named one emotion only.
    """

    ece: float
    ece_before: float | None
    nll: float
    brier: float
    aurc: float
    aurc_softmax: float
    cross_entropy: float | None
    jensen_shannon: float | None
    auroc_strangers: float | None = None
    auroc_strangers_softmax: float | None = None


def quality(
    degrees: Floats,
    labels: Labels,
    confidence: Floats,
    before: tuple[Floats, Labels] | None = None,
    truth: Floats | None = None,
    strangers: Floats | None = None,
) -> Quality:
    """All figures of some answers and of the confidence ``(n,)`` in them; ``before``: degrees and labels of those that
    were answered without support; ``strangers (2, U)``: confidence and top degree of the answers to queries of which no
    emotion is right.
    """
    right = degrees.argmax(axis=1) == labels
    own, top = (np.concatenate(each) for each in zip((confidence, degrees.max(axis=1)), _rows(strangers), strict=True))
    known = np.arange(len(own)) < len(labels)
    believed = np.concatenate([right, np.zeros(len(own) - len(labels), bool)])
    return Quality(
        ece=expected_calibration_error(degrees.max(axis=1), right),
        ece_before=expected_calibration_error(before[0].max(axis=1), before[0].argmax(axis=1) == before[1])
        if before
        else None,
        nll=negative_log_likelihood(degrees, labels),
        brier=brier(degrees, labels),
        aurc=risk_coverage(own, believed),
        aurc_softmax=risk_coverage(top, believed),
        cross_entropy=None if truth is None else cross_entropy(degrees, truth),
        jensen_shannon=None if truth is None else jensen_shannon(degrees, truth),
        auroc_strangers=None if strangers is None else told_apart(own, known),
        auroc_strangers_softmax=None if strangers is None else told_apart(top, known),
    )


def _rows(strangers: Floats | None) -> Floats:
    return np.zeros((2, 0)) if strangers is None else strangers


def distribution(degrees: Floats) -> FloatArray:
    """Rows that sum to one ``(n, N)``; a row without any degree becomes an even one."""
    total = degrees.sum(axis=1, keepdims=True)
    even = np.full_like(degrees, 1 / degrees.shape[1])
    return np.where(total > 0, degrees / np.where(total > 0, total, 1), even).astype(np.float32)


def expected_calibration_error(confidence: Floats, right: Floats, bins: int = 15) -> float:
    """``Σ_b n_b / n |accuracy_b − mean confidence_b|`` of the confidence ``(n,)`` in the top emotion, in [0, 1], over
    ``bins`` of equal width (Guo et al. 2017, *On calibration of modern neural networks*).
    """
    _check(confidence)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(place, weights=np.asarray(right, float) - confidence, minlength=bins)
    return float(np.abs(gap).sum() / len(confidence))


def negative_log_likelihood(degrees: Floats, labels: Labels) -> float:
    """Mean of ``−ln`` of the right emotion's degree, in nats."""
    _check(degrees)
    return float(-np.log(np.maximum(degrees[np.arange(len(labels)), labels], LEAST, dtype=float)).mean())


def brier(degrees: Floats, labels: Labels) -> float:
    """Mean over queries of the squared distance of the degrees to the right emotion alone, in [0, 2] (Brier 1950)."""
    _check(degrees)
    return float(np.square(degrees.astype(float) - np.eye(degrees.shape[1])[labels]).sum(axis=1).mean())


def risk_coverage(confidence: Floats, right: Floats) -> float:
    """Area under the risk–coverage curve: the share of wrong answers among the surest 1, 2, … n, averaged over those n
    (Geifman & El-Yaniv 2017, *Selective classification for deep neural networks*). Lower is better. Equally sure
    answers count as in the mean over all their orders.
    """
    _check(confidence)
    _, group, size = np.unique(-np.asarray(confidence), return_inverse=True, return_counts=True)
    wrong = np.bincount(group, weights=1.0 - np.asarray(right, float)) / size
    risks = np.cumsum(wrong.repeat(size)) / np.arange(1, len(confidence) + 1)
    return float(risks.mean())


def told_apart(confidence: Floats, known: NDArray[np.bool_]) -> float:
    """The chance that an answer is given with more confidence where an emotion was ``known`` than where none was: the
    area under the receiver operating characteristic. Raises ``ValueError`` also where all are of one kind.
    """
    from sklearn.metrics import roc_auc_score  # takes longer to import than all else here

    _check(confidence)
    if known.all() or not known.any():
        raise ValueError("Answers of both kinds are needed.")
    return float(roc_auc_score(known, confidence))


def cross_entropy(degrees: Floats, truth: Floats) -> float:
    """Mean of ``−Σ truth ln degrees``, in nats: the negative log-likelihood of several right emotions at once."""
    _check(degrees)
    return float(-(truth * np.log(np.maximum(degrees, LEAST, dtype=float))).sum(axis=1).mean())


def jensen_shannon(degrees: Floats, truth: Floats) -> float:
    """Mean Jensen–Shannon divergence of the degrees and the right ones, in bits: 0 alike, 1 nothing in common
    (Lin 1991).
    """
    _check(degrees)
    middle = (degrees.astype(float) + truth) / 2
    return float(_entropy(middle).mean() - (_entropy(degrees).mean() + _entropy(truth).mean()) / 2)


def _entropy(degrees: Floats) -> NDArray[np.float64]:
    return -(degrees * np.log2(np.where(degrees > 0, degrees, 1), dtype=float)).sum(axis=1)


def _check(answers: Floats) -> None:
    if not len(answers):
        raise ValueError("Without any answer there is nothing to measure.")
