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
from stf2m.people import Baseline, by_person, left_over
from stf2m.tracks import Modality


class ChannelDropout(nn.Module):
    """Drop channels of a view ``(B, T, …, d)`` for all frames and sites at once (Tompson et al. 2015)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """``x`` with some channels zeroed and the others enlarged in training; ``x`` itself otherwise."""
        if not self.training or self.share == 0:
            return x
        kept = F.dropout(x.new_ones(len(x), *[1] * (x.ndim - 2), x.shape[-1]), self.share)
        return x * kept


class GatedTemporalConv(nn.Module):
    """``x + W_o [a ⊙ σ(g)]`` with ``(a, g) = Σ_δ π_δ(x) (K_δ ∗_δ x)``: kernels of three taps, one per dilation δ, mixed
    by weights π that a linear layer computes from the view's mean and mean absolute change.

    The gate is that of WaveNet (van den Oord et al. 2016). With ``mixing=False`` π is learned but the same for all
    views.
    """

    def __init__(self, width: int, dilations: Sequence[int], dropout: float, mixing: bool = True) -> None:
        super().__init__()
        self.dilations = tuple(dilations)
        self.norm = nn.LayerNorm(width)
        bound = (3 * width) ** -0.5
        self.kernels = nn.Parameter(torch.empty(len(self.dilations), 2 * width, width, 3).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(2 * width))
        self.mixture = nn.Linear(2 * width, len(self.dilations))
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(2 * dropout)
        self.mixing = mixing

    def dilation_weights(self, x: Tensor, mask: Tensor) -> Tensor:
        """π ``(B, dilations)``, rows sum to one; ``x (B, T, d)`` is zero wherever ``mask (B, T, 1)`` is."""
        mean = x.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        both = mask[:, 1:] * mask[:, :-1]
        change = ((x[:, 1:] - x[:, :-1]).abs() * both).sum(dim=1) / both.sum(dim=1).clamp(min=1)
        described = torch.cat([mean, change], dim=-1)
        return self.mixture(described if self.mixing else torch.zeros_like(described)).softmax(dim=-1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x (B, T, d)``, ``mask (B, T, 1)`` of zeros and ones → ``(B, T, d)``, zero where masked."""
        inner = self.norm(x) * mask
        weights = self.dilation_weights(inner, mask)
        channels = inner.transpose(1, 2)
        mixed = self.bias[:, None]
        for index, dilation in enumerate(self.dilations):
            heard = F.conv1d(channels, self.kernels[index], padding=dilation, dilation=dilation)
            mixed = mixed + weights[:, index, None, None] * heard
        gated = F.glu(mixed, dim=1).transpose(1, 2)
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


class Stream(nn.Module):
    """One reading of a view: frames ``(B, T, d)`` and what is pooled of them ``(B, (heads + 2) d)``.

    Sites exchange what they know by a spatial convolution and become one stream of frames, which gated dilated temporal
    convolutions read. Pooled are, side by side: ``heads`` attention poolings, mean and standard deviation.
    """

    def __init__(
        self,
        modality: Modality,
        width: int,
        blocks: int,
        heads: int,
        dilations: Sequence[int] = (1, 2, 4),
        dropout: float = 0.1,
        temporal: bool = True,
        spatial: bool = True,
        mixing: bool = True,
    ) -> None:
        super().__init__()
        sites, channels = len(modality.sites), modality.channels
        embedding = modality.embedding - modality.learned
        size = (3 * (sites * channels + embedding)) ** -0.5
        self.site_weight = nn.Parameter(size * torch.randn(sites, channels, width))
        self.site_embedding = nn.Parameter(0.1 * torch.randn(sites + 1, width))
        self.borrowed = nn.Linear(embedding, width)
        nn.init.normal_(self.borrowed.weight, std=size)
        self.learned = nn.Parameter(torch.zeros(modality.learned, width))
        self.dropout = ChannelDropout(3 * dropout)
        self.spatial = SpatialConv(sites + 1, width, dropout) if spatial else None
        self.gather = nn.Parameter(torch.ones(sites + 1, width))
        self.temporal = nn.ModuleList(
            GatedTemporalConv(width, dilations, dropout, mixing) for _ in range(blocks if temporal else 0)
        )
        self.frame_score = nn.Linear(width, heads)
        self.norm = nn.LayerNorm(width)
        self.pooled = (heads + 2) * width

    def forward(self, values: Tensor, embedding: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """``values (B, T, S, C)``, ``embedding (B, T, E)``, ``mask (B, T)`` of zeros and ones."""
        values = self.dropout(values.flatten(2)).view_as(values)
        sites = torch.einsum("btsc,scd->btsd", values, self.site_weight)
        borrowed, learned = self.dropout(embedding).tensor_split([self.borrowed.in_features], dim=2)
        joined = torch.cat([sites, (self.borrowed(borrowed) + learned @ self.learned)[:, :, None]], dim=2)
        x = (joined + self.site_embedding) * mask[:, :, None, None]
        x = self.spatial(x, mask[:, :, None, None]) if self.spatial else x
        frames = (x * self.gather).sum(dim=2)
        for layer in self.temporal:
            frames = layer(frames, mask[:, :, None])
        frames = self.norm(frames) * mask[:, :, None]
        return frames, torch.cat([self.attend(frames, mask), *mean_and_deviation(frames, mask)], dim=-1)

    def attend(self, frames: Tensor, mask: Tensor) -> Tensor:
        """Attention pooling over the unmasked frames by every head, ``(B, heads d)``."""
        score = self.frame_score(frames).masked_fill(mask[:, :, None] == 0, float("-inf"))
        return torch.einsum("bth,btd->bhd", score.softmax(dim=1), frames).flatten(1)


class ModalityEncoder(nn.Module):
    """One modality's views → per-frame features ``(B, T, d)`` and pooled features ``(B, P)``.

    Several streams read the view, each in its own way, for what one of them sees by chance another does not. Pooled are
    theirs side by side, and two fixed linear readings of the plain statistics over time (mean and deviation of values
    and embedding, cues), fitted before meta-training: ``classes`` numbers that tell the known emotions apart, and
    ``general`` ones in which performances differ, whatever their emotion. Frames are the mean of the streams'.

    Standardisation (``values_mean`` …, of the training data) are buffers, so they travel with the weights.
    """

    def __init__(self, modality: Modality, streams: Sequence[Stream], classes: int, general: int) -> None:
        super().__init__()
        sites, channels, embedding = len(modality.sites), modality.channels, modality.embedding
        self.streams = nn.ModuleList(streams)
        statistics = 2 * (sites * channels + embedding) + len(modality.cues)
        self.values_mean: Tensor
        self.values_std: Tensor
        self.embedding_mean: Tensor
        self.embedding_std: Tensor
        self.statistics_mean: Tensor
        self.statistics_std: Tensor
        self.discriminant: Tensor
        self.general: Tensor
        self.register_buffer("values_mean", torch.zeros(sites, channels))
        self.register_buffer("values_std", torch.ones(sites, channels))
        self.register_buffer("embedding_mean", torch.zeros(embedding))
        self.register_buffer("embedding_std", torch.ones(embedding))
        self.register_buffer("statistics_mean", torch.zeros(statistics))
        self.register_buffer("statistics_std", torch.ones(statistics))
        self.register_buffer("discriminant", torch.zeros(classes, statistics))
        self.register_buffer("general", torch.zeros(general, statistics))
        self.baseline = Baseline(sites * channels + embedding, classes)
        self.levelled: Tensor
        self.level: Tensor
        self.register_buffer("levelled", torch.zeros(()))
        self.register_buffer("level", torch.zeros(sum(stream.pooled for stream in streams) + classes + general))

    def forward(
        self, views: ViewBatch, own: Tensor | None = None, discriminant: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Frames ``(B, T, d)`` and pooled ``(B, P)`` of views with at least one valid frame each.

        ``own (B, S C + E)`` is what is the people's own (see :class:`stf2m.people.Baseline`) and taken off.
        ``discriminant (B, classes, statistics)`` replaces the fitted one row by row: meta-training hands in the one
        that was fitted without the row's speaker.
        """
        values, embedding, mask = self.scaled(views, own)
        statistics = self.standardised(plain_statistics(values, embedding, mask), views.cues)
        fixed = ((self.discriminant if discriminant is None else discriminant) @ statistics[:, :, None]).squeeze(-1)
        frames, pooled = zip(*(stream(values, embedding, mask) for stream in self.streams), strict=True)
        return torch.stack(frames).mean(dim=0), torch.cat([*pooled, fixed, statistics @ self.general.T], dim=-1)

    def scaled(self, views: ViewBatch, own: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Standardised ``values (B, T, S, C)`` and ``embedding (B, T, E)`` less what is ``own (B, S C + E)``, and the
        ``mask (B, T)`` where it is zero both are.
        """
        mask = views.valid.to(views.values.dtype)
        values = (views.values - self.values_mean) / self.values_std
        embedding = (views.embedding - self.embedding_mean) / self.embedding_std
        if own is not None:
            of_values, of_embedding = own.split([self.values_mean.numel(), self.embedding_mean.numel()], dim=1)
            values = values - of_values.unflatten(1, self.values_mean.shape)[:, None]
            embedding = embedding - of_embedding[:, None]
        return values * mask[:, :, None, None], embedding * mask[:, :, None], mask

    def means(self, views: ViewBatch) -> Tensor:
        """The mean over time of what :meth:`scaled` gives, ``(B, S C + E)``: what :attr:`baseline` reads."""
        values, embedding, mask = self.scaled(views)
        total = torch.cat([values.flatten(2), embedding], dim=2).sum(dim=1)
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1)

    @torch.inference_mode()
    def left_over(self, pooled: Tensor, means: Tensor, own: Tensor) -> Tensor:
        """What is left of one person in what is ``pooled (n, P)`` of all their segments, ``(P,)``; theirs are ``means
        (n, S C + E)`` and ``own (S C + E,)``. Zero where it was not learned what is usual.
        """
        if not self.levelled or not len(pooled):
            return torch.zeros_like(self.level)
        return left_over(pooled, self.level, self.baseline.variety(means - own))

    @torch.inference_mode()
    def levelled_by_person(self, pooled: Tensor, means: Tensor, own: Tensor, people: Sequence[str]) -> Tensor:
        """``pooled (n, P)`` less what is left of each person in their segments; ``means``, ``own`` ``(n, S C + E)``,
        ``people (n)`` as in :meth:`stf2m.people.Baseline.of_each`.
        """
        if not self.levelled:
            return pooled
        found = pooled.clone()
        for mine in by_person(people).values():
            found[mine] -= self.left_over(pooled[mine], means[mine], own[mine[0]])
        return found

    def standardised(self, statistics: Tensor, cues: Tensor) -> Tensor:
        """Statistics with the cues appended, standardised over the training data; unknown cues count as average."""
        scaled = (torch.cat([statistics, cues], dim=-1) - self.statistics_mean) / self.statistics_std
        return torch.nan_to_num(scaled, nan=0.0).clamp(-8, 8)


class SpatioTemporalEncoder(nn.Module):
    """The encoders of all modalities by name; see :class:`ModalityEncoder`, which does the work."""

    def __init__(self, encoders: dict[str, ModalityEncoder]) -> None:
        super().__init__()
        self.by_modality = nn.ModuleDict(encoders)

    def __getitem__(self, modality: str) -> ModalityEncoder:
        """The encoder of one modality."""
        found = self.by_modality[modality]
        assert isinstance(found, ModalityEncoder)
        return found

    def forward(
        self, modality: str, views: ViewBatch, own: Tensor | None = None, discriminant: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Frames ``(B, T, d)`` and pooled ``(B, P)`` of one modality's views."""
        return self[modality](views, own, discriminant)


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

    Of every stream s ``h_s = W_s p_s``, ``h ← h ⊙ (1 + scale) + shift`` from the support reader, and
    ``z = [h_1 ; …; κ · discriminant]``: the ``classes`` pooled features after the streams' pass by but for a learned
    size κ. Those behind them are not read here. Because only this block is conditioned, adapting never re-runs a
    convolution.
    """

    def __init__(self, modalities: int, streams: int, pooled: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.classes, self.learned = classes, streams * pooled
        self.weight = nn.Parameter(torch.randn(modalities, streams, pooled, width) / pooled**0.5)
        self.bias = nn.Parameter(torch.zeros(modalities, streams, width))
        self.size = nn.Parameter(torch.full((modalities,), 1.0))
        self.dropout = nn.Dropout(2 * dropout)

    def forward(self, pooled: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """``pooled (n, M, P)``, ``scale``, ``shift`` ``(M, D - classes)`` → embeddings ``(n, M, D)``."""
        learned, fixed = pooled[..., : self.learned], pooled[..., self.learned : self.learned + self.classes]
        each = self.dropout(learned).unflatten(-1, self.weight.shape[1:3])
        hidden = (torch.einsum("nmsp,mspd->nmsd", each, self.weight) + self.bias).flatten(2)
        return torch.cat([hidden * (1 + scale) + shift, fixed * self.size[:, None]], dim=-1)

    def by_stream(self, embedded: Tensor) -> Tensor:
        """The embeddings ``(n, M, D)`` of each stream apart, without the discriminant: ``(n, M, streams, width)``."""
        return embedded[..., : -self.classes].unflatten(-1, self.weight.shape[1::2])
