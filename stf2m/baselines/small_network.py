"""The small network that the learned baselines share, and how it is trained: by episodes or by plain classification.

Of every modality the frames (values and embedding, standardised) go through a linear layer and two gated dilated
temporal convolutions to attention and statistics pooling (the *trunk*, ``P`` numbers with the cues), and from there
linearly to the *embedding*; the modalities that are there are averaged.

Shapes: B views, T frames, M modalities, P pooled numbers of a modality, :data:`WIDTH` of an embedding.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stf2m.baselines.pooling import moments
from stf2m.evaluation import Progress
from stf2m.segments import View, Views
from stf2m.tasks import Episode, Example, Sampler, TooFewExamplesError
from stf2m.threads import one_thread

WIDTH = 64
DILATIONS = (1, 2)
#: Share of the inputs' channels that are left out in training, and the deviation of the noise put on the others.
DROPOUT, NOISE = 0.3, 0.3
#: A training view is a random stretch of at least so much of its performance, and of at most so many frames.
LEAST_STRETCH, MOST_FRAMES = 0.6, 40
WAYS, QUERIES, SHOTS = 5, 5, (1, 2, 5)
RATE = 2e-3


class Batch(NamedTuple):
    """Views side by side; what a view does not have is zero and masked. Lists go along the modalities.

    ``frames (B, T, F)``, ``mask (B, T)``, ``cues (B, Q)`` with NaN, each by modality; ``present (B, M)``.
    """

    frames: list[Tensor]
    mask: list[Tensor]
    cues: list[Tensor]
    present: Tensor


class Trunk(nn.Module):
    """One modality: frames → attention pooling, mean and deviation of the convolved frames, and cues, ``(B, P)``."""

    def __init__(self, views: Sequence[View]) -> None:
        super().__init__()
        frames = np.concatenate([_frames(view)[view.valid] for view in views])
        for name, array in (("frames", frames), ("cues", np.stack([view.cues for view in views]))):
            mean, deviation = moments(array)
            self.register_buffer(f"{name}_mean", torch.from_numpy(mean))
            self.register_buffer(f"{name}_scale", torch.from_numpy(np.where(deviation > 1e-6, deviation, np.inf)))
        self.stem = nn.Linear(frames.shape[1], WIDTH)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(WIDTH, 2 * WIDTH, 3, padding=dilation, dilation=dilation) for dilation in DILATIONS
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in DILATIONS)
        self.score = nn.Linear(WIDTH, 1)
        self.size = 3 * WIDTH + len(views[0].cues)

    def forward(self, frames: Tensor, mask: Tensor, cues: Tensor) -> Tensor:
        """``(B, T, F)``, ``(B, T)``, ``(B, Q)`` → ``(B, P)``, zero for a view without frames."""
        x = ((frames - self.get_buffer("frames_mean")) / self.get_buffer("frames_scale")).clamp(-8, 8)
        if self.training:
            x = x + NOISE * torch.randn_like(x)
            x = x * F.dropout(x.new_ones(len(x), 1, x.shape[-1]), DROPOUT)
        there = mask[:, :, None]
        x = self.stem(x) * there
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            inner = norm(x) * there
            x = (x + F.glu(convolution(inner.transpose(1, 2)), dim=1).transpose(1, 2)) * there
        count = there.sum(dim=1).clamp(min=1)
        attention = self.score(x).masked_fill(there == 0, -1e9).softmax(dim=1) * there
        mean = x.sum(dim=1) / count
        deviation = (((x - mean[:, None]) * there).square().sum(dim=1) / count + 1e-6).sqrt()
        measured = torch.nan_to_num((cues - self.get_buffer("cues_mean")) / self.get_buffer("cues_scale")).clamp(-8, 8)
        return torch.cat([(attention * x).sum(dim=1), mean, deviation, measured], dim=1) * there.amax(dim=1)


class SmallNetwork(nn.Module):
    """The network over the modalities that some examples have, standardised by them, with the weights of a seed."""

    def __init__(self, examples: Sequence[Example], seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.modalities = sorted({name for example in examples for name in example.views})
        self.trunks = nn.ModuleList(
            Trunk([example.views[name] for example in examples if name in example.views]) for name in self.modalities
        )
        self.readouts = nn.ModuleList(nn.Linear(_size(trunk), WIDTH) for trunk in self.trunks)

    def batch(self, views: Iterable[Views], random: np.random.Generator | None = None) -> Batch:
        """Views as tensors: with ``random`` a random stretch of each, else all of it."""
        rows = [{name: _cut(view, random) for name, view in each.items()} for each in views]
        present = torch.tensor([[name in row for name in self.modalities] for row in rows], dtype=torch.float32)
        parts = [
            _padded([row.get(name) for row in rows], trunk)
            for name, trunk in zip(self.modalities, self.trunks, strict=True)
        ]
        frames, mask, cues = ([part[place] for part in parts] for place in range(3))
        return Batch(frames, mask, cues, present)

    def pool(self, batch: Batch) -> Tensor:
        """The trunks' numbers, ``(B, ΣP)``, the modalities side by side."""
        parts = zip(self.trunks, batch.frames, batch.mask, batch.cues, strict=True)
        return torch.cat([trunk(*part) for trunk, *part in parts], dim=1)

    def embed(self, pooled: Tensor, present: Tensor) -> Tensor:
        """The embeddings ``(B, WIDTH)``, each of length √WIDTH, of ``(B, ΣP)`` where ``present (B, M)``."""
        parts = pooled.split([_size(trunk) for trunk in self.trunks], dim=1)
        spoken = torch.stack([readout(part) for readout, part in zip(self.readouts, parts, strict=True)], dim=1)
        fused = (spoken * present[:, :, None]).sum(dim=1) / present.sum(dim=1, keepdim=True).clamp(min=1)
        return F.layer_norm(fused, (WIDTH,))

    def forward(self, batch: Batch) -> Tensor:
        """The embeddings of views, ``(B, WIDTH)``."""
        return self.embed(self.pool(batch), batch.present)

    @torch.no_grad()
    def pooled(self, examples: Sequence[Example]) -> tuple[Tensor, Tensor]:
        """``pool`` and ``present`` of whole examples, in parts that fit into memory."""
        self.eval()
        with one_thread():
            parts = [self.batch(each.views for each in examples[at : at + 64]) for at in range(0, len(examples), 64)]
            return torch.cat([self.pool(part) for part in parts]), torch.cat([part.present for part in parts])


class Episodes:
    """Random training episodes of the kinds that are tested: across speakers and of one speaker, several shots."""

    def __init__(self, train: Sequence[Example]) -> None:
        ways = min(WAYS, len({example.emotion for example in train}))
        self.samplers: list[Sampler] = []
        for protocol in ("cross", "personal"):
            for shots in SHOTS:
                try:
                    sampler = Sampler(train, ways=ways, shots=shots, protocol=protocol, queries=QUERIES)
                    sampler.draw(np.random.default_rng(0))
                except TooFewExamplesError:
                    continue
                self.samplers.append(sampler)
        if not self.samplers:
            raise TooFewExamplesError("There are too few people or examples to learn from by episodes.")

    def draw(self, random: np.random.Generator) -> Episode:
        """One episode of a random kind."""
        return self.samplers[random.integers(len(self.samplers))].draw(random)


def learn(
    parameters: Iterable[nn.Parameter],
    loss: Callable[[np.random.Generator], Tensor],
    steps: int,
    seed: int,
    told: str,
    progress: Progress | None,
    rate: float = RATE,
) -> None:
    """Minimise a random loss by AdamW with a warm start and a cosine end; the same seed gives the same weights."""
    weights = list(parameters)
    optimiser = torch.optim.AdamW(weights, lr=rate, weight_decay=0.02)
    with one_thread():
        for step in range(steps):
            random = np.random.default_rng([seed, step])
            torch.manual_seed(int(random.integers(2**31)))
            warm = min((step + 1) / 50, 1.0)
            optimiser.param_groups[0]["lr"] = rate * warm * (0.01 + 0.495 * (1 + np.cos(np.pi * step / steps)))
            value = loss(random)
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimiser.step()
            if progress:
                progress((step + 1) / steps, f"{told} learns, loss {value.item():.2f}")


def class_loss(logits: Tensor, degrees: Tensor) -> Tensor:
    """Cross-entropy of logits ``(n, N)`` with degrees ``(n, N)``; a row counts as much as its degrees sum to."""
    return -(degrees * logits.log_softmax(dim=1)).sum() / degrees.sum().clamp(min=1e-6)


def all_degrees(examples: Sequence[Example]) -> tuple[list[str], Tensor]:
    """The emotions of examples in the order of the alphabet, and the degrees ``(n, emotions)``."""
    names = sorted({name for example in examples for name in example.degrees})
    return names, torch.tensor([[example.degrees.get(name, 0.0) for name in names] for example in examples])


def _frames(view: View) -> np.ndarray:
    return np.concatenate([view.values.reshape(len(view.values), -1), view.embedding], axis=1)


def _cut(view: View, random: np.random.Generator | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames, mask and cues of a view, or of a random stretch of it."""
    total = len(view.valid)
    length = min(total, MOST_FRAMES * (1 if random else 4))
    if random:
        length = min(length, int(np.ceil(total * random.uniform(LEAST_STRETCH, 1))))
    start = int(random.integers(total - length + 1)) if random else (total - length) // 2
    inside = slice(start, start + length)
    if not view.valid[inside].any():
        inside = slice(0, total)
    kept = View(view.modality, view.values[inside], view.embedding[inside], view.valid[inside], view.cues)
    return _frames(kept), kept.valid, kept.cues


def _padded(
    views: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray] | None], trunk: nn.Module
) -> tuple[Tensor, Tensor, Tensor]:
    """Frames ``(B, T, F)``, mask ``(B, T)``, cues ``(B, Q)`` of one modality's views, of which some are missing."""
    longest = max([len(view[1]) for view in views if view is not None], default=1)
    frames = np.zeros((len(views), longest, len(trunk.get_buffer("frames_mean"))), np.float32)
    mask = np.zeros((len(views), longest), np.float32)
    cues = np.full((len(views), len(trunk.get_buffer("cues_mean"))), np.nan, np.float32)
    for row, view in enumerate(views):
        if view is not None:
            length = len(view[1])
            frames[row, :length] = view[0] * view[1][:, None]
            mask[row, :length], cues[row] = view[1], view[2]
    return torch.from_numpy(frames), torch.from_numpy(mask), torch.from_numpy(cues)


def _size(trunk: nn.Module) -> int:
    assert isinstance(trunk, Trunk)
    return trunk.size
