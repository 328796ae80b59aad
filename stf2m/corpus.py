"""The training data as arrays: any number of random views of one modality in one go, without a loop over clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from stf2m.datasets import Dataset, performance
from stf2m.encoded import ViewBatch
from stf2m.tasks import Example
from stf2m.tracks import RATE_HZ, BoolArray, FloatArray, Modality

IntArray = NDArray[np.int64]

#: The shortest and the longest random stretch in training, and the longest whole performance, frames.
SHORTEST, LONGEST, WHOLE = 12, 24, 60


@dataclass(frozen=True, eq=False)
class Corpus:
    """All training performances of one modality, end to end along the frames F; n performances.

    ``values (F, S, C)``, ``embedding (U, E)`` in half precision with ``row (F,)`` telling whose each frame is,
    ``cues (F, Q)``, ``valid (F,)``; ``first``, ``last`` ``(n,)`` where each performance begins and ends; ``labels``
    (degrees by emotion), ``speaker`` and ``source`` (data set) of each.
    """

    modality: Modality
    values: NDArray[np.float16]
    embedding: NDArray[np.float16]
    row: IntArray
    cues: FloatArray
    valid: BoolArray
    first: IntArray
    last: IntArray
    labels: tuple[Mapping[str, float], ...]
    speaker: tuple[str, ...]
    source: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.first)

    @cached_property
    def emotion(self) -> tuple[str, ...]:
        """The emotion of the highest degree of each performance."""
        return tuple(max(degrees, key=lambda name: degrees[name]) for degrees in self.labels)

    def examples(self, indices: Sequence[int]) -> list[Example]:
        """Performances as examples without views, for drawing episodes: labels and speaker only."""
        return [Example({}, self.labels[index], self.speaker[index]) for index in indices]

    def degrees(self, emotions: Sequence[str]) -> FloatArray:
        """What people said of each performance, ``(n, N)``; rows sum to one, or are zero where they named none of these
        emotions.
        """
        said = np.array([[degrees.get(name, 0.0) for name in emotions] for degrees in self.labels], np.float32)
        return said / np.maximum(said.sum(axis=1, keepdims=True), 1e-9)

    def views(self, indices: IntArray, random: np.random.Generator | None = None) -> ViewBatch:
        """One view of each performance, ``(B, T, …)``: with ``random`` a random stretch of the length of the studio's
        segments, else the whole (the middle of a very long one).
        """
        first, last = self.first[indices], self.last[indices]
        whole = last - first
        if random is None:
            length = np.minimum(whole, WHOLE)
            start = first + (whole - length) // 2
        else:
            length = np.minimum(whole, random.integers(SHORTEST, LONGEST + 1, len(indices)))
            start = first + random.integers(0, whole - length + 1)
        steps = np.arange(length.max())
        inside = steps < length[:, None]
        frames = np.minimum(start[:, None] + steps, last[:, None] - 1)
        valid = self.valid[frames] & inside
        valid[~valid.any(axis=1), 0] = True
        cues = np.where(valid[:, :, None], self.cues[frames], np.nan)
        known = ~np.isnan(cues)
        count = known.sum(axis=1)
        mean = np.where(count > 0, np.where(known, cues, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
        arrays = (
            self.values[frames].astype(np.float32),
            self.embedding[self.row[frames]].astype(np.float32),
            valid,
            mean.astype(np.float32),
        )
        return ViewBatch(*(torch.from_numpy(array) for array in arrays))


def corpora(parts: Sequence[tuple[Dataset, Sequence[int]]]) -> dict[str, Corpus]:
    """The chosen items of several data sets by modality; performances in which nothing was found are left out."""
    found: dict[str, list[tuple[Dataset, list[int]]]] = {}
    for dataset, chosen in parts:
        for name, (_, place) in dataset.packs.items():
            found.setdefault(name, []).append((dataset, [index for index in chosen if index in place]))
    return {name: _corpus(name, chosen) for name, chosen in found.items()}


def _corpus(name: str, parts: Sequence[tuple[Dataset, list[int]]]) -> Corpus:
    first: list[int] = []
    last: list[int] = []
    about: list[tuple[Mapping[str, float], str, str]] = []
    embedding_rows: list[IntArray] = []
    frames = rows = 0
    packs = [dataset.packs[name][0] for dataset, _ in parts]
    for (dataset, chosen), pack in zip(parts, packs, strict=True):
        place = dataset.packs[name][1]
        for index in chosen:
            stretch = _stretch(dataset, index, name)
            if stretch is None:
                continue
            begin = frames + int(pack.first[place[index]])
            first.append(begin + stretch.start)
            last.append(begin + stretch.stop)
            item = dataset.items[index]
            about.append((item.labels, f"{dataset.name} {item.speaker}" if item.speaker else "", dataset.name))
        embedding_rows.append(pack.row + rows)
        frames, rows = frames + len(pack.valid), rows + len(pack.embedding)
    labels, speaker, source = zip(*about, strict=True)
    return Corpus(
        modality=packs[0].modality,
        values=np.concatenate([pack.values for pack in packs]),
        embedding=np.concatenate([pack.embedding for pack in packs]),
        row=np.concatenate(embedding_rows),
        cues=np.concatenate([pack.cues for pack in packs]),
        valid=np.concatenate([pack.valid for pack in packs]),
        first=np.array(first),
        last=np.array(last),
        labels=labels,
        speaker=speaker,
        source=source,
    )


def _stretch(dataset: Dataset, index: int, name: str) -> slice | None:
    """The frames of a performance, None where the modality is not there."""
    tracks = dataset.tracks(index)
    if not tracks[name].valid.any():
        return None
    segment = performance(tracks)
    frames = tracks[name].frames_between(segment.start_s, segment.end_s)
    return frames if tracks[name].valid[frames].any() else None


def seconds(corpus: Corpus) -> float:
    """How much there is, in seconds."""
    return float((corpus.last - corpus.first).sum() / RATE_HZ)
