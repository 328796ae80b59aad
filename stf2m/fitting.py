"""What is computed from the training data in closed form before meta-training: scales, terms, discriminants."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stf2m.corpus import Corpus
from stf2m.encoder import ModalityEncoder, plain_statistics
from stf2m.network import Network

#: How far the discriminant's covariance is shrunk to a multiple of the identity.
SHRINKAGE = 0.5
#: Speakers are divided in so many groups; each group's discriminant is fitted without it.
FOLDS = 4

Floats = NDArray[np.float64]


def fit(network: Network, corpora: dict[str, Corpus], seed: int) -> dict[str, Tensor]:
    """Fit everything; returns each modality's discriminants for training, ``(n, classes, statistics)`` by row's fold.

    The discriminant of a training view is fitted without its speaker: one that knew the speaker would look far better
    in training than it is for new people, and the learner would trust it too much.
    """
    random = np.random.default_rng(seed)
    cues = torch.full((2, 0), 0.0)
    by_fold: dict[str, Tensor] = {}
    quantiles: list[Tensor] = []
    for modality in network.modalities:
        encoder = network.encoder.by_modality[modality.name]
        assert isinstance(encoder, ModalityEncoder)
        corpus = corpora[modality.name]
        statistics, cues = _standardise(encoder, corpus, random)
        by_fold[modality.name] = _discriminants(encoder, corpus, statistics)
        quantiles.append(_quantiles(cues.double().numpy(), [cue.typical for cue in modality.cues]))
    factors = torch.tensor([[-1.0], [0.0], [1.0]]).expand(3, len(network.modality_of) - len(network.cues))
    network.rules.bells.fit(*torch.cat([*quantiles, factors], dim=1).unbind(dim=0))
    return by_fold


def folds(corpus: Corpus) -> NDArray[np.int64]:
    """The fold of each performance, ``(n,)``: all of one speaker in one; unknown speakers in turn."""
    speakers = {speaker: place for place, speaker in enumerate(sorted(set(corpus.speaker) - {""}))}
    return np.array([speakers.get(speaker, row) % FOLDS for row, speaker in enumerate(corpus.speaker)])


def discriminant(statistics: Floats, emotion: Sequence[str], source: Sequence[str], names: Sequence[str]) -> Floats:
    """A shrunk linear discriminant ``(len(names), P)`` of standardised ``statistics (n, P)``.

    With class means M about their data set's mean and Σ the shrunk covariance within classes,
    ``(M Σ⁻¹ Mᵀ)^(-1/2) M Σ⁻¹``: the discriminant space turned so that its axes belong to classes, which makes those of
    several folds agree. Distances are those of Fisher's discriminant space. A row of an emotion that is not there is
    zero.
    """
    labels = np.array([names.index(name) for name in emotion])
    centred, means = statistics.copy(), np.zeros((len(names), statistics.shape[1]))
    weight = np.zeros(len(names))
    within = np.zeros((statistics.shape[1], statistics.shape[1]))
    for each in sorted(set(source)):
        here = np.array([name == each for name in source])
        middle = np.mean([statistics[here & (labels == label)].mean(axis=0) for label in set(labels[here])], axis=0)
        centred[here] -= middle
    for label in sorted(set(labels)):
        rows = centred[labels == label]
        means[label], weight[label] = rows.mean(axis=0), len(rows)
        within += (rows - means[label]).T @ (rows - means[label])
    within /= len(statistics)
    width = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / width * np.eye(width)
    scores = np.linalg.solve(within, means.T).T
    values, vectors = np.linalg.eigh(scores @ means.T)
    root = vectors @ np.diag(np.where(values > 1e-6 * values.max(), values, np.inf) ** -0.5) @ vectors.T
    return root @ scores


def _standardise(encoder: ModalityEncoder, corpus: Corpus, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Fill the encoder's scales; returns the statistics ``(2 n, P)``, standardised, and the cues ``(2 n, Q)``, of
    every whole performance and then of a random stretch of each.
    """
    everything = np.arange(len(corpus))
    inside = np.concatenate([np.arange(first, last) for first, last in zip(corpus.first, corpus.last, strict=True)])
    inside = inside[corpus.valid[inside]]
    values, rows = corpus.values[inside].astype(np.float32), corpus.row[inside]
    embedding = corpus.embedding[np.unique(rows)].astype(np.float32)
    for name, array in (("values", values), ("embedding", embedding)):
        encoder.get_buffer(f"{name}_mean").copy_(torch.from_numpy(array.mean(axis=0)))
        encoder.get_buffer(f"{name}_std").copy_(_safe(torch.from_numpy(array.std(axis=0))))
    found, cues = [], []
    for random_or_not in (None, random):
        for chunk in np.array_split(everything, max(len(everything) // 256, 1)):
            views = corpus.views(chunk, random_or_not)
            mask = views.valid.float()
            scaled = (views.values - encoder.values_mean) / encoder.values_std * mask[:, :, None, None]
            borrowed = (views.embedding - encoder.embedding_mean) / encoder.embedding_std * mask[:, :, None]
            found.append(torch.cat([plain_statistics(scaled, borrowed, mask), views.cues], dim=1))
            cues.append(views.cues)
    statistics = torch.cat(found)
    known = ~statistics.isnan()
    count = known.sum(dim=0).clamp(min=1)
    mean = torch.nan_to_num(statistics).sum(dim=0) / count
    deviation = (torch.nan_to_num(statistics - mean).square().sum(dim=0) / count).sqrt()
    encoder.statistics_mean.copy_(mean)
    encoder.statistics_std.copy_(_safe(deviation))
    return torch.nan_to_num((statistics - mean) / encoder.statistics_std).clamp(-8, 8), torch.cat(cues)


def _discriminants(encoder: ModalityEncoder, corpus: Corpus, statistics: Tensor) -> Tensor:
    """Fill the encoder's discriminant and return those of the folds, ``(FOLDS, classes, P)``."""
    names = sorted(set(corpus.emotion))
    table, fold = statistics.double().numpy(), np.tile(folds(corpus), 2)
    emotion, source = corpus.emotion * 2, corpus.source * 2
    encoder.discriminant.zero_()
    encoder.discriminant[: len(names)] = torch.from_numpy(discriminant(table, emotion, source, names)).float()
    parts = torch.zeros(FOLDS, *encoder.discriminant.shape)
    for left_out in range(FOLDS):
        kept = np.flatnonzero(fold != left_out)
        fitted = discriminant(table[kept], [emotion[row] for row in kept], [source[row] for row in kept], names)
        parts[left_out, : len(names)] = torch.from_numpy(fitted).float()
    return parts


def _quantiles(cues: Floats, typical: Sequence[tuple[float, float]]) -> Tensor:
    """Where low, medium and high of each cue begin: its 10, 50 and 90 % quantiles, or thirds of its typical range where
    the data hardly vary, ``(3, Q)``; the middle one is kept away from both ends.
    """
    found = []
    for column, (least, most) in zip(cues.T, typical, strict=True):
        known = column[~np.isnan(column)]
        low, middle, high = np.quantile(known, [0.1, 0.5, 0.9]) if len(known) else (least, (least + most) / 2, most)
        if high - low < 0.05 * (most - least):
            low, high = float(least), float(most)
        found.append((low, np.clip(middle, low + 0.2 * (high - low), high - 0.2 * (high - low)), high))
    return torch.tensor(np.array(found).T, dtype=torch.float32)


def _safe(deviation: Tensor) -> Tensor:
    """Deviations without zeros: what never varies is left as it is."""
    return torch.where(deviation > 1e-6, deviation, torch.ones_like(deviation))
