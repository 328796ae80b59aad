"""Prototypical networks (Snell et al. 2017): a network learns by episodes to put an emotion's views close together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from stf2m.baselines.small_network import WIDTH, Episodes, SmallNetwork, all_degrees, class_loss, learn
from stf2m.evaluation import Progress
from stf2m.tasks import Example
from stf2m.tracks import FloatArray

#: Weight of classifying all emotions of the training data beside the episodes.
CLASSES = 0.5


@dataclass(frozen=True, eq=False)
class Nearest:
    """The prototypes ``(N, WIDTH)`` of an episode, NaN for an emotion without support, and how sharp distances are."""

    prototypes: Tensor
    sharpness: float

    def predict(self, query: FloatArray) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one."""
        logits = self.sharpness * closeness(torch.from_numpy(query), self.prototypes)
        return logits.nan_to_num(nan=-torch.inf).softmax(dim=1).numpy()


class ProtoNet:
    """The small network and the nearest prototype; without other people to learn from its weights stay random."""

    name = "protonet"
    origin = ""

    def __init__(self, steps: int = 1500, seed: int = 0, progress: Progress | None = None) -> None:
        self.steps, self.seed, self.progress = steps, seed, progress
        self._network: SmallNetwork | None = None
        self._sharpness = nn.Parameter(torch.tensor(5.0))

    def fit(self, train: Sequence[Example]) -> None:
        """Learn by episodes of the training people, and by classifying all their emotions at once.

        Raises :class:`stf2m.tasks.TooFewExamplesError` when they allow no episode.
        """
        self._network, self._sharpness = None, nn.Parameter(torch.tensor(5.0))
        if not train:
            return
        network, episodes = SmallNetwork(train, self.seed), Episodes(train)
        names, degrees = all_degrees(train)
        head, sharpness = nn.Linear(WIDTH, len(names)), self._sharpness

        def loss(random: np.random.Generator) -> Tensor:
            episode = episodes.draw(random)
            rows = np.concatenate([episode.support, episode.query])
            network.train()
            points = network(network.batch((train[row].views for row in rows), random))
            support, query = points[: len(episode.support)], points[len(episode.support) :]
            logits = sharpness * closeness(query, means(support, torch.from_numpy(episode.degrees())))
            target = torch.eye(len(episode.emotions))[torch.from_numpy(episode.query_labels)]
            return class_loss(logits, target) + CLASSES * class_loss(head(points), degrees[torch.from_numpy(rows)])

        learn(
            [*network.parameters(), *head.parameters(), sharpness],
            loss,
            self.steps,
            self.seed,
            self.name,
            self.progress,
        )
        self._network = network

    def encode(self, examples: Sequence[Example]) -> FloatArray:
        """The embeddings, ``(n, WIDTH)``."""
        network = self._network or SmallNetwork(examples, self.seed)
        with torch.no_grad():
            return network.embed(*network.pooled(examples)).numpy()

    def adapt(
        self, support: FloatArray, degrees: FloatArray, emotions: Sequence[str], unlabelled: FloatArray | None = None
    ) -> Nearest:
        """The means of the support weighted by its degrees ``(n, N)``; what has no label is not used."""
        return Nearest(means(torch.from_numpy(support), torch.from_numpy(degrees)), self._sharpness.item())


def means(support: Tensor, degrees: Tensor) -> Tensor:
    """The prototypes ``(N, d)`` of ``support (n, d)``: means weighted by ``degrees (n, N)``, NaN without support."""
    return degrees.T @ support / degrees.sum(dim=0)[:, None]


def closeness(query: Tensor, prototypes: Tensor) -> Tensor:
    """Minus the mean squared distance over the dimensions, ``(n, N)``."""
    return -(query[:, None] - prototypes).square().mean(dim=2)
