"""What is computed from the training data in closed form before meta-training: scales, people, terms, discriminants."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from torch import Tensor

from stf2m.corpus import Corpus
from stf2m.encoded import ViewBatch
from stf2m.encoder import ModalityEncoder, plain_statistics
from stf2m.network import Network
from stf2m.people import balanced
from stf2m.recipe import Recipe

#: How far the discriminant's covariance is shrunk to a multiple of the identity.
SHRINKAGE = 0.5
#: How much of its covariance within emotions is content: what differs between stretches of one performance. Training
#: sets have few sentences, so without it the words of these sentences would be taken for signs of emotions.
CONTENT = 3.0
#: What is taken for noise at least, as a share of the variance: stills have no stretches that differ.
LEAST_NOISE = 0.05
#: So many random stretches of each performance tell what is content.
STRETCHES = 4
#: Speakers are divided in so many groups; each group's discriminant is fitted without it.
FOLDS = 4

Floats = NDArray[np.float64]


class Fitted(NamedTuple):
    """What training needs beside the filled encoders, by modality: the ``discriminants`` ``(FOLDS, classes, P)`` fitted
    without the people of each fold, and what is each performance's speaker's ``own (n, S C + E)``.
    """

    discriminants: dict[str, Tensor]
    own: dict[str, Tensor]


def fit(network: Network, corpora: dict[str, Corpus], recipe: Recipe) -> Fitted:
    """Fit everything that has a closed form, and fill the network's buffers with it.

    The discriminant of a training view is fitted without its speaker: one that knew the speaker would look far better
    in training than it is for new people, and the learner would trust it too much.
    """
    random = np.random.default_rng(recipe.seed)
    fitted = Fitted({}, {})
    quantiles: list[Tensor] = []
    for modality in network.modalities:
        encoder = network.encoder[modality.name]
        corpus = corpora[modality.name]
        _scale(encoder, corpus)
        own = _people(encoder, corpus, random) if modality.name in recipe.own else torch.zeros(len(corpus), 1)
        fitted.own[modality.name] = own.expand(-1, len(encoder.baseline.middle))
        whole, stretches, cues = _statistics(encoder, corpus, fitted.own[modality.name], random)
        fitted.discriminants[modality.name] = _discriminants(encoder, corpus, whole, stretches)
        if modality.name in recipe.general:
            encoder.general.copy_(torch.from_numpy(general(whole, stretches, len(encoder.general))))
        quantiles.append(_quantiles(cues.double().numpy(), [cue.typical for cue in modality.cues]))
    factors = torch.tensor([[-1.0], [0.0], [1.0]]).expand(3, len(network.modality_of) - len(network.cues))
    network.rules.bells.fit(*torch.cat([*quantiles, factors], dim=1).unbind(dim=0))
    return fitted


def folds(corpus: Corpus) -> NDArray[np.int64]:
    """The fold of each performance, ``(n,)``: all of one speaker in one; unknown speakers in turn."""
    speakers = {speaker: place for place, speaker in enumerate(sorted(set(corpus.speaker) - {""}))}
    return np.array([speakers.get(speaker, row) % FOLDS for row, speaker in enumerate(corpus.speaker)])


def discriminant(
    statistics: Floats, content: Floats, emotion: Sequence[str], source: Sequence[str], names: Sequence[str]
) -> Floats:
    """A shrunk linear discriminant ``(len(names), P)`` of standardised ``statistics (n, P)``.

    With class means M about their data set's mean and Σ the shrunk covariance within classes plus that of ``content
    (m, P)``, ``(M Σ⁻¹ Mᵀ)^(-1/2) M Σ⁻¹``: the discriminant space turned so that its axes belong to classes, which makes
    those of several folds agree. Distances are those of Fisher's discriminant space. A row of an emotion that is not
    there is zero.
    """
    labels = np.array([names.index(name) for name in emotion])
    centred, means = statistics.copy(), np.zeros((len(names), statistics.shape[1]))
    within = CONTENT * (content.T @ content) / max(len(content), 1) * len(statistics)
    for each in sorted(set(source)):
        here = np.array([name == each for name in source])
        middle = np.mean([statistics[here & (labels == label)].mean(axis=0) for label in set(labels[here])], axis=0)
        centred[here] -= middle
    for label in sorted(set(labels)):
        rows = centred[labels == label]
        means[label] = rows.mean(axis=0)
        within += (rows - means[label]).T @ (rows - means[label])
    within /= len(statistics)
    width = len(within)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / width * np.eye(width)
    scores = np.linalg.solve(within, means.T).T
    values, vectors = np.linalg.eigh(scores @ means.T)
    root = vectors @ np.diag(np.where(values > 1e-6 * values.max(), values, np.inf) ** -0.5) @ vectors.T
    return root @ scores


def general(whole: Tensor, stretches: Tensor, count: int) -> Floats:
    """The ``count`` directions ``(count, P)`` in which performances differ most for what is content in them, scaled to
    unit variance: generalised eigenvectors of the covariance of standardised statistics, of ``whole`` performances
    ``(n, P)`` and one of their ``stretches (STRETCHES, n, P)`` each, and that of the stretches about their performance.

    Emotions have no say, so they serve emotions that the data do not have.
    """
    table = torch.cat([whole, stretches[0]]).double().numpy()
    content = (stretches - stretches.mean(dim=0)).flatten(0, 1).double().numpy()
    noise = content.T @ content / len(content) * STRETCHES / (STRETCHES - 1)
    width = len(noise)
    noise += max(np.trace(noise) / width, LEAST_NOISE) * np.eye(width)
    _, found = scipy.linalg.eigh(np.cov(table.T), noise, subset_by_index=(max(width - count, 0), width - 1))
    spread = (table @ found).std(axis=0)
    directions = np.zeros((count, width))
    directions[: found.shape[1]] = (found / np.maximum(spread, 1e-9)).T[::-1]
    return directions


def _scale(encoder: ModalityEncoder, corpus: Corpus) -> None:
    """Mean and deviation of values and embedding over all valid frames."""
    inside = np.concatenate([np.arange(first, last) for first, last in zip(corpus.first, corpus.last, strict=True)])
    inside = inside[corpus.valid[inside]]
    values, rows = corpus.values[inside].astype(np.float32), corpus.row[inside]
    embedding = corpus.embedding[np.unique(rows)].astype(np.float32)
    for name, array in (("values", values), ("embedding", embedding)):
        encoder.get_buffer(f"{name}_mean").copy_(torch.from_numpy(array.mean(axis=0)))
        encoder.get_buffer(f"{name}_std").copy_(_safe(torch.from_numpy(array.std(axis=0))))


def _people(encoder: ModalityEncoder, corpus: Corpus, random: np.random.Generator) -> Tensor:
    """Fit the baseline; returns what is each performance's speaker's own, ``(n, S C + E)``, zero where unknown."""
    means = torch.cat([encoder.means(views) for _, views in _chunks(corpus)])
    again = torch.cat([encoder.means(views) for _, views in _chunks(corpus, random)])
    person, table = balanced(means, corpus.emotion, corpus.speaker)
    encoder.baseline.fit(means, again - means, corpus.emotion, person, table)
    known = torch.from_numpy(person >= 0)
    own = torch.zeros_like(means)
    own[known] = table[person[person >= 0]] - encoder.baseline.middle
    return own


def _statistics(
    encoder: ModalityEncoder, corpus: Corpus, own: Tensor, random: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Fill the scales of the statistics; returns them standardised, of every whole performance ``(n, P)`` and of random
    stretches ``(STRETCHES, n, P)``, and the cues of the wholes and one stretch each ``(2 n, Q)``.
    """
    found, cues = [], []
    for drawn in (None, *[random] * STRETCHES):
        parts = []
        for rows, views in _chunks(corpus, drawn):
            parts.append(torch.cat([plain_statistics(*encoder.scaled(views, own[rows])), views.cues], dim=1))
            if len(found) < 2:
                cues.append(views.cues)
        found.append(torch.cat(parts))
    sample = torch.cat(found[:2])
    known = ~sample.isnan()
    count = known.sum(dim=0).clamp(min=1)
    mean = torch.nan_to_num(sample).sum(dim=0) / count
    deviation = (torch.nan_to_num(sample - mean).square().sum(dim=0) / count).sqrt()
    encoder.statistics_mean.copy_(mean)
    encoder.statistics_std.copy_(_safe(deviation))
    whole, *stretches = (torch.nan_to_num((each - mean) / encoder.statistics_std).clamp(-8, 8) for each in found)
    return whole, torch.stack(stretches), torch.cat(cues)


def _chunks(corpus: Corpus, random: np.random.Generator | None = None) -> Iterator[tuple[NDArray[np.intp], ViewBatch]]:
    """All performances, or a random stretch of each, a few at a time."""
    for rows in np.array_split(np.arange(len(corpus)), max(len(corpus) // 256, 1)):
        yield rows, corpus.views(rows, random)


def _discriminants(encoder: ModalityEncoder, corpus: Corpus, whole: Tensor, stretches: Tensor) -> Tensor:
    """Fill the encoder's discriminant and return those of the folds, ``(FOLDS, classes, P)``."""
    names = sorted(set(corpus.emotion))
    fold = folds(corpus)
    parts = torch.zeros(FOLDS, *encoder.discriminant.shape)
    encoder.discriminant.zero_()
    for left_out in (*range(FOLDS), None):
        kept = np.flatnonzero(fold != left_out)
        table = torch.cat([whole[kept], stretches[0, kept]]).double().numpy()
        content = (stretches[:, kept] - stretches[:, kept].mean(dim=0)).flatten(0, 1).double().numpy()
        emotion, source = ([each[row] for row in kept] * 2 for each in (corpus.emotion, corpus.source))
        fitted = discriminant(table, content * (STRETCHES / (STRETCHES - 1)) ** 0.5, emotion, source, names)
        into = encoder.discriminant if left_out is None else parts[left_out]
        into[: len(names)] = torch.from_numpy(fitted).float()
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
