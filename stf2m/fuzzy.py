"""Generalised fuzzy rules: named cues become linguistic terms, terms become rules, rules answer.

The forward pass is exactly as sparse as the sentence that is read from it: a rule uses one term per condition and at
most :data:`MOST_CONDITIONS` conditions, chosen by hard gates; gradients pass through the soft gates behind
them (straight-through, Bengio et al. 2013). V variables, R rules, p the width of a rule's answer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

#: The linguistic terms of every variable, in the order of their centres.
TERMS: tuple[str, ...] = ("low", "medium", "high")

#: No rule has more conditions than a person reads at a glance.
MOST_CONDITIONS = 4

_TINY = 1e-12


class Bells(nn.Module):
    """Memberships of V variables in low, medium and high: ``mu(x) = 1 / (1 + |(x - c) / a|^(2 b))``.

    Generalised bells (Jang 1993) with two guards that keep the words true for any parameters. Centres are
    ordered, since each is the one before plus a softplus. The terms of one variable share width a and slope b, and
    low and high are open to their side (1 beyond their centre), so that a larger x is never less *high*
    or more *low*, and the nearest centre has the largest membership.
    Variables arrive standardised; ``offset`` and ``scale`` ``(V,)`` lead back to natural units.
    """

    def __init__(self, variables: int) -> None:
        super().__init__()
        self.lowest = nn.Parameter(torch.full((variables,), -1.0))
        self.raw_gaps = nn.Parameter(torch.full((variables, len(TERMS) - 1), _inverse_softplus(1.0)))
        self.raw_width = nn.Parameter(torch.full((variables,), _inverse_softplus(0.5)))
        self.raw_slope = nn.Parameter(torch.full((variables,), _inverse_softplus(1.5)))
        self.offset: Tensor
        self.scale: Tensor
        self.register_buffer("offset", torch.zeros(variables))
        self.register_buffer("scale", torch.ones(variables))

    def fit(self, low: Tensor, medium: Tensor, high: Tensor) -> None:
        """Start from data: put the centres at three quantiles ``(V,)`` in natural units, crossings at one half.

        Raises ``ValueError`` unless low < medium < high everywhere.
        """
        if not bool(((low < medium) & (medium < high)).all()):
            raise ValueError("The centres of the terms must be given in the order low, medium, high.")
        with torch.no_grad():
            self.offset.copy_(medium)
            self.scale.copy_((high - low) / 2)
            self.lowest.copy_((low - medium) / self.scale)
            gaps = torch.stack([medium - low, high - medium], dim=1) / self.scale[:, None]
            self.raw_gaps.copy_(torch.log(torch.expm1((gaps - 1e-3).clamp(min=1e-3))))

    def standardise(self, x: Tensor) -> Tensor:
        """Natural units → the scale on which the bells live; NaN stays NaN."""
        return (x - self.offset) / self.scale

    def centres(self) -> Tensor:
        """C ``(V, 3)``, strictly increasing along the terms, on the standardised scale."""
        gaps = F.softplus(self.raw_gaps) + 1e-3
        return torch.cat([self.lowest[:, None], self.lowest[:, None] + gaps.cumsum(dim=1)], dim=1)

    def widths(self) -> Tensor:
        """A > 0 ``(V,)``, standardised."""
        return F.softplus(self.raw_width) + 0.05

    def slopes(self) -> Tensor:
        """B > 0 ``(V,)``."""
        return F.softplus(self.raw_slope) + 0.5

    def log_membership(self, x: Tensor) -> Tensor:
        """``log mu`` of standardised ``x (n, V)`` → ``(n, V, 3)``; ``x`` must be finite."""
        away = x[:, :, None] - self.centres()
        low, medium, high = away.unbind(dim=-1)
        away = torch.stack([low.clamp(min=0), medium, (-high).clamp(min=0)], dim=-1)
        ratio = away / self.widths()[:, None]
        return -F.softplus(self.slopes()[:, None] * torch.log(ratio.square() + _TINY))


class Firing(NamedTuple):
    """What the rules say about n views: ``log_strength (n, R)`` (-inf where no condition could be measured),
    ``normalised (n, R)`` (rows sum to one, or are zero where no rule fires at all).
    """

    log_strength: Tensor
    normalised: Tensor


class FuzzyRules(nn.Module):
    """R rules ``IF x_1 is high AND … THEN u_r(x)`` over V variables, of first order (Takagi-Sugeno-Kang).

    Firing: ``log f_r = Σ_v g_rv log mu_{t(r,v)}(x_v) / Σ_v g_rv`` over the conditions that can be measured: the
    geometric mean, which stays comparable for one condition or four (the plain product saturates; Cui et al. 2020),
    plus the log of the share of conditions that could be measured. Normalised firing is its softmax with a
    learned temperature. The semantic vector is ``s = Σ_r f_r (c_r + A_r x)``, ``(n, p)``. ``groups`` ``(V,)`` names
    each variable's modality: a rule's answer depends on variables of those modalities only that its conditions speak
    of.
    """

    def __init__(self, bells: Bells, rules: int, width: int, groups: Sequence[int]) -> None:
        super().__init__()
        self.bells = bells
        self.groups = tuple(groups)
        self.same_group: Tensor
        which = torch.tensor(self.groups)
        self.register_buffer("same_group", (which[:, None] == which).to(torch.get_default_dtype()), persistent=False)
        variables = len(bells.lowest)
        self.term_logits = nn.Parameter(torch.randn(rules, variables, len(TERMS)))
        self.gate_logits = nn.Parameter(torch.full((rules, variables), -2.0))
        self.constant = nn.Parameter(0.5 * torch.randn(rules, width))
        self.slope = nn.Parameter(torch.randn(rules, width, variables) / variables**0.5)
        self.log_sharpness = nn.Parameter(torch.tensor(1.5))

    def conditions(self) -> Tensor:
        """G ``(R, V)``, exactly 0 or 1: the gates above zero, at least the strongest, at most four."""
        strongest = self.gate_logits.topk(MOST_CONDITIONS, dim=1)
        chosen = torch.zeros_like(self.gate_logits).scatter(1, strongest.indices, 1.0)
        first = torch.zeros_like(self.gate_logits).scatter(1, strongest.indices[:, :1], 1.0)
        hard = torch.maximum(chosen * (self.gate_logits > 0), first)
        soft = self.gate_logits.sigmoid()
        return hard + (soft - soft.detach())

    def terms(self) -> Tensor:
        """The term of every possible condition, one-hot ``(R, V, 3)``."""
        soft = self.term_logits.softmax(dim=-1)
        hard = F.one_hot(self.term_logits.argmax(dim=-1), len(TERMS)).to(soft.dtype)
        return hard + (soft - soft.detach())

    def sparsity(self) -> Tensor:
        """The mean number of open gates per rule beyond one, a penalty that closes what does not pay."""
        return (self.gate_logits.sigmoid().sum(dim=1) - 1).clamp(min=0).mean()

    def fire(self, x: Tensor) -> Firing:
        """Strengths of standardised variables ``x (n, V)``, NaN where unknown."""
        known = (~x.isnan()).to(self.constant.dtype)
        membership = self.bells.log_membership(torch.nan_to_num(x, nan=0.0)) * known[:, :, None]
        gates = self.conditions()
        chosen = torch.einsum("rvt,nvt->nrv", self.terms(), membership)
        measured = known @ gates.T
        fires = known @ gates.detach().T > 0.5
        safe = torch.where(fires, measured, torch.ones_like(measured))
        coverage = torch.log(safe / gates.sum(dim=1))
        log_strength = (chosen * gates).sum(dim=-1) / safe + coverage
        masked = (self.log_sharpness.exp() * log_strength).masked_fill(~fires, float("-inf"))
        any_rule = fires.any(dim=1, keepdim=True)
        normalised = torch.where(any_rule, masked, torch.zeros_like(masked)).softmax(dim=1) * any_rule
        return Firing(log_strength.masked_fill(~fires, float("-inf")), normalised)

    def answers(self, x: Tensor) -> Tensor:
        """Each rule's own answer ``u_r(x) = c_r + A_r x``, ``(n, R, p)``; unknown variables count as average."""
        finite = torch.nan_to_num(x, nan=0.0).clamp(-3, 3)
        reach = (self.conditions().detach() @ self.same_group).clamp(max=1)
        return self.constant + torch.einsum("rpv,nv->nrp", self.slope * reach[:, None, :], finite)


def _inverse_softplus(value: float) -> float:
    return float(torch.log(torch.expm1(torch.tensor(value))))
