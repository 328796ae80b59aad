"""Revising a known model's yes-or-no answers on one video by a few corrections of it, in the Bayesian way.

The log-odds of an utterance are taken to be ``Σ_m w_m l_m + b + r·x + d(t)``: the known models' log-odds ``l`` by
modality, a threshold of the video's own, weights of its own on the features ``x``, and a mood that drifts over it. All
have Gaussian priors: ``w`` about what was learned from other videos, the others about zero. The corrections move them
to their most probable values, which is logistic regression with a Gaussian prior written over the utterances (a
Gaussian process classifier; Rasmussen and Williams 2006, section 3.4): a matter of milliseconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

_MOST_STEPS, _ENOUGH = 100, 1e-8


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of n utterances of one video before any correction.

    ``logits (n, M)``: log-odds by each modality's known model; ``features (n, D)``: of mean square length one over
    other videos; ``place (n,)``: where in the video, counted in utterances.
    """

    logits: Floats
    features: Floats
    place: Floats

    def __len__(self) -> int:
        return len(self.place)

    def __getitem__(self, rows: NDArray[np.intp] | slice) -> "Evidence":
        return Evidence(self.logits[rows], self.features[rows], self.place[rows])


@dataclass(frozen=True, eq=False)
class Prior:
    """What is thought of a video before any correction, each as a standard deviation but for ``weight``.

    ``weight (M,)``: how far each modality is trusted, and ``doubt (M,)`` how uncertain that is; ``shift``: of the
    video's own threshold; ``detail``: of its own weights of the features; ``drift``: of its mood, which is much the
    same within ``reach`` utterances.
    """

    weight: Floats
    doubt: Floats
    shift: float
    detail: float
    drift: float
    reach: float = 3.0

    def mean(self, evidence: Evidence) -> Floats:
        """The log-odds before any correction, ``(n,)``."""
        return evidence.logits @ self.weight

    def covariance(self, one: Evidence, other: Evidence) -> Floats:
        """How the log-odds of some utterances go with those of others, ``(n, m)``."""
        apart = np.abs(one.place[:, None] - other.place)
        return (
            (one.logits * self.doubt**2) @ other.logits.T
            + self.shift**2
            + self.detail**2 * one.features @ other.features.T
            + self.drift**2 * np.exp(-apart / self.reach)
        )


def revise(prior: Prior, support: Evidence, degrees: Floats, query: Evidence) -> Floats:
    """The log-odds ``(m,)`` of ``query`` given that the ``support`` is true to the ``degrees (n,)`` in [0, 1].

    Newton's method on the posterior, which has one maximum. Without support the answer is the prior's.
    Raises ``ValueError`` unless each utterance of the support has its degree.
    """
    if degrees.shape != (len(support),) or not ((degrees >= 0) & (degrees <= 1)).all():
        raise ValueError(f"{len(support)} corrected utterances need as many degrees from 0 to 1.")
    start, inside = prior.mean(support), prior.covariance(support, support)
    pull = np.zeros(len(support))  # covariance⁻¹ (log-odds − prior mean)
    height = _height(start, inside, pull, degrees)
    for _ in range(_MOST_STEPS):
        found = start + inside @ pull
        sure = expit(found)
        bend = np.maximum(sure * (1 - sure), 1e-9)
        aim = (found - start) + (degrees - sure) / bend
        step = np.linalg.solve(inside + np.diag(1 / bend), aim) - pull
        size = 1.0
        while _height(start, inside, pull + size * step, degrees) < height and size > 1e-4:
            size /= 2
        risen = _height(start, inside, pull + size * step, degrees) - height
        if risen < _ENOUGH:
            break
        pull, height = pull + size * step, height + risen
    return prior.mean(query) + prior.covariance(query, support) @ pull


def _height(start: Floats, inside: Floats, pull: Floats, degrees: Floats) -> float:
    """The logarithm of the posterior but for a constant."""
    moved = inside @ pull
    found = start + moved
    return float(degrees @ found - np.logaddexp(0, found).sum() - pull @ moved / 2)
