"""What networks that fuse several modalities of one utterance share: features in, log-odds out, and their training.

Shapes: B utterances, M modalities in the order of their names, ``present (B, M)`` which of them are there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stf2m.baselines.pooling import moments
from stf2m.baselines.small_network import learn
from stf2m.evaluation import Progress
from stf2m.threads import one_thread
from stf2m.tracks import FloatArray

#: Utterances of one training step.
BATCH = 64
STEPS, RATE = 250, 1e-3


class Fused(NamedTuple):
    """What a network makes of a batch.

    ``logits (B,)`` log-odds; ``features (B, d)``, whose linear function they are; ``penalty``, a number that training
    keeps small as well.
    """

    logits: Tensor
    features: Tensor
    penalty: Tensor


#: Makes a network for modalities of some sizes; called with features ``[(B, D_m), …]`` and ``present`` it is fused.
Maker = Callable[[Sequence[int]], nn.Module]


class Fusion:
    """A network that learns a yes-or-no answer from utterances with features of several modalities."""

    def __init__(self, make: Maker, steps: int = STEPS, seed: int = 0, progress: Progress | None = None) -> None:
        self.make, self.steps, self.seed, self.progress = make, steps, seed, progress

    def fit(self, features: Mapping[str, FloatArray], degrees: FloatArray) -> None:
        """Learn from ``features (n, D_m)`` by modality, NaN where a modality is not there, and ``degrees (n,)``."""
        torch.manual_seed(self.seed)
        self._scale = {name: moments(array) for name, array in features.items()}
        parts, present = self._tensors(features)
        network = self.make([part.shape[1] for part in parts])
        target = torch.from_numpy(degrees.astype(np.float32))

        def loss(random: np.random.Generator) -> Tensor:
            rows = torch.from_numpy(random.choice(len(target), min(BATCH, len(target)), replace=False))
            network.train()
            fused: Fused = network([part[rows] for part in parts], present[rows])
            return F.binary_cross_entropy_with_logits(fused.logits, target[rows]) + fused.penalty

        learn(network.parameters(), loss, self.steps, self.seed, type(network).__name__, self.progress, RATE)
        self._network = network.eval()

    @torch.no_grad()
    @one_thread()
    def predict(self, features: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
        """The log-odds ``(n,)`` of utterances and the features ``(n, d)`` whose linear function they are."""
        fused: Fused = self._network(*self._tensors(features))
        return fused.logits.numpy(), fused.features.numpy()

    def _tensors(self, features: Mapping[str, FloatArray]) -> tuple[list[Tensor], Tensor]:
        parts, present = [], []
        for name, (mean, deviation) in sorted(self._scale.items()):
            scaled = (features[name] - mean) / np.where(deviation > 1e-6, deviation, np.inf)
            there = np.asarray(~np.isnan(scaled).all(axis=1))
            parts.append(torch.from_numpy(np.nan_to_num(scaled).clip(-5, 5).astype(np.float32)))
            present.append(torch.from_numpy(there))
        return parts, torch.stack(present, dim=1)
