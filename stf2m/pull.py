"""Which corrections pulled a segment to its answer: the prototype's part of the evidence, shared out over them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stf2m.adaptation import AdaptedModel, recall
from stf2m.encoded import Encoded
from stf2m.fast_weights import prototype_pulls
from stf2m.model import STF2M
from stf2m.threads import one_thread
from stf2m.tracks import FloatArray


@dataclass(frozen=True, eq=False)
class Pulls:
    """What each of n corrections adds to the logit of one emotion at one segment, ``corrections (n,)``, and what the
    segments do together that the model ``remembered`` from its training. Below zero: it pulls away.
    """

    corrections: FloatArray
    remembered: float


@one_thread()
@torch.inference_mode()
def pulls(
    model: AdaptedModel,
    encoded: Encoded,
    emotion: int,
    support: Encoded,
    degrees: NDArray[np.floating],
    weights: NDArray[np.floating],
    meanings: Sequence[str] | None = None,
) -> Pulls:
    """What the corrections that a model was adapted to do for an emotion, by its number, at the one segment encoded.

    ``support`` n segments with ``degrees (n, N)`` and ``weights (n,)`` as the model was given; ``meanings`` are the
    names that it was adapted with, where its emotions are called otherwise since. The formula:
    :func:`stf2m.fast_weights.prototype_pulls`. Raises ``ValueError`` unless ``encoded`` is one segment.
    """
    if len(encoded) != 1:
        raise ValueError(f"One segment can be looked at at a time, not {len(encoded)}.")
    network, parts = model.network, [support]
    mass = degrees.astype(np.float32) * weights.astype(np.float32)[:, None]
    if isinstance(network, STF2M) and network.memory is not None:
        remembered, theirs, counts = recall(network.memory, meanings or model.emotions, network.memory_weight.numpy())
        parts, mass = [*parts, remembered], np.concatenate([mass, theirs * counts[:, None]])
    if not len(mass):
        return Pulls(np.zeros(0, np.float32), 0.0)
    given, asked = network.reading(Encoded.concatenate(parts)), network.reading(encoded)
    found = prototype_pulls(network, model.fast, given, torch.from_numpy(mass), asked)[0, :, emotion].numpy()
    return Pulls(found[: len(support)], float(found[len(support) :].sum()))
