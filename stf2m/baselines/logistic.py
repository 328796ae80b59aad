"""Logistic regression on pooled statistics, fitted on the support alone: what most people would try first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from stf2m.baselines.pooling import Pooled, Standard, pooled
from stf2m.tasks import Example
from stf2m.tracks import FloatArray


@dataclass(frozen=True, eq=False)
class Fitted:
    """The regression of one episode, in the space that the support spans.

    ``span`` ``(P, D)`` leads there; ``emotions`` is how many there are, the fitted classes may be fewer.
    """

    model: LogisticRegression
    standard: Standard
    span: FloatArray
    emotions: int

    def predict(self, query: Pooled) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one."""
        degrees = np.zeros((len(query), self.emotions), np.float32)
        degrees[:, self.model.classes_] = self.model.predict_proba(self.standard(query) @ self.span)
        return degrees


class Logistic:
    """Logistic regression with scikit-learn's defaults. Other people's examples only standardise the statistics."""

    name = "logistic"
    origin = ""

    def __init__(self) -> None:
        self._standard: Standard | None = None

    def fit(self, train: Sequence[Example]) -> None:
        """Take mean and deviation of each statistic from other people's examples."""
        self._standard = Standard.of(pooled(train)) if train else None

    def encode(self, examples: Sequence[Example]) -> Pooled:
        """The pooled statistics."""
        return pooled(examples)

    def adapt(
        self, support: Pooled, degrees: FloatArray, emotions: Sequence[str], unlabelled: Pooled | None = None
    ) -> Fitted:
        """Fit to the support; a degree ``(n, N)`` of several emotions counts as so many weighted examples, and
        ``unlabelled`` examples for nothing.

        The best weights lie in the span of the support (the representer theorem), so it is enough to look there.
        """
        standard = self._standard or Standard.of(support)
        points = standard(support)
        _, size, span = np.linalg.svd(points, full_matrices=False)
        span = span[size > 1e-5 * size[0]].T
        rows, labels = np.nonzero(degrees)
        model = LogisticRegression(max_iter=1000)
        model.fit((points @ span)[rows], labels, sample_weight=degrees[rows, labels])
        return Fitted(model, standard, span, len(emotions))
