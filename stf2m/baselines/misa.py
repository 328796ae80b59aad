"""MISA (Hazarika, Zimmermann and Poria 2020): every modality once in a space that all share and once in its own.

*MISA: Modality-Invariant and -Specific Representations for Multimodal Sentiment Analysis*, ACM Multimedia. Sized for a
thousand utterances.
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stf2m.baselines.fusion import Fused

WIDTH, HEADS, DROPOUT = 32, 2, 0.3
#: Weights of the losses: how alike the shared, how different the private representations, how well both reconstruct.
ALIKE, DIFFERENT, RECONSTRUCTED = 1.0, 0.3, 1.0
#: Highest moment that the central moment discrepancy compares.
MOMENTS = 5


class MISA(nn.Module):
    """Shared and private encoders, a decoder that needs both, and a transformer over all of their vectors."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.project = nn.ModuleList(
            nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(size, WIDTH), nn.ReLU(), nn.LayerNorm(WIDTH)) for size in sizes
        )
        self.private = nn.ModuleList(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Sigmoid()) for _ in sizes)
        self.shared = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Sigmoid())
        self.decode = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in sizes)
        self.fuse = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, DROPOUT, batch_first=True)
        self.mix = nn.Sequential(nn.Linear(2 * WIDTH * len(sizes), WIDTH), nn.ReLU(), nn.Dropout(DROPOUT))
        self.answer = nn.Linear(WIDTH, 1)

    def forward(self, features: Sequence[Tensor], present: Tensor) -> Fused:
        """``[(B, D_m), …]`` and ``present (B, M)`` → log-odds; a modality that is not there changes nothing."""
        projected = [project(part) for project, part in zip(self.project, features, strict=True)]
        shared = [self.shared(part) for part in projected]
        private = [encode(part) for encode, part in zip(self.private, projected, strict=True)]
        there = present.repeat(1, 2)
        tokens = torch.stack([*private, *shared], dim=1)
        fused = self.fuse(tokens, src_key_padding_mask=~(there | ~there.any(dim=1, keepdim=True)))
        found = self.mix((fused * there[:, :, None]).flatten(1))
        return Fused(self.answer(found).squeeze(1), found, self._penalty(projected, shared, private, present))

    def _penalty(self, projected: list[Tensor], shared: list[Tensor], private: list[Tensor], present: Tensor) -> Tensor:
        """The three losses beside the task's, each a mean over modalities or their pairs, over utterances with them."""
        total = present.new_zeros((), dtype=torch.float32)
        pairs = list(combinations(range(len(projected)), 2))
        for one, other in pairs:
            both = present[:, one] & present[:, other]
            if both.sum() > 1:
                alike = discrepancy(shared[one][both], shared[other][both])
                total = total + (ALIKE * alike + DIFFERENT * overlap(private[one][both], private[other][both])) / len(
                    pairs
                )
        for place, decode in enumerate(self.decode):
            there = present[:, place]
            if there.sum() > 1:
                different = overlap(private[place][there], shared[place][there])
                again = decode(private[place][there] + shared[place][there])
                lost = F.mse_loss(again, projected[place][there])
                total = total + (DIFFERENT * different + RECONSTRUCTED * lost) / len(projected)
        return total


def discrepancy(one: Tensor, other: Tensor) -> Tensor:
    """Central moment discrepancy (Zellinger et al. 2017) of samples ``(n, d)`` and ``(m, d)`` in [0, 1]^d.

    ``|E x − E y| + Σ_k |c_k(x) − c_k(y)|`` over the central moments from the second to :data:`MOMENTS`.
    """
    first, second = one.mean(dim=0), other.mean(dim=0)
    total = _length(first - second)
    for power in range(2, MOMENTS + 1):
        total = total + _length(((one - first) ** power).mean(dim=0) - ((other - second) ** power).mean(dim=0))
    return total


def overlap(one: Tensor, other: Tensor) -> Tensor:
    """How far two representations ``(n, d)`` of the same utterances vary together: 0 where they are orthogonal.

    The mean square of the correlations of every dimension with every other one, ``‖X̂ᵀ Ŷ‖²_F / d²``, with columns of
    mean zero and length one (in the paper rows have length one, which makes it depend on the batch's size).
    """
    scaled = [F.normalize(each - each.mean(dim=0), dim=0) for each in (one, other)]
    return (scaled[0].T @ scaled[1]).square().mean()


def _length(difference: Tensor) -> Tensor:
    """The Euclidean length, with a slope also at zero."""
    return (difference.square().sum() + 1e-12).sqrt()
