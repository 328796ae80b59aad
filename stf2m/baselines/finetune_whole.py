"""Plain fine-tuning of a whole network: what people do when they "fine-tune the model on their own data".

As :mod:`stf2m.baselines.finetune`, but every weight is trained on the support, so nothing can be computed before.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from stf2m.baselines.finetune import FineTuning, head_of_means
from stf2m.baselines.small_network import SmallNetwork, class_loss
from stf2m.evaluation import Progress
from stf2m.tasks import Example
from stf2m.threads import one_thread
from stf2m.tracks import FloatArray

#: Steps and rate of the fine-tuning, chosen on validation speakers.
STEPS, RATE = 80, 1e-3


@dataclass(frozen=True, eq=False)
class Seen:
    """n examples as they are, and the network that is to be fine-tuned on some of them."""

    network: SmallNetwork
    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: np.ndarray | slice) -> "Seen":
        return Seen(self.network, [self.examples[row] for row in np.arange(len(self))[rows]])


@dataclass(frozen=True, eq=False)
class Tuned:
    """The network and the head of one episode; ``seen (N,)`` tells which emotions had support."""

    network: SmallNetwork
    head: nn.Linear
    seen: torch.Tensor

    @one_thread()
    @torch.no_grad()
    def predict(self, query: Seen) -> FloatArray:
        """Degrees ``(n, N)`` that sum to one."""
        logits = self.head(self.network(self.network.batch(each.views for each in query.examples)))
        return logits.masked_fill(~self.seen, -torch.inf).softmax(dim=1).numpy()


class WholeFineTuning:
    """Pre-training by classification, then fine-tuning of every weight; nothing is encoded once for all episodes."""

    name = "finetune-whole"
    origin = ""

    def __init__(self, steps: int = 1000, seed: int = 0, progress: Progress | None = None) -> None:
        self._plain = FineTuning(steps, seed, progress)

    def fit(self, train: Sequence[Example]) -> None:
        """Learn to classify the emotions of other people's examples, as plain fine-tuning does."""
        self._plain.fit(train)

    def encode(self, examples: Sequence[Example]) -> Seen:
        """The examples, standing for themselves."""
        return Seen(self._plain.network(examples).eval(), examples)

    @one_thread()
    def adapt(
        self, support: Seen, degrees: FloatArray, emotions: Sequence[str], unlabelled: Seen | None = None
    ) -> Tuned:
        """Fine-tune on the support with its degrees ``(n, N)``; what has no label is not used."""
        wanted = torch.from_numpy(degrees)
        network = deepcopy(support.network)
        batch = network.batch(each.views for each in support.examples)
        with torch.no_grad():
            head = head_of_means(network(batch), wanted)
        optimiser = torch.optim.Adam([*network.parameters(), *head.parameters()], lr=RATE)
        for _ in range(STEPS):
            loss = class_loss(head(network(batch)), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return Tuned(network, head, wanted.sum(dim=0) > 0)
