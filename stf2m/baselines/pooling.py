"""The plain recipe's features: statistics over time of everything a view holds, one row a segment."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stf2m.segments import View
from stf2m.tasks import Example
from stf2m.tracks import FloatArray


@dataclass(frozen=True, eq=False)
class Pooled:
    """Statistics of n examples, ``features (n, P)``, NaN where a modality is missing or a cue could not be measured.

    ``weight`` ``(P,)``: how much each counts once standardised. Every kind of statistic of every modality counts as
    much as any other, however many numbers it has: a dozen cues are not drowned by hundreds of an encoder's.
    """

    features: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: np.ndarray | slice) -> "Pooled":
        return Pooled(self.features[rows], self.weight)


def pooled(examples: Sequence[Example]) -> Pooled:
    """The statistics of each example, the modalities of all examples side by side.

    Of each modality: mean and standard deviation over the valid frames of its values and mean absolute change from
    frame to frame; mean and standard deviation of its embedding; mean cues. Raises ``ValueError`` for no example.
    """
    if not examples:
        raise ValueError("There is no example to pool.")
    kinds = {name: [len(kind) for kind in statistics(view)] for each in examples for name, view in each.views.items()}
    width, total = sum(map(sum, kinds.values())), sum(map(len, kinds.values()))
    features, weight = np.full((len(examples), width), np.nan, np.float32), np.ones(width, np.float32)
    start = 0
    for name in sorted(kinds):
        columns = slice(start, start := start + sum(kinds[name]))
        weight[columns] = np.concatenate([np.full(size, np.sqrt(width / (total * size))) for size in kinds[name]])
        for row, example in zip(features, examples, strict=True):
            if name in example.views:
                row[columns] = np.concatenate(statistics(example.views[name]))
    return Pooled(features, weight)


def statistics(view: View) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Those of one view by kind: values ``(3·S·C,)``, embedding ``(2·E,)`` and cues ``(Q,)``."""
    values = view.values[view.valid].reshape(view.valid.sum(), -1)
    embedding = view.embedding[view.valid]
    change = np.abs(np.diff(values, axis=0)).mean(axis=0) if len(values) > 1 else np.zeros(values.shape[1])
    moved = np.concatenate([values.mean(axis=0), values.std(axis=0), change])
    heard = np.concatenate([embedding.mean(axis=0), embedding.std(axis=0)])
    return moved.astype(np.float32), heard.astype(np.float32), view.cues


@dataclass(frozen=True, eq=False)
class Standard:
    """Mean of each feature, and how much one unit of it counts: its weight over its deviation; ``(P,)`` both."""

    mean: FloatArray
    scale: FloatArray

    @classmethod
    def of(cls, known: Pooled) -> "Standard":
        """That of some examples, over those in which a feature is known; one that never varies counts for nothing."""
        mean, deviation = moments(known.features)
        return cls(mean, np.where(deviation > 1e-6, known.weight / np.maximum(deviation, 1e-6), 0).astype(np.float32))

    def __call__(self, found: Pooled) -> FloatArray:
        """``(n, P)`` standardised and weighted; what is not known becomes zero, the mean."""
        return np.nan_to_num((found.features - self.mean) * self.scale)


def moments(features: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each column over the rows that are not NaN, zero for a column that all is NaN."""
    known = ~np.isnan(features)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, features, 0).sum(axis=0) / count
    variance = np.where(known, np.square(features - mean), 0).sum(axis=0) / count
    return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)
