"""The plain recipe's features: statistics over time of everything a view holds, one row a segment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stf2m.segments import View
from stf2m.tasks import Example
from stf2m.tracks import FloatArray


def pooled(examples: Sequence[Example]) -> FloatArray:
    """Statistics of each example, ``(n, P)``, the modalities of all examples side by side, NaN where one is missing.

    Of each modality: mean and standard deviation over the valid frames of its values and of its embedding, the mean
    absolute change of its values from frame to frame, and the mean cues. Raises ``ValueError`` for no example.
    """
    if not examples:
        raise ValueError("There is no example to pool.")
    widths = {name: len(statistics(view)) for example in examples for name, view in example.views.items()}
    rows = np.full((len(examples), sum(widths.values())), np.nan, np.float32)
    start = 0
    for name in sorted(widths):
        columns = slice(start, start := start + widths[name])
        for row, example in zip(rows, examples, strict=True):
            if name in example.views:
                row[columns] = statistics(example.views[name])
    return rows


def statistics(view: View) -> FloatArray:
    """The statistics of one view, ``(3·S·C + 2·E + Q,)``."""
    values = view.values[view.valid].reshape(view.valid.sum(), -1)
    embedding = view.embedding[view.valid]
    change = np.abs(np.diff(values, axis=0)).mean(axis=0) if len(values) > 1 else np.zeros(values.shape[1])
    parts = (values.mean(axis=0), values.std(axis=0), change, embedding.mean(axis=0), embedding.std(axis=0), view.cues)
    return np.concatenate(parts).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Standard:
    """Mean and deviation of each feature, ``(P,)`` both."""

    mean: FloatArray
    deviation: FloatArray

    @classmethod
    def of(cls, features: FloatArray) -> "Standard":
        """Those of ``(n, P)`` over the rows in which a feature is known.

        A feature that never varies gets an infinite deviation: it counts for nothing.
        """
        known = ~np.isnan(features)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0).sum(axis=0) / count
        variance = np.where(known, np.square(features - mean), 0).sum(axis=0) / count
        deviation = np.sqrt(variance)
        return cls(mean.astype(np.float32), np.where(deviation > 1e-6, deviation, np.inf).astype(np.float32))

    def __call__(self, features: FloatArray) -> FloatArray:
        """``(n, P)`` standardised; what is not known becomes zero, the mean."""
        return np.nan_to_num((features - self.mean) / self.deviation, nan=0.0, posinf=0.0, neginf=0.0)
