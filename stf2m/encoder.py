"""The spatio-temporal encoder: a view of a modality becomes per-frame features and pooled features.

Every modality has its own stem and blocks; a block is *gated dilated temporal convolution → spatial convolution over
sites → gated temporal convolution*, residual, normalised and masked. Two things depend on the view itself: how
much each dilation counts (a slow sigh and a startle are not read with the same temporal kernel) and how sites are
connected. The frames of a borrowed encoder join as one more site.

Shapes: B views, T frames, S sites (the embedding's site included), C channels, E embedding width, d model width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stf2m.encoded import ViewBatch
from stf2m.tracks import Modality


class ChannelDropout(nn.Module):
    """Drop channels of a view ``(B, T, S, d)`` for all frames and sites at once (Tompson et al. 2015)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """``x`` with some channels zeroed and the others enlarged in training; ``x`` itself otherwise."""
        if not self.training or self.share == 0:
            return x
        kept = F.dropout(x.new_ones(len(x), 1, 1, x.shape[-1]), self.share)
        return x * kept


class GatedTemporalConv(nn.Module):
    """``x + W_o [a ⊙ σ(g)]`` with ``(a, g) = W Σ_δ π_δ(x) (k_δ ∗_δ x)``: depth-wise kernels of three taps, one per
    dilation δ, mixed by weights π that a linear layer computes from the view's mean and mean absolute change.

    The gate is that of WaveNet (van den Oord et al. 2016). With ``mixing=False`` π is learned but the same for all
    views.
    """

    def __init__(self, width: int, dilations: Sequence[int], dropout: float, mixing: bool = True) -> None:
        super().__init__()
        self.dilations = tuple(dilations)
        self.norm = nn.LayerNorm(width)
        self.kernels = nn.Parameter(torch.randn(len(self.dilations), 3, width) / 3**0.5)
        self.mixture = nn.Linear(2 * width, len(self.dilations))
        self.gate = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.dropout = ChannelDropout(dropout)
        self.mixing = mixing

    def dilation_weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """π ``(B, dilations)``, rows sum to one; ``x (B, T, S, d)`` is zero wherever ``mask (B, T, 1, 1)`` is."""
        frames = mask.sum(dim=1).clamp(min=1).flatten(1)
        mean = x.sum(dim=1).mean(dim=1) / frames
        both = mask[:, 1:] * mask[:, :-1]
        change = ((x[:, 1:] - x[:, :-1]).abs() * both).sum(dim=1).mean(dim=1) / both.sum(dim=1).clamp(min=1).flatten(1)
        described = torch.cat([mean, change], dim=-1)
        return self.mixture(described if self.mixing else torch.zeros_like(described)).softmax(dim=-1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x (B, T, S, d)``, ``mask (B, T, 1, 1)`` of zeros and ones → ``(B, T, S, d)``, zero where masked."""
        inner = self.norm(x) * mask
        weights = self.dilation_weights(inner, mask)
        frames = x.shape[1]
        taps = {0: torch.einsum("bk,kd->bd", weights, self.kernels[:, 1])}
        for index, dilation in enumerate(self.dilations):
            if dilation < frames:
                taps[-dilation] = weights[:, index, None] * self.kernels[index, 0]
                taps[dilation] = weights[:, index, None] * self.kernels[index, 2]
        reach = max(taps)
        padded = F.pad(inner, (0, 0, 0, 0, reach, reach))
        mixed = torch.zeros_like(x)
        for shift, tap in taps.items():
            mixed = torch.addcmul(mixed, padded[:, reach + shift : reach + shift + frames], tap[:, None, None, :])
        gated = F.glu(self.gate(mixed), dim=-1)
        return (x + self.dropout(self.out(gated))) * mask


class SpatialConv(nn.Module):
    """``x + W_o [(softmax(A + q kᵀ / √d) W x) ⊙ σ(W_g x)]``: a convolution over the graph of sites.

    The adjacency ``A (S, S)`` is learned; queries and keys come from each site's mean over the view, so every view
    bends the graph its own way.
    """

    def __init__(self, sites: int, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.adjacency = nn.Parameter(torch.eye(sites))
        self.query_key = nn.Linear(width, 2 * width)
        self.value_gate = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        self.dropout = ChannelDropout(dropout)

    def graph(self, inner: Tensor, mask: Tensor) -> Tensor:
        """The view's adjacency ``(B, S, S)``, rows sum to one."""
        sites = inner.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        query, key = self.query_key(sites).chunk(2, dim=-1)
        return (self.adjacency + query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(dim=-1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x (B, T, S, d)``, ``mask (B, T, 1, 1)`` → ``(B, T, S, d)``, zero where masked."""
        inner = self.norm(x) * mask
        value, gate = self.value_gate(inner).chunk(2, dim=-1)
        spread = self.graph(inner, mask)[:, None] @ value
        return (x + self.dropout(self.out(spread * gate.sigmoid()))) * mask


class ModalityEncoder(nn.Module):
    """One modality's views → per-frame features ``(B, T, d)`` and pooled features ``(B, P)``.

    Pooled are, side by side: attention pooling, masked mean and masked standard deviation of the frames (3 d);
    ``skip`` numbers learned from the plain statistics over time (mean and deviation of values and embedding, cues);
    and ``classes`` numbers of a fixed linear discriminant of the same statistics, fitted before meta-training.
    The plain statistics are strong and must not be lost on the way through the convolutions.

    Standardisation (``input_mean`` …, of the training data) are buffers, so they travel with the weights.
    """

    def __init__(
        self,
        modality: Modality,
        width: int,
        blocks: int,
        skip: int,
        classes: int,
        dilations: Sequence[int] = (1, 2, 4),
        dropout: float = 0.1,
        temporal: bool = True,
        spatial: bool = True,
        mixing: bool = True,
    ) -> None:
        super().__init__()
        sites, channels, embedding = len(modality.sites), modality.channels, modality.embedding
        self.site_weight = nn.Parameter(torch.randn(sites, channels, width) / channels**0.5)
        self.site_embedding = nn.Parameter(0.1 * torch.randn(sites + 1, width))
        self.borrowed = nn.Linear(embedding, width)
        self.borrowed_dropout = ChannelDropout(3 * dropout)
        layers: list[nn.Module] = []
        for _ in range(blocks):
            layers += [GatedTemporalConv(width, dilations, dropout, mixing)] if temporal else []
            layers += [SpatialConv(sites + 1, width, dropout)] if spatial else []
            layers += [GatedTemporalConv(width, dilations, dropout, mixing)] if temporal else []
        self.layers = nn.ModuleList(layers)
        self.site_score = nn.Linear(width, 1)
        self.frame_score = nn.Linear(width, 1)
        self.norm = nn.LayerNorm(width)
        statistics = 2 * (sites * channels + embedding) + len(modality.cues)
        self.skip = nn.Linear(statistics, skip)
        self.skip_dropout = nn.Dropout(4 * dropout)
        self.values_mean: Tensor
        self.values_std: Tensor
        self.embedding_mean: Tensor
        self.embedding_std: Tensor
        self.statistics_mean: Tensor
        self.statistics_std: Tensor
        self.discriminant: Tensor
        self.register_buffer("values_mean", torch.zeros(sites, channels))
        self.register_buffer("values_std", torch.ones(sites, channels))
        self.register_buffer("embedding_mean", torch.zeros(embedding))
        self.register_buffer("embedding_std", torch.ones(embedding))
        self.register_buffer("statistics_mean", torch.zeros(statistics))
        self.register_buffer("statistics_std", torch.ones(statistics))
        self.register_buffer("discriminant", torch.zeros(classes, statistics))

    @property
    def pooled_size(self) -> int:
        """P, the number of pooled features."""
        return 3 * self.site_weight.shape[2] + self.skip.out_features + len(self.discriminant)

    def forward(self, views: ViewBatch, discriminant: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Frames ``(B, T, d)`` and pooled ``(B, P)`` of views with at least one valid frame each.

        ``discriminant (B, classes, statistics)`` replaces the fitted one row by row: meta-training hands in the one
        that was fitted without the row's speaker.
        """
        mask = views.valid.to(views.values.dtype)
        values = (views.values - self.values_mean) / self.values_std * mask[:, :, None, None]
        borrowed = (views.embedding - self.embedding_mean) / self.embedding_std * mask[:, :, None]
        statistics = self.standardised(plain_statistics(values, borrowed, mask), views.cues)
        mask4 = mask[:, :, None, None]
        sites = torch.einsum("btsc,scd->btsd", values, self.site_weight)
        joined = torch.cat([sites, self.borrowed(self.borrowed_dropout(borrowed[:, :, None]))], dim=2)
        x = (joined + self.site_embedding) * mask4
        for layer in self.layers:
            x = layer(x, mask4)
        frames = self.norm((x * self.site_score(x).softmax(dim=2)).sum(dim=2)) * mask[:, :, None]
        fixed = ((self.discriminant if discriminant is None else discriminant) @ statistics[:, :, None]).squeeze(-1)
        parts = [self.attend(frames, views.valid), *mean_and_deviation(frames, mask)]
        return frames, torch.cat([*parts, self.skip(self.skip_dropout(statistics)), fixed], dim=-1)

    def attend(self, frames: Tensor, valid: Tensor) -> Tensor:
        """Attention pooling over the valid frames, ``(B, d)``."""
        score = self.frame_score(frames).squeeze(-1).masked_fill(~valid, float("-inf"))
        return (frames * score.softmax(dim=-1)[:, :, None]).sum(dim=1)

    def standardised(self, statistics: Tensor, cues: Tensor) -> Tensor:
        """Statistics with the cues appended, standardised over the training data; unknown cues count as average."""
        scaled = (torch.cat([statistics, cues], dim=-1) - self.statistics_mean) / self.statistics_std
        return torch.nan_to_num(scaled, nan=0.0).clamp(-8, 8)


class SpatioTemporalEncoder(nn.Module):
    """The encoders of all modalities by name; see :class:`ModalityEncoder`, which does the work."""

    def __init__(self, encoders: dict[str, ModalityEncoder]) -> None:
        super().__init__()
        self.by_modality = nn.ModuleDict(encoders)

    def forward(self, modality: str, views: ViewBatch, discriminant: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Frames ``(B, T, d)`` and pooled ``(B, P)`` of one modality's views."""
        return self.by_modality[modality](views, discriminant)


def mean_and_deviation(frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over the unmasked frames, each ``(B, d)``; one frame has no deviation.

    ``frames (B, T, d)``, ``mask (B, T)`` of zeros and ones.
    """
    count = mask.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (frames * mask[:, :, None]).sum(dim=1) / count
    centred = (frames - mean[:, None]) * mask[:, :, None]
    variance = centred.square().sum(dim=1) / count
    return mean, (variance + 1e-8).sqrt() - 1e-4


def plain_statistics(values: Tensor, embedding: Tensor, mask: Tensor) -> Tensor:
    """Mean and deviation over time of every channel of every site and of the embedding, ``(B, 2 (S C + E))``."""
    flat = torch.cat([values.flatten(2), embedding], dim=-1)
    return torch.cat(mean_and_deviation(flat, mask), dim=-1)


class Readout(nn.Module):
    """The encoder's last block, conditioned on the task: pooled features → embeddings, for all M modalities at once.

    ``h = a ⊙ σ(g)``, ``h ← h ⊙ (1 + scale) + shift`` from the support reader, ``z = [W_o h ; κ · discriminant]``: the
    last ``classes`` pooled features pass by but for a learned size κ. Both parts are first divided by the root of their
    length, since how strongly an emotion is shown counts less than which one it is. Because only this block is
    conditioned, adapting never re-runs a convolution.
    """

    def __init__(self, modalities: int, pooled: int, classes: int, hidden: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.classes = classes
        self.norm = nn.LayerNorm(pooled - classes)
        self.gate_weight = nn.Parameter(torch.randn(modalities, pooled, 2 * hidden) / pooled**0.5)
        self.gate_bias = nn.Parameter(torch.zeros(modalities, 2 * hidden))
        self.out = nn.Parameter(2 * torch.randn(modalities, hidden, embedding - classes) / hidden**0.5)
        self.size = nn.Parameter(torch.full((modalities,), 1.0))
        self.dropout = nn.Dropout(2 * dropout)

    def forward(self, pooled: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``pooled (n, M, P)``, ``scale``, ``shift`` ``(M, h)`` → embeddings ``(n, M, D)``."""
        learned, fixed = pooled[..., : -self.classes], pooled[..., -self.classes :]
        entered = torch.cat([self.norm(learned), fixed], dim=-1)
        hidden = F.glu(torch.einsum("nmp,mph->nmh", self.dropout(entered), self.gate_weight) + self.gate_bias, dim=-1)
        conditioned = hidden * (1 + scale) + shift
        learned_part = _halfway_to_unit(torch.einsum("nmh,mhd->nmd", conditioned, self.out))
        return torch.cat([learned_part, _halfway_to_unit(fixed) * self.size[:, None]], dim=-1)


def _halfway_to_unit(x: Tensor) -> Tensor:
    """``x / sqrt(|x|)``: half way, in the exponent, from a vector to its direction."""
    return x * (x.square().sum(dim=-1, keepdim=True) + 1e-6) ** -0.25
