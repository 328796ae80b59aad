"""Plain fine-tuning: what one would do without meta-learning.

The small network first learns to classify all emotions of other people's examples. For an episode it gets a new head,
which starts from the class means of the support, and Adam trains the head and the body's last layer on the support for
a fixed number of steps; the trunk below stays as it is.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from stf2m.baselines.small_network import WIDTH, SmallNetwork, all_degrees, class_loss, learn
from stf2m.evaluation import Progress
from stf2m.tasks import Example
from stf2m.threads import one_thread
from stf2m.tracks import FloatArray

#: Examples of one step of the pre-training.
BATCH = 64
#: Steps and rate of the fine-tuning, chosen on validation speakers.
STEPS, RATE = 15, 3e-3


@dataclass(frozen=True, eq=False)
class Trunks:
    """What the trunks made of n examples, ``pooled (n, ΣP)``, and which modalities are ``present (n, M)``."""

    network: SmallNetwork
    pooled: Tensor
    present: Tensor

    def __len__(self) -> int:
        return len(self.pooled)

    def __getitem__(self, rows: np.ndarray | slice) -> "Trunks":
        chosen = torch.arange(len(self))[torch.from_numpy(rows) if isinstance(rows, np.ndarray) else rows]
        return Trunks(self.network, self.pooled[chosen], self.present[chosen])


@dataclass(frozen=True, eq=False)
class Tuned:
    """The body and the head of one episode; ``seen (N,)`` tells which emotions had support."""

    network: SmallNetwork
    head: nn.Linear
    seen: Tensor

    def predict(self, query: Trunks) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one."""
        with torch.no_grad():
            logits = self.head(self.network.embed(query.pooled, query.present))
        return logits.masked_fill(~self.seen, -torch.inf).softmax(dim=1).numpy()


class FineTuning:
    """Pre-training by classification, then fine-tuning; without other people, fine-tuning of random weights."""

    name = "finetune"
    origin = ""

    def __init__(self, steps: int = 1000, seed: int = 0, progress: Progress | None = None) -> None:
        self.steps, self.seed, self.progress = steps, seed, progress
        self._network: SmallNetwork | None = None

    def fit(self, train: Sequence[Example]) -> None:
        """Learn to classify the emotions of other people's examples, each as often as any other."""
        self._network = None
        if not train:
            return
        network = SmallNetwork(train, self.seed)
        names, degrees = all_degrees(train)
        head = nn.Linear(WIDTH, len(names))
        rare = (degrees / degrees.sum(dim=0)).sum(dim=1).double().numpy()
        share = rare * np.array([example.weight for example in train])

        def loss(random: np.random.Generator) -> Tensor:
            rows = random.choice(len(train), min(BATCH, len(train)), p=share / share.sum())
            network.train()
            logits = head(network(network.batch((train[row].views for row in rows), random)))
            return class_loss(logits, degrees[torch.from_numpy(rows)])

        learn([*network.parameters(), *head.parameters()], loss, self.steps, self.seed, self.name, self.progress)
        self._network = network

    def encode(self, examples: Sequence[Example]) -> Trunks:
        """What the trunks make of the views: they do not adapt."""
        network = self.network(examples)
        return Trunks(network, *network.pooled(examples))

    def network(self, examples: Sequence[Example]) -> SmallNetwork:
        """The network that :meth:`fit` has taught; without other people one of random weights for ``examples``."""
        return self._network or SmallNetwork(examples, self.seed)

    @one_thread()
    def adapt(
        self, support: Trunks, degrees: FloatArray, emotions: Sequence[str], unlabelled: Trunks | None = None
    ) -> Tuned:
        """Fine-tune on the support with its degrees ``(n, N)``; what has no label is not used."""
        wanted = torch.from_numpy(degrees)
        network = deepcopy(support.network)
        with torch.no_grad():
            head = head_of_means(network.embed(support.pooled, support.present), wanted)
        optimiser = torch.optim.Adam([*network.readouts.parameters(), *head.parameters()], lr=RATE)
        for _ in range(STEPS):
            loss = class_loss(head(network.embed(support.pooled, support.present)), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return Tuned(network, head, wanted.sum(dim=0) > 0)


def head_of_means(points: Tensor, degrees: Tensor) -> nn.Linear:
    """A head that answers by the nearest class mean of embedded ``points (n, WIDTH)`` with ``degrees (n, N)``."""
    means = degrees.T @ points / degrees.sum(dim=0).clamp(min=1e-6)[:, None]
    head = nn.Linear(WIDTH, degrees.shape[1])
    head.weight.data = means / WIDTH**0.5
    head.bias.data = -means.square().sum(dim=1) / (2 * WIDTH**0.5)
    return head
