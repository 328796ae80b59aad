"""Nearest class mean (Snell et al. 2017 without the network) of pooled statistics: the plain recipe.

Trained on other people, the standardised statistics are projected by a linear discriminant whose within-class
covariance is shrunk by half; untrained, they are standardised by the support and compared as they are.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from stf2m.baselines.pooling import Standard, pooled
from stf2m.tasks import Example
from stf2m.tracks import FloatArray

#: How far the discriminant's covariance is shrunk to a multiple of the identity.
SHRINKAGE = 0.5


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Class means ``(N, D)`` in a space to which ``standard`` leads; NaN for an emotion without support."""

    means: FloatArray
    standard: Standard | None

    def predict(self, query: FloatArray) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one, a softmax over minus half the squared distance per dimension."""
        points = self.standard(query) if self.standard else query
        distances = np.nan_to_num(np.square(points[:, None] - self.means).mean(axis=-1), nan=np.inf)
        degrees = np.exp(-0.5 * (distances - distances.min(axis=1, keepdims=True)))
        return degrees / degrees.sum(axis=1, keepdims=True)


class Prototype:
    """The plain recipe.

    ``per_speaker``: each speaker is first normalised by the mean and deviation of all their clips at hand, labels
    unseen. That is worth much on balanced sets, needs many clips of a person, and does harm where a person shows one
    emotion only.
    """

    trains = True

    def __init__(self, per_speaker: bool = False) -> None:
        self.name = "prototype-speaker" if per_speaker else "prototype"
        self.per_speaker = per_speaker
        self._standard: Standard | None = None
        self._discriminant: LinearDiscriminantAnalysis | None = None

    def fit(self, train: Sequence[Example]) -> None:
        """Fit standardisation and discriminant to examples of other people; nothing is learned from none."""
        if not train:
            return
        features = self._features(train)
        self._standard = Standard.of(features)
        self._discriminant = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
        self._discriminant.fit(self._standard(features), [example.emotion for example in train])

    def encode(self, examples: Sequence[Example]) -> FloatArray:
        """``(n, D)``: the discriminant's space when trained, else the plain statistics."""
        features = self._features(examples)
        if self._standard is None or self._discriminant is None:
            return features
        return self._discriminant.transform(self._standard(features)).astype(np.float32)

    def adapt(self, support: FloatArray, degrees: FloatArray, emotions: Sequence[str]) -> Prototypes:
        """The means of the support ``(n, D)`` weighted by its degrees ``(n, N)``."""
        standard = None if self._discriminant else Standard.of(support)
        points = standard(support) if standard else support
        total = degrees.sum(axis=0)[:, None]
        means = np.where(total > 0, degrees.T @ points / np.maximum(total, 1e-9), np.nan)
        return Prototypes(means, standard)

    def _features(self, examples: Sequence[Example]) -> FloatArray:
        features = pooled(examples)
        return _per_speaker(features, examples) if self.per_speaker else features


def _per_speaker(features: FloatArray, examples: Sequence[Example]) -> FloatArray:
    """Each speaker's rows less their mean, over their deviation; of unknown speakers all are taken as one."""
    rows = defaultdict(list)
    for index, example in enumerate(examples):
        rows[example.speaker].append(index)
    normalised = np.empty_like(features)
    for indices in rows.values():
        normalised[indices] = Standard.of(features[indices])(features[indices])
    return normalised
