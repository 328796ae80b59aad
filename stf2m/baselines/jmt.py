"""The joint multimodal transformer (Waligora et al. 2024): every modality, and all joined, attend to one another.

*Joint Multimodal Transformer for Emotion Recognition in the Wild*, CVPR workshops. The features of an utterance have no
time here, so every representation is a few tokens. Sized for a thousand utterances.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stf2m.baselines.fusion import Fused

WIDTH, TOKENS, HEADS, DROPOUT = 32, 4, 2, 0.3


class JMT(nn.Module):
    """Representations by modality and a joint one, cross-attention of all ordered pairs, a transformer over those."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.project = nn.ModuleList(
            nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(size, TOKENS * WIDTH), nn.ReLU()) for size in sizes
        )
        self.join = nn.Linear(TOKENS * WIDTH * len(sizes), TOKENS * WIDTH)
        self.norm = nn.LayerNorm(WIDTH)
        sources = len(sizes) + 1
        self.pairs = [(one, other) for one in range(sources) for other in range(sources) if one != other]
        self.cross = nn.ModuleList(nn.MultiheadAttention(WIDTH, HEADS, DROPOUT, batch_first=True) for _ in self.pairs)
        self.fuse = nn.TransformerEncoderLayer(WIDTH, HEADS, 2 * WIDTH, DROPOUT, batch_first=True)
        self.mix = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Dropout(DROPOUT))
        self.answer = nn.Linear(WIDTH, 1)

    def forward(self, features: Sequence[Tensor], present: Tensor) -> Fused:
        """``[(B, D_m), …]`` and ``present (B, M)`` → log-odds; a modality that is not there changes nothing.

        Each ordered pair gives the first one's tokens as read from the second's; a pair is there when both are. The
        joint representation always is.
        """
        parts = [
            project(part) * there[:, None]
            for project, part, there in zip(self.project, features, present.T, strict=True)
        ]
        parts.append(self.join(torch.cat(parts, dim=1)))
        tokens = [self.norm(part.unflatten(1, (TOKENS, WIDTH))) for part in parts]
        there = torch.cat([present, torch.ones_like(present[:, :1])], dim=1)
        read = [tokens[-1]]
        seen = [there[:, -1]]
        for (one, other), attend in zip(self.pairs, self.cross, strict=True):
            read.append(tokens[one] + attend(tokens[one], tokens[other], tokens[other], need_weights=False)[0])
            seen.append(there[:, one] & there[:, other])
        mask = torch.stack(seen, dim=1).repeat_interleave(TOKENS, dim=1)
        fused = self.fuse(torch.cat(read, dim=1), src_key_padding_mask=~mask) * mask[:, :, None]
        found = self.mix(fused.sum(dim=1) / mask.sum(dim=1, keepdim=True))
        return Fused(self.answer(found).squeeze(1), found, found.new_zeros(()))
