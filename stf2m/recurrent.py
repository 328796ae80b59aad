"""The meta-recurrent learner: a recurrent network that reads the corrections, and one that learns from them.

:class:`SupportReader` reads the support set in no particular order and conditions the encoder's last block on the
task. :class:`FastWeightCell` is the learned optimiser: it turns loss, gradient and its own state into updates of the
fast weights. What their weights hold is what was learned across tasks.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Conditioning(NamedTuple):
    """What the reader tells the rest: ``scale``, ``shift`` ``(M, h)`` of the readout's hidden units (FiLM, Perez et
    al. 2018), and ``trust (J,)``, added to the attention score of every source of evidence. ``unfamiliar (M,)`` is not
    read from the support but from the names of its emotions: the share that a modality's training data did not have.
    """

    scale: Tensor
    shift: Tensor
    trust: Tensor
    unfamiliar: Tensor


class SupportReader(nn.Module):
    """Read a set with an LSTM that attends to all items at every step (Vinyals et al. 2016, read-process-write).

    ``q_t = LSTM(q*_{t-1})``, ``a_i ∝ w_i exp(m_i · q_t)``, ``r_t = Σ a_i m_i``, ``q*_t = [q_t, r_t]``: a sum over
    items, so their order has no say, and an item of weight zero is not there.
    """

    def __init__(self, item: int, state: int, steps: int, modalities: int, hidden: int, sources: int) -> None:
        super().__init__()
        self.item = nn.Sequential(nn.Linear(item, state), nn.Tanh(), nn.Linear(state, state))
        self.cell = nn.LSTMCell(2 * state, state)
        self.steps = steps
        self.shape = (modalities, hidden)
        self.film = nn.Linear(2 * state, 2 * modalities * hidden)
        self.trust = nn.Linear(2 * state, sources)
        for layer in (self.film, self.trust):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, items: Tensor, weights: Tensor) -> Conditioning:
        """``items (n, item)``, ``weights (n,)`` ≥ 0 with a positive sum → the task's conditioning."""
        memory = self.item(items)
        read = memory.new_zeros(1, 2 * memory.shape[1])
        hidden = cell = memory.new_zeros(1, memory.shape[1])
        log_weights = torch.log(weights)
        for _ in range(self.steps):
            hidden, cell = self.cell(read, (hidden, cell))
            attention = (memory @ hidden[0] / memory.shape[1] ** 0.5 + log_weights).softmax(dim=0)
            read = torch.cat([hidden, (attention @ memory)[None]], dim=1)
        scale, shift = self.film(read).view(2, *self.shape)
        return Conditioning(scale.tanh(), shift, self.trust(read)[0], shift.new_zeros(len(shift)))


class FastWeightCell(nn.Module):
    """One recurrent cell shared by every coordinate of the fast weights (Andrychowicz et al. 2016), with the update
    of Ravi & Larochelle 2017: ``θ ← f ⊙ θ - i ⊙ ∇`` where keep gate f and step i come from the cell's state.

    The same cell moves every coordinate, so it works for any number of emotions and treats them alike.
    """

    def __init__(self, state: int) -> None:
        super().__init__()
        self.cell = nn.GRUCell(6, state)
        self.gates = nn.Linear(state, 2)
        nn.init.normal_(self.gates.weight, std=0.01)
        with torch.no_grad():
            self.gates.bias.copy_(torch.tensor([6.0, -1.0]))
        self.state = state

    def begin(self, coordinates: int) -> Tensor:
        """The state before the first update, ``(coordinates, state)``."""
        return self.gates.weight.new_zeros(coordinates, self.state)

    def forward(
        self, theta: Tensor, gradient: Tensor, loss: Tensor, shots: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """New ``θ`` and state from ``theta``, ``gradient``, ``shots`` ``(coordinates,)`` and the scalar support loss.

        ``shots`` is the log of how many corrections speak for the coordinate's emotion. What the cell sees of the
        gradient is not differentiated again.
        """
        seen = [*_preprocess(gradient.detach()), theta, shots]
        level = torch.log(loss.clamp(min=1e-4)).expand_as(theta) / 4
        state = self.cell(torch.stack([*seen, level, torch.ones_like(theta)], dim=1), state)
        keep, step = self.gates(state).unbind(dim=1)
        return keep.sigmoid() * theta - 4 * F.softplus(step) * gradient, state


def _preprocess(x: Tensor, p: float = 10.0) -> tuple[Tensor, Tensor]:
    """Size and sign apart, so that gradients of any size can be read (Andrychowicz et al. 2016, appendix A)."""
    size = x.abs()
    large = size >= torch.e**-p
    first = torch.where(large, torch.log(size.clamp(min=torch.e**-p)) / p, -torch.ones_like(x))
    second = torch.where(large, x.sign(), torch.e**p * x)
    return first, second
