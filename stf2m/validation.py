"""Validation on people who were not trained on: accuracy on episodes, by data set, shots and protocol."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from stf2m.corpus import Corpus
from stf2m.encoded import Encoded
from stf2m.fast_weights import contributions, learn
from stf2m.model import STF2M
from stf2m.network import Reading
from stf2m.tasks import Episode, Protocol, Sampler, TooFewExamplesError, episodes

#: The kinds of validation episodes: shots and protocol.
KINDS: tuple[tuple[int, Protocol], ...] = ((1, "cross"), (5, "cross"), (1, "personal"), (5, "personal"))
WAYS = 5
#: How much each modality counts in the choice of the best weights; one otherwise.
IMPORTANCE: Mapping[str, float] = {"voice": 2.0}


def validate(model: STF2M, validation: Mapping[str, Corpus], seed: int, count: int) -> dict[str, float]:
    """Accuracy by data set, shots and protocol, on ``count`` episodes of each kind, and a ``score`` over all."""
    figures: dict[str, float] = {}
    scores, weights = [], []
    for corpus, reading, drawn in material(model, validation, seed, count):
        for name, some in drawn.items():
            right = [
                answer(model, reading, episode)[0].argmax(dim=1).numpy() == episode.query_labels for episode in some
            ]
            figures[name] = float(np.mean([each.mean() for each in right]))
            scores.append(figures[name])
            weights.append(IMPORTANCE.get(corpus.modality.name, 1.0))
    return {"score": float(np.average(scores, weights=weights)), **figures}


def material(
    model: STF2M, validation: Mapping[str, Corpus], seed: int, count: int
) -> Iterator[tuple[Corpus, Reading, dict[str, list[Episode]]]]:
    """For every modality and data set: its corpus, its reading, and ``count`` episodes by the name of their kind."""
    for corpus in validation.values():
        encoded = encode(model, corpus)
        reading = read(model, encoded)
        for source in sorted(set(corpus.source)):
            rows = np.array([row for row, name in enumerate(corpus.source) if name == source])
            drawn: dict[str, list[Episode]] = {}
            for shots, protocol in KINDS:
                try:
                    ways = min(WAYS, len({corpus.emotion[row] for row in rows}))
                    sampler = Sampler(corpus.examples(rows.tolist()), ways=ways, shots=shots, protocol=protocol)
                    found = [shifted(episode, rows) for episode in episodes(sampler, count, seed)]
                except TooFewExamplesError:
                    continue
                drawn[f"{source} {shots}-shot {protocol}"] = found
            yield corpus, reading, drawn


def encode(model: STF2M, corpus: Corpus, random: np.random.Generator | None = None, most: int = 10**9) -> Encoded:
    """The performances of a corpus (``most`` of them, spread evenly) as encoded segments, each speaker's own part
    taken off as it is estimated from all of theirs.
    """
    chosen = np.unique(np.linspace(0, len(corpus) - 1, min(most, len(corpus))).round().astype(int))
    column = [modality.name for modality in model.modalities].index(corpus.modality.name)
    pooled = np.zeros((len(chosen), len(model.modalities), model.pooled), np.float32)
    present = np.zeros(pooled.shape[:2], bool)
    cues = np.full((len(chosen), len(model.cues)), np.nan, np.float32)
    present[:, column] = True
    here = np.flatnonzero(model.modality_of[: len(model.cues)] == column)
    encoder, people = model.encoder[corpus.modality.name], [corpus.speaker[row] for row in chosen]
    parts = np.array_split(np.arange(len(chosen)), max(len(chosen) // 128, 1))
    with torch.inference_mode():
        means = torch.cat([encoder.means(corpus.views(chosen[rows])) for rows in parts])
        own = encoder.baseline.of_each(means, people)
        read: list[Tensor] = []
        for rows in parts:
            views = corpus.views(chosen[rows], random)
            read.append(encoder(views, own[rows])[1])
            cues[rows[:, None], here] = views.cues.numpy()
        pooled[:, column] = encoder.levelled_by_person(torch.cat(read), means, own, people).numpy()
    return Encoded(pooled, present, cues, model.fingerprint())


def shifted(episode: Episode, rows: NDArray[np.int64]) -> Episode:
    """An episode of some ``rows`` of a corpus as one of the corpus."""
    support, query = rows[episode.support], rows[episode.query]
    return Episode(episode.emotions, support, episode.support_labels, query, episode.query_labels)


@torch.inference_mode()
def read(model: STF2M, encoded: Encoded) -> Reading:
    """What the model knows of encoded segments before any task."""
    return model.reading(encoded)


@torch.inference_mode()
def answer(model: STF2M, reading: Reading, episode: Episode) -> tuple[Tensor, Tensor]:
    """Logits of the queries ``(n, N)``, and sharpened squared distances to their own prototypes by source ``(n, J)``,
    NaN where a source is absent.
    """
    degrees = torch.from_numpy(episode.degrees())
    support, query = (reading.of(torch.from_numpy(rows)) for rows in (episode.support, episode.query))
    fast = learn(model, support, degrees, torch.ones(len(degrees)))
    evidence = model.evidence(query, fast.conditioning)
    own = fast.prototypes[torch.from_numpy(episode.query_labels)]
    away = (evidence.features - fast.centre - own).square().sum(dim=-1) * model.log_sharpness.exp()
    return contributions(fast, evidence).sum(dim=1), away.masked_fill(~evidence.present, float("nan"))


def likeliest_temperature(logits: Sequence[Tensor], labels: Sequence[Tensor]) -> float:
    """By what to divide logits ``(n, N)`` so that all labels ``(n,)`` are likeliest (Guo et al. 2017)."""
    grid = torch.logspace(-2, 1, 61)
    losses = [
        sum(float(F.cross_entropy(each / value, label)) for each, label in zip(logits, labels, strict=True))
        for value in grid
    ]
    return float(grid[int(np.argmin(losses))])
