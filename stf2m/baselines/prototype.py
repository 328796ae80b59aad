"""Nearest class mean (Snell et al. 2017 without the network) of pooled statistics: the plain recipe.

Trained on other people, the standardised statistics are projected by a linear discriminant whose within-class
covariance is shrunk by half; untrained, they are standardised by the support and compared as they are. With unlabelled
examples the means are refined by one step of soft k-means (Ren et al. 2018, *Meta-learning for semi-supervised few-shot
classification*).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from stf2m.baselines.pooling import Pooled, Standard, moments, pooled
from stf2m.tasks import Example
from stf2m.tracks import FloatArray

#: How far the discriminant's covariance is shrunk to a multiple of the identity.
SHRINKAGE = 0.5


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Class means ``(N, P)`` of what ``space`` makes of statistics, NaN for an emotion without support."""

    means: FloatArray
    space: "Space"

    def predict(self, query: Pooled) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one, a softmax over minus half the squared distance per dimension."""
        return _closeness(self.space(query), self.means)


@dataclass(frozen=True, eq=False)
class Space:
    """Where distances are measured: standardised statistics, or their discriminant directions ``(P, D)``."""

    standard: Standard
    directions: FloatArray | None = None

    def __call__(self, found: Pooled) -> FloatArray:
        """``(n, P)`` or ``(n, D)``."""
        points = self.standard(found)
        return points if self.directions is None else points @ self.directions


class Prototype:
    """The plain recipe.

    With ``unlabelled`` examples :meth:`adapt` also learns from what they look like.
    ``per_speaker``: each speaker is first normalised by the mean and deviation of all their clips at hand, labels
    unseen. That is worth much on balanced sets, needs many clips of a person, and does harm where a person shows one
    emotion only.
    """

    origin = ""
    transductive = True

    def __init__(self, per_speaker: bool = False) -> None:
        self.name = "prototype-speaker" if per_speaker else "prototype"
        self.per_speaker = per_speaker
        self._space: Space | None = None

    def fit(self, train: Sequence[Example]) -> None:
        """Fit standardisation and discriminant to examples of other people; nothing is learned from none."""
        if not train:
            return
        known = self.encode(train)
        standard = Standard.of(known)
        discriminant = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
        discriminant.fit(standard(known), [example.emotion for example in train])
        kinds = len(discriminant.classes_) - 1
        self._space = Space(standard, np.asarray(discriminant.scalings_[:, :kinds], np.float32))

    def encode(self, examples: Sequence[Example]) -> Pooled:
        """The statistics of each example, less the speaker's own mean if that is wanted."""
        found = pooled(examples)
        return _per_speaker(found, examples) if self.per_speaker else found

    def adapt(
        self, support: Pooled, degrees: FloatArray, emotions: Sequence[str], unlabelled: Pooled | None = None
    ) -> Prototypes:
        """The means of the support weighted by its degrees ``(n, N)``, and then of the unlabelled examples as well,
        each of which counts for an emotion as much as it is close to it.
        """
        if unlabelled is None or not len(unlabelled):
            space = self._space or Space(Standard.of(support))
            return Prototypes(_means(space(support), degrees), space)
        everything = Pooled(np.concatenate([support.features, unlabelled.features]), support.weight)
        space = self._space or Space(Standard.of(everything))
        points = space(everything)
        known, more = points[: len(support)], points[len(support) :]
        degrees = np.concatenate([degrees, _closeness(more, _means(known, degrees))])
        return Prototypes(_means(points, degrees), space)


def _means(points: FloatArray, degrees: FloatArray) -> FloatArray:
    """Means ``(N, D)`` of points ``(n, D)`` weighted by degrees ``(n, N)``, NaN for an emotion that has none."""
    total = degrees.sum(axis=0)[:, None]
    return np.where(total > 0, degrees.T @ points / np.maximum(total, 1e-9), np.nan)


def _closeness(points: FloatArray, means: FloatArray) -> FloatArray:
    """Degrees ``(n, N)`` that sum to one, a softmax over minus half the squared distance per dimension."""
    distances = np.nan_to_num(np.square(points[:, None] - means).mean(axis=-1), nan=np.inf)
    degrees = np.exp(-0.5 * (distances - distances.min(axis=1, keepdims=True)))
    return degrees / degrees.sum(axis=1, keepdims=True)


def _per_speaker(found: Pooled, examples: Sequence[Example]) -> Pooled:
    """Each speaker's rows less their mean, over their deviation; of unknown speakers all are taken as one."""
    rows = defaultdict(list)
    for index, example in enumerate(examples):
        rows[example.speaker].append(index)
    normalised = np.empty_like(found.features)
    for indices in rows.values():
        mean, deviation = moments(found.features[indices])
        varies = np.where(deviation > 1e-6, deviation, np.inf)
        normalised[indices] = (found.features[indices] - mean) / varies
    return Pooled(normalised, found.weight)
