"""What a model remembers of its training data, and how many corrections that is worth.

With a memory a study has suggestions before its first correction, for emotions that are called as in the training data.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stf2m.adaptation import adapt
from stf2m.corpus import Corpus
from stf2m.encoded import Encoded
from stf2m.model import STF2M
from stf2m.network import Memory
from stf2m.recipe import Recipe
from stf2m.tasks import Episode, Sampler, TooFewExamplesError, episodes
from stf2m.tracks import FloatArray
from stf2m.validation import KINDS, WAYS, encode, likeliest_temperature, shifted

#: Remembered segments of each emotion and modality.
REMEMBERED = 16
#: How many corrections all of them may be worth.
WEIGHTS = (0.25, 0.5, 1.0, 2.0)
#: The most that they are worth. More is more accurate in tests, for words above all; but then first corrections would
#: not be followed, and whoever corrects is to be heard. Words mean much the same in everybody's mouth, and a few
#: sentences do not say what: they are worth two. With four, words that are corrected in a way of one's own were
#: followed after more than three corrections of each emotion only.
MOST, MOST_OF = 1.0, {"text": 2.0}


@torch.inference_mode()
def remember(train: Mapping[str, Corpus], seen: Mapping[str, Encoded], model: STF2M, without: str = "") -> Memory:
    """Choose what to remember by herding (Welling 2009): of each emotion and modality, one after the other the
    performance that brings the mean embedding of those chosen nearest to the mean of all. ``seen`` are the corpora
    encoded; performances of the data set ``without`` are left out.
    """
    emotions = tuple(sorted({name for corpus in train.values() for name in corpus.emotion}))
    parts, degrees = [], []
    for name, corpus in train.items():
        encoded = seen[name]
        zero = model.trust.new_zeros(())
        column = int(encoded.present[0].argmax())
        embedded = model.readout(torch.from_numpy(encoded.pooled), zero, zero)[:, column].numpy()
        for emotion in emotions:
            about = zip(corpus.emotion, corpus.source, strict=True)
            rows = np.flatnonzero([each == emotion and source != without for each, source in about])
            if len(rows):
                chosen = rows[_herd(embedded[rows], min(REMEMBERED, len(rows)))]
                parts.append(encoded[chosen])
                degrees.append(corpus.degrees(emotions)[chosen])
    together = Encoded.concatenate(parts)
    rounded = replace(together, pooled=together.pooled.astype(np.float16).astype(np.float32))
    return Memory(rounded, emotions, np.concatenate(degrees))


def _herd(points: FloatArray, count: int) -> list[int]:
    mean, total, chosen = points.mean(axis=0), np.zeros(points.shape[1]), []
    for _ in range(count):
        away = np.square((total + points) / (len(chosen) + 1) - mean).sum(axis=1)
        away[chosen] = np.inf
        chosen.append(int(away.argmin()))
        total += points[chosen[-1]]
    return chosen


def weigh(
    model: STF2M,
    train: Mapping[str, Corpus],
    seen: Mapping[str, Encoded],
    validation: Mapping[str, Corpus],
    recipe: Recipe,
) -> tuple[dict[str, dict[str, float]], float]:
    """Choose how many corrections the memory of each modality is worth, and set it, by the best accuracy over none, one
    and five shots. Returns these figures by modality, and the temperature that makes the degrees of the answers likely.

    Each data set is answered with what is remembered of the *other* sets of its modality: a study's recordings are
    those of no data set either, and a memory of the very same recordings would be trusted too much. Where a modality
    has one data set, it is answered with what is remembered of the set's other people.
    """
    figures: dict[str, dict[str, float]] = {}
    logits, labels = [], []
    for column, modality in enumerate(model.modalities):
        corpus = validation[modality.name]
        questions = list(_questions(model, train[modality.name], seen, corpus, recipe))
        if not questions:
            continue
        encoded = encode(model, corpus)
        most = MOST_OF.get(modality.name, MOST)
        tried = [_answers(model, encoded, questions, column, weight) for weight in WEIGHTS if weight <= most]
        chosen = max(tried, key=lambda each: each.score)
        model.memory_weight[column] = chosen.weight
        figures[modality.name] = {"memory_weight": chosen.weight, **chosen.accuracy}
        logits += chosen.logits
        labels += chosen.labels
    return figures, likeliest_temperature(logits, labels) if logits else float(model.temperature)


class _Question(NamedTuple):
    """An episode of which the rows ``support`` are corrected, to be answered with a ``memory``; ``kind`` tells how many
    these are.
    """

    kind: str
    episode: Episode
    support: NDArray[np.int64]
    memory: Memory


@dataclass(frozen=True, eq=False)
class _Tried:
    """With one weight of the memory: accuracy by kind of question, the log degrees and labels of all answers."""

    weight: float
    accuracy: dict[str, float]
    logits: list[Tensor]
    labels: list[Tensor]

    @property
    def score(self) -> float:
        return float(np.mean(list(self.accuracy.values())))


def _questions(
    model: STF2M, train: Corpus, seen: Mapping[str, Encoded], corpus: Corpus, recipe: Recipe
) -> Iterator[_Question]:
    several = len(set(train.source)) > 1
    for source in sorted(set(corpus.source)):
        memory = remember({train.modality.name: train}, seen, model, without=source if several else "")
        rows = np.array([row for row, each in enumerate(corpus.source) if each == source])
        ways = min(WAYS, len({corpus.emotion[row] for row in rows}))
        for shots, protocol in KINDS:
            try:
                sampler = Sampler(corpus.examples(rows.tolist()), ways=ways, shots=shots, protocol=protocol)
                drawn = list(episodes(sampler, max(recipe.episodes // 4, 1), recipe.seed))
            except TooFewExamplesError:
                continue
            for episode in (shifted(each, rows) for each in drawn):
                yield _Question(f"{shots}-shot", episode, episode.support, memory)
                if shots == 1:
                    yield _Question("no corrections", episode, episode.support[:0], memory)


def _answers(model: STF2M, encoded: Encoded, questions: Sequence[_Question], column: int, weight: float) -> _Tried:
    """Answer all questions with the memory of the modality in this ``column`` worth ``weight`` corrections."""
    model.memory_weight[column] = weight
    own = model.fingerprint()
    encoded = replace(encoded, encoder=own)
    accuracy: dict[str, list[float]] = {}
    logits, labels = [], []
    for kind, episode, support, memory in questions:
        remembered = replace(memory, encoded=replace(memory.encoded, encoder=own))
        adapted = adapt(model, remembered, encoded[support], episode.degrees()[: len(support)], episode.emotions)
        degrees = adapted.predict(encoded[episode.query]).memberships
        known = adapted.fast.known.numpy()[episode.query_labels]
        logits.append(torch.from_numpy(degrees[known]).clamp(min=1e-9).log())
        labels.append(torch.from_numpy(episode.query_labels[known]))
        accuracy.setdefault(kind, []).append(float((degrees.argmax(axis=1) == episode.query_labels).mean()))
    return _Tried(weight, {kind: float(np.mean(right)) for kind, right in accuracy.items()}, logits, labels)
