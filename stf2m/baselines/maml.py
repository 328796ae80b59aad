"""Model-agnostic meta-learning (Finn et al. 2017): a start from which few gradient steps on a support set go far.

The network is a small perceptron on pooled statistics of the views, all of which adapts. Every class starts from the
same head weights (Ye and Chao 2022), so any number of emotions will do and their order does not matter; how far each
tensor moves in a step is learned with its start (Antoniou et al. 2019).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad
from torch.nn import functional as F

from stf2m.baselines.pooling import Pooled, Standard, pooled
from stf2m.baselines.small_network import WIDTH, Episodes, all_degrees, class_loss, learn
from stf2m.evaluation import Progress
from stf2m.tasks import Example
from stf2m.threads import one_thread
from stf2m.tracks import FloatArray

#: Gradient steps on a support set, in training and in use, and how far the first ones go before that is learned.
STEPS, FIRST_RATE = 5, 0.1
#: Share of the statistics left out in training, noise on the others, and the weight of classifying all emotions.
DROPOUT, NOISE, CLASSES = 0.5, 0.3, 0.5

Weights = Mapping[str, Tensor]


class Perceptron(nn.Module):
    """Statistics ``(n, P)`` → logits ``(n, N)``: a body of two layers and a head of N classes that all start alike."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.first = nn.Linear(size, WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)
        self.head = nn.Parameter(torch.randn(1, WIDTH) / WIDTH)

    def body(self, x: Tensor) -> Tensor:
        """Statistics → features ``(n, WIDTH)``."""
        return F.layer_norm(self.second(F.gelu(self.first(x))), (WIDTH,))

    def forward(self, x: Tensor) -> Tensor:
        """Statistics ``(n, P)`` → logits ``(n, N)``."""
        return self.body(x) @ self.head.T


class Learner(nn.Module):
    """The start of every tensor of the perceptron and the logarithm of the rate at which each that ``moves`` adapts."""

    def __init__(self, size: int, moves: Sequence[str]) -> None:
        super().__init__()
        self.start = Perceptron(size)
        self.log_rates = nn.Parameter(torch.full((len(moves),), float(np.log(FIRST_RATE))))
        self.moves = tuple(moves)

    def adapt(self, support: Tensor, degrees: Tensor, second_order: bool) -> Weights:
        """The weights after :data:`STEPS` steps on ``support (n, P)`` with ``degrees (n, N)``.

        With ``second_order`` the gradients can be propagated through, as in training; without they count as constants.
        """

        def loss(moving: Weights, fixed: Weights) -> Tensor:
            return class_loss(functional_call(self.start, {**fixed, **moving}, (support,)), degrees)

        start: dict[str, Tensor] = dict(self.start.named_parameters())
        start["head"] = start["head"].expand(degrees.shape[1], -1)
        moving = {name: start[name] for name in self.moves}
        fixed = {name: value for name, value in start.items() if name not in moving}
        for _ in range(STEPS):
            slopes = grad(loss)(moving, fixed)
            rates = zip(moving.items(), self.log_rates.exp(), strict=True)
            moving = {
                name: value - rate * (slopes[name] if second_order else slopes[name].detach())
                for (name, value), rate in rates
            }
        return {**fixed, **moving}


@dataclass(frozen=True, eq=False)
class Moved:
    """The weights of one episode; ``seen (N,)`` tells which emotions had support."""

    learner: Learner
    standard: Standard
    weights: Weights
    seen: Tensor

    def predict(self, query: Pooled) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one."""
        with torch.no_grad():
            logits = functional_call(self.learner.start, dict(self.weights), (_points(self.standard, query),))
        return logits.masked_fill(~self.seen, -torch.inf).softmax(dim=1).numpy()


class MAML:
    """MAML with second-order gradients, or ``first_order``; without other people its start stays random."""

    name = "maml"
    origin = ""
    #: The tensors that adapt; None stands for all.
    moves: tuple[str, ...] | None = None

    def __init__(
        self, steps: int = 1500, first_order: bool = False, seed: int = 0, progress: Progress | None = None
    ) -> None:
        self.steps, self.first_order, self.seed, self.progress = steps, first_order, seed, progress
        self._fitted: tuple[Learner, Standard] | None = None

    def fit(self, train: Sequence[Example]) -> None:
        """Learn the start by episodes of the training people, and by classifying all their emotions at once.

        Raises :class:`stf2m.tasks.TooFewExamplesError` when they allow no episode.
        """
        self._fitted = None
        if not train:
            return
        known, episodes = pooled(train), Episodes(train)
        standard = Standard.of(known)
        points, learner = _points(standard, known), self._untrained(known)
        names, degrees = all_degrees(train)
        head = nn.Linear(WIDTH, len(names))

        def noisy(rows: np.ndarray) -> Tensor:
            chosen = points[torch.from_numpy(rows)]
            return F.dropout(chosen + NOISE * torch.randn_like(chosen), DROPOUT)

        def loss(random: np.random.Generator) -> Tensor:
            episode = episodes.draw(random)
            support, query = noisy(episode.support), noisy(episode.query)
            weights = learner.adapt(support, torch.from_numpy(episode.degrees()), not self.first_order)
            target = torch.eye(len(episode.emotions))[torch.from_numpy(episode.query_labels)]
            spoken = head(learner.start.body(query))
            known_degrees = degrees[torch.from_numpy(episode.query)]
            answer = functional_call(learner.start, dict(weights), (query,))
            return class_loss(answer, target) + CLASSES * class_loss(spoken, known_degrees)

        learn([*learner.parameters(), *head.parameters()], loss, self.steps, self.seed, self.name, self.progress)
        self._fitted = learner, standard

    def encode(self, examples: Sequence[Example]) -> Pooled:
        """The pooled statistics."""
        return pooled(examples)

    @one_thread()
    def adapt(
        self, support: Pooled, degrees: FloatArray, emotions: Sequence[str], unlabelled: Pooled | None = None
    ) -> Moved:
        """Some gradient steps on the support with its degrees ``(n, N)``; what has no label is not used."""
        learner, standard = self._fitted or (self._untrained(support), Standard.of(support))
        wanted = torch.from_numpy(degrees)
        with torch.no_grad():
            weights = learner.adapt(_points(standard, support), wanted, second_order=False)
        return Moved(learner, standard, weights, wanted.sum(dim=0) > 0)

    def _untrained(self, known: Pooled) -> Learner:
        torch.manual_seed(self.seed)
        size = known.features.shape[1]
        return Learner(size, self.moves or [name for name, _ in Perceptron(size).named_parameters()])


def _points(standard: Standard, found: Pooled) -> Tensor:
    return torch.from_numpy(standard(found)).float().clamp(-8, 8)
