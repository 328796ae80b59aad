"""Two models side by side on a clip: what each answers moment by moment, and the stretches where they differ."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from annotations.records import ClipRecord
from app.predictions import Predictions
from stf2m.adaptation import AdaptedModel
from stf2m.timeline import over_time


def answers(
    predictions: Predictions, clip: ClipRecord, models: Sequence[AdaptedModel]
) -> tuple[NDArray[np.floating], list[NDArray[np.intp]]]:
    """The edges of a clip's moments, and the number of each model's emotion there, −1 where nothing is known."""
    encoded, pieces = predictions.encoded(clip), predictions.segments(clip)
    known = np.asarray(encoded.present.any(axis=1))
    found, edges = [], np.zeros(1)
    for model in models:
        said = model.predict(encoded)
        moments = over_time(pieces, known, said.memberships, said.uncertainty, said.shares)
        nothing = np.isnan(moments.memberships).any(axis=1)
        found.append(np.where(nothing, -1, np.nan_to_num(moments.memberships).argmax(axis=1)))
        edges = moments.edges
    return edges, found


def stretches(
    edges: NDArray[np.floating], one: NDArray[np.intp], other: NDArray[np.intp]
) -> list[tuple[float, float, int, int]]:
    """Where the one answers otherwise than the other: start and end, s, and the numbers of both answers."""
    breaks = np.flatnonzero((np.diff(one) != 0) | (np.diff(other) != 0)) + 1
    return [
        (float(edges[first]), float(edges[last]), int(one[first]), int(other[first]))
        for first, last in pairwise([0, *breaks.tolist(), len(one)])
        if len(one) and one[first] >= 0 and one[first] != other[first]
    ]
