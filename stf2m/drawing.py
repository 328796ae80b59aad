"""Drawing training batches: episodes of one modality, or of paired views, from some of the training speakers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stf2m.corpus import Corpus, IntArray
from stf2m.encoded import ViewBatch
from stf2m.recipe import Recipe
from stf2m.tasks import Episode, Protocol, Sampler, TooFewExamplesError
from stf2m.tracks import FloatArray

#: N and K of the episodes; few shots are drawn more often.
WAYS = (3, 4, 5, 6, 7)
SHOTS = (1, 1, 2, 3, 5, 5, 8)
#: So many speakers (or clips of unknown people) are at hand in one episode.
SPEAKERS, UNKNOWN = (4, 9), 300
#: The chance that a view of a pair is left out, and that a support label is softened.
MISSING, SOFT = 0.25, 0.15
#: The chance that a support set or query is read as if too little of the person were known to take their own part off.
UNKNOWN_PERSON = 0.4


@dataclass(frozen=True, eq=False)
class Drawn:
    """One episode inside a batch: rows of its ``support`` and ``query``, ``degrees`` and ``target`` ``(n, N)``."""

    support: Tensor
    query: Tensor
    degrees: Tensor
    target: Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """``views`` by modality: the batch's rows they are of, the views, what is taken off as their speakers' own, their
    speakers' folds; ``present (n, M)``; ``labels (n, C)`` the degrees of all C emotions of the data.
    """

    views: Mapping[str, tuple[Tensor, ViewBatch, Tensor, Tensor]]
    present: Tensor
    labels: Tensor
    episodes: tuple[Drawn, ...]


class Drawing:
    """Draws batches for a recipe."""

    def __init__(
        self,
        recipe: Recipe,
        corpora: Mapping[str, Corpus],
        emotions: tuple[str, ...],
        folds: Mapping[str, IntArray],
        own: Mapping[str, Tensor],
    ) -> None:
        self.recipe, self.corpora, self.emotions, self.folds, self.own = recipe, corpora, emotions, folds, own
        self.names = tuple(sorted(corpora, key=lambda name: ({"face": 0, "voice": 1, "text": 2}.get(name, 3), name)))
        kinds = [(name, share) for name, share in recipe.modalities.items() if name in corpora or name == "paired"]
        self.kinds = [name for name, _ in kinds if name != "paired" or len(corpora) > 1]
        shares = np.array([share for name, share in kinds if name in self.kinds])
        self.shares = shares / shares.sum()
        self._people = {name: _people(corpus) for name, corpus in corpora.items()}
        self._degrees = {name: corpus.degrees(emotions) for name, corpus in corpora.items()}

    def draw(self, random: np.random.Generator) -> Batch:
        """A batch of ``recipe.tasks`` episodes, all of one kind."""
        kind = self.kinds[random.choice(len(self.kinds), p=self.shares)]
        parts = [
            self._paired(random) if kind == "paired" else self._single(kind, random) for _ in range(self.recipe.tasks)
        ]
        rows: dict[str, list[tuple[IntArray, IntArray]]] = {name: [] for name in self.names}
        labels, episodes, start = [], [], 0
        for emotions, members, support in parts:
            said = self._said(members)
            labels.append(said)
            target = said[:, [self.emotions.index(name) for name in emotions]]
            target = target / target.sum(axis=1, keepdims=True)
            degrees = torch.from_numpy(_soften(target[:support], random))
            place = torch.arange(start, start + len(said))
            episodes.append(Drawn(place[:support], place[support:], degrees, torch.from_numpy(target[support:])))
            for name, indices in members.items():
                there = np.flatnonzero(indices >= 0)
                rows[name].append((start + there, indices[there]))
            start += len(said)
        present = torch.zeros(start, len(self.names), dtype=torch.bool)
        views = {}
        for column, name in enumerate(self.names):
            if rows[name]:
                where, which = (np.concatenate(each) for each in zip(*rows[name], strict=True))
                present[where, column] = True
                fold = torch.from_numpy(self.folds[name][which])
                clean = self.corpora[name].views(which, random)
                views[name] = torch.from_numpy(where), _noisy(clean, random), self._taken_off(name, which, random), fold
        return Batch(views, present, torch.from_numpy(np.concatenate(labels)), tuple(episodes))

    def _said(self, members: Mapping[str, IntArray]) -> FloatArray:
        """What people said of every row of an episode, ``(n, C)``: of views put together, in the mean."""
        degrees = [self._degrees[name][indices] * (indices >= 0)[:, None] for name, indices in members.items()]
        count = np.sum([indices >= 0 for indices in members.values()], axis=0)
        return np.sum(degrees, axis=0, dtype=np.float32) / count[:, None].astype(np.float32)

    def _taken_off(self, name: str, which: IntArray, random: np.random.Generator) -> Tensor:
        """What is the speakers' own, ``(B, S C + E)``; for some views only a part of it, as where little is known."""
        share = np.where(random.random(len(which)) < UNKNOWN_PERSON, random.random(len(which)), 1.0)
        return self.own[name][which] * torch.from_numpy(share.astype(np.float32))[:, None]

    def _single(self, name: str, random: np.random.Generator):
        """One episode of one modality: emotions, ``{name: indices (n,)}``, and how many of these are support."""
        ways, shots = int(random.choice(WAYS)), int(random.choice(SHOTS))
        episode, indices = self._episode(name, ways, shots, random, None)
        members = indices[np.concatenate([episode.support, episode.query])]
        return episode.emotions, {name: members}, len(episode.support)

    def _paired(self, random: np.random.Generator):
        """One episode of paired views: each modality's own episode of the same emotions, side by side."""
        chosen = [
            self.names[index]
            for index in random.permutation(len(self.names))[: random.integers(2, len(self.names) + 1)]
        ]
        common = sorted(set.intersection(*(set(self.corpora[name].emotion) for name in chosen)))
        ways = int(min(random.choice(WAYS), len(common)))
        emotions = tuple(str(name) for name in random.permutation(common)[:ways])
        shots = int(random.choice(SHOTS))
        found = {name: self._episode(name, ways, shots, random, emotions) for name in chosen}
        shots = min(len(episode.support) // ways for episode, _ in found.values())
        queries = min(len(episode.query) // ways for episode, _ in found.values())
        members = {}
        for name, (episode, indices) in found.items():
            places = [episode.emotions.index(emotion) for emotion in emotions]
            support = indices[episode.support].reshape(ways, -1)[places, :shots].ravel()
            query = indices[episode.query].reshape(ways, -1)[places, :queries].ravel()
            members[name] = np.concatenate([support, query])
        gone = random.random((len(chosen), ways * (shots + queries))) < MISSING
        gone[:, gone.all(axis=0)] = False
        for name, missing in zip(chosen, gone, strict=True):
            members[name] = np.where(missing, -1, members[name])
        return emotions, members, ways * shots

    def _episode(
        self, name: str, ways: int, shots: int, random: np.random.Generator, emotions: tuple[str, ...] | None
    ) -> tuple[Episode, IntArray]:
        """An episode of one source and modality and the corpus' indices it points into; where there are too few
        examples, of other people, then with fewer shots and ways.
        """
        corpus, sources = self.corpora[name], self._people[name]
        for attempt in range(200):
            people = sources[random.integers(len(sources))]
            protocol: Protocol = "personal" if len(people) > 1 and random.random() < 0.4 and not emotions else "cross"
            size = random.integers(*SPEAKERS) if len(people) < 50 else UNKNOWN // 10
            size = UNKNOWN if all(len(each) == 1 for each in people) else int(size)
            some = random.permutation(len(people))[: max(size, 2)]
            indices = np.sort(np.concatenate([people[each] for each in some]))
            fewer = attempt // 4
            try:
                sampler = Sampler(
                    corpus.examples(indices.tolist()),
                    ways=max(ways - (0 if emotions else fewer), 2) if not emotions else ways,
                    shots=max(shots - fewer, 1),
                    protocol=protocol,
                    allowed=emotions,
                )
                return sampler.draw(random), indices
            except TooFewExamplesError:
                continue
        raise TooFewExamplesError(f"The {name} data allow no episode of {ways} emotions.")


def _people(corpus: Corpus) -> list[list[IntArray]]:
    """Of each data set, each speaker's indices; everybody unknown is a person of their own."""
    found: dict[str, dict[str, list[int]]] = {}
    for index, (source, speaker) in enumerate(zip(corpus.source, corpus.speaker, strict=True)):
        found.setdefault(source, {}).setdefault(speaker or f"unknown {index}", []).append(index)
    return [[np.array(each) for each in people.values()] for people in found.values()]


def _soften(degrees: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Sometimes a correction says two emotions: its label gets 0.6 to 0.9, another the rest."""
    soft = random.random(len(degrees)) < SOFT * (random.random() < 0.5)
    other = np.roll(degrees, 1, axis=1)
    share = random.uniform(0.6, 0.9, size=(len(degrees), 1)).astype(np.float32)
    return np.where(soft[:, None], share * degrees + (1 - share) * other, degrees)


def _noisy(views: ViewBatch, random: np.random.Generator) -> ViewBatch:
    """Noise in proportion to how much each channel varies in the batch, some frames masked, some cues unknown."""
    values, embedding, valid, cues = views
    spread = values.std(dim=(0, 1), keepdim=True) if values.numel() > 1 else 1.0
    values = values + 0.2 * spread * torch.randn_like(values)
    embedding = embedding + 0.2 * embedding.std(dim=(0, 1), keepdim=True).nan_to_num(0.0) * torch.randn_like(embedding)
    dropped = valid & (torch.rand(valid.shape) < 0.1)
    kept = valid & ~dropped
    valid = torch.where(kept.any(dim=1, keepdim=True), kept, valid)
    unknown = torch.rand(cues.shape) < 0.05 * (random.random() < 0.5)
    return ViewBatch(values, embedding, valid, cues.masked_fill(unknown, float("nan")))
