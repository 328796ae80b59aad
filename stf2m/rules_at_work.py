"""The rules of one adapted model as they work, with the edits of a person in force.

Without edits this is the model's own arithmetic. With them, n segments, R learned and K written rules, N emotions:

- *Switched off*: the rule's log strength is −∞, and the others' firing is renormalised, as if it were not there.
- *Written*: a rule over the same bells with the firing of :class:`stf2m.fuzzy.FuzzyRules` (geometric mean of what could
  be measured, coverage, sharpness). It counts as R learned rules: ``log R`` is added before the normalisation, so that
  at full strength it has at least half of the rules' say, however many of the learned ones fire with it, unless another
  written rule does, too.
- *Its answer*, a written one's as a pinned one's, is fixed: ``T log p`` with the temperature T and fixed degrees p, so
  that the rule alone gives exactly p. A pinned rule's p is what its answer said of the emotions when it was pinned,
  ``softmax((W (u_r(x) - g) + b) / T)`` with W, g, b and T of then, so pinning itself changes no answer. Emotions that
  are left unsaid share what is left of 1, but :data:`UNSAID` at least, since a degree of nought would be a veto.
- *Renamed terms* are words; nothing is computed from them.

The rules' part of the logits is then ``Σ_r f_r l_r`` with the firing f and each rule's logits l_r. Adapting learns as
if there were no edits; they lie over what it has learned.
"""

from collections.abc import Sequence
from functools import cached_property
from math import log

import torch
from torch import Tensor

from stf2m.fast_weights import FastWeights, contributions
from stf2m.fuzzy import TERMS, Firing
from stf2m.network import Evidence, Network, Reading
from stf2m.rule_edits import PinnedAnswer, RuleEdits
from stf2m.rule_words import word
from stf2m.tracks import Cue

#: What emotions that a rule does not name have together, at least.
UNSAID = 0.004


class RulesAtWork:
    """R + K rules, numbered with the written ones last."""

    def __init__(self, network: Network, fast: FastWeights, emotions: Sequence[str], edits: RuleEdits) -> None:
        self.network, self.fast, self.emotions, self.edits = network, fast, tuple(emotions), edits
        self._variable = {cue.name: number for number, cue in enumerate(network.variables)}

    def __len__(self) -> int:
        return self.learned + len(self.edits.written)

    @property
    def learned(self) -> int:
        """R."""
        return self.network.architecture.rules

    @cached_property
    def conditions(self) -> list[list[tuple[int, Cue, str]]]:
        """Per rule its conditions as (variable, cue, the term's own name), a learned rule's firmest first."""
        rules, cues = self.network.rules, self.network.variables
        terms, chosen = rules.term_logits.argmax(dim=-1), rules.conditions() > 0.5
        found = []
        for rule in range(self.learned):
            variables = chosen[rule].nonzero().flatten().tolist()
            variables.sort(key=lambda variable: -float(rules.gate_logits[rule, variable]))
            found.append([(variable, cues[variable], TERMS[int(terms[rule, variable])]) for variable in variables])
        for written in self.edits.written:
            places = [(self._variable[cue], term) for cue, term in written.conditions]
            found.append([(variable, cues[variable], term) for variable, term in places])
        return found

    def gates(self) -> Tensor:
        """G ``(R + K, V)``, 1 where a rule speaks of a variable."""
        learned = self.network.rules.conditions().detach()
        written = learned.new_zeros(len(self.edits.written), learned.shape[1])
        for row, conditions in zip(written, self.conditions[self.learned :], strict=True):
            row[[variable for variable, _, _ in conditions]] = 1
        return torch.cat([learned, written])

    def called(self, cue: str, term: str) -> str:
        """What a term is called."""
        return word(self.edits.words, cue, term)

    def fire(self, reading: Reading) -> Firing:
        """Strengths ``(n, R + K)`` and shares of all firing; ``reading`` is as the network gave it."""
        if not (self.edits.off or self.edits.written):
            return reading.firing
        strength = torch.cat([reading.firing.log_strength, *self._written_strengths(reading.x)], dim=1)
        strength[:, list(self.edits.off)] = float("-inf")
        counts = strength.new_zeros(len(self))
        counts[self.learned :] = log(self.learned)
        fires = ~strength.isinf()
        any_rule = fires.any(dim=1, keepdim=True)
        scaled = self.network.rules.log_sharpness.exp() * strength + counts
        normalised = torch.where(any_rule, scaled, torch.zeros_like(scaled)).softmax(dim=1) * any_rule
        return Firing(strength, normalised)

    def spoken(self, answers: Tensor) -> Tensor:
        """Each rule's logits ``(n, R + K, N)``, from the learned rules' answers ``(n, R, D)``."""
        fast = self.fast
        learned = (answers - fast.centre[-1]) @ fast.weight[:, -1].T + fast.bias[:, -1]
        for number, pinned in self.edits.pinned.items():
            log_degrees = answers[:, number].double() @ pinned.weight.double().T + pinned.bias.double()
            learned[:, number] = self._fixed(log_degrees.softmax(dim=1), pinned.emotions)
        written = [
            self._fixed(torch.tensor([list(rule.says.values())], dtype=torch.double), tuple(rule.says))
            for rule in self.edits.written
        ]
        return torch.cat([learned, *(each[:, None].expand(len(answers), -1, -1) for each in written)], dim=1)

    def added(self, reading: Reading, evidence: Evidence) -> Tensor:
        """What every source adds to every emotion's logit, ``(n, J, N)``; ``reading`` with :meth:`fire`'s firing."""
        added = contributions(self.fast, evidence)
        if self.edits.change_answers:
            by_rules = torch.einsum("nr,nrk->nk", reading.firing.normalised, self.spoken(reading.answers))
            added[:, -1] = evidence.weight[:, -1:] * by_rules
        return added

    def degrees(self, spoken: Tensor) -> Tensor:
        """Logits as calibrated degrees; an emotion that nothing speaks for has none."""
        return (spoken.masked_fill(~self.fast.known, -1e4) / self.fast.temperature).softmax(dim=-1)

    def pinned(self, number: int) -> PinnedAnswer:
        """What a learned rule says now, to hold it to that."""
        fast = self.fast
        weight = fast.weight[fast.known, -1] / fast.temperature
        bias = fast.bias[fast.known, -1] / fast.temperature - weight @ fast.centre[-1]
        names = tuple(name for name, known in zip(self.emotions, fast.known.tolist(), strict=True) if known)
        return PinnedAnswer(names, weight.clone(), bias.clone())

    def _written_strengths(self, x: Tensor) -> list[Tensor]:
        """Log strengths of the written rules, ``(n, 1)`` each, -inf where nothing of the rule could be measured."""
        membership = self.network.rules.bells.log_membership(torch.nan_to_num(x, nan=0.0))
        found = []
        for conditions in self.conditions[self.learned :]:
            variables = [variable for variable, _, _ in conditions]
            known = (~x[:, variables].isnan()).to(x.dtype)
            terms = [TERMS.index(term) for _, _, term in conditions]
            measured = known.sum(dim=1)
            safe = measured.clamp(min=1)
            strength = (membership[:, variables, terms] * known).sum(dim=1) / safe + torch.log(safe / len(conditions))
            found.append(strength.masked_fill(measured == 0, float("-inf"))[:, None])
        return found

    def _fixed(self, degrees: Tensor, names: Sequence[str]) -> Tensor:
        """Logits ``(n, N)`` that give fixed degrees ``(n, len(names))`` of the emotions named; see the module."""
        known = self.fast.known.tolist()
        columns = degrees.new_zeros(len(degrees), len(self.emotions))
        named = torch.zeros(len(self.emotions), dtype=torch.bool)
        for column, name in enumerate(names):
            if name in self.emotions and known[self.emotions.index(name)]:
                columns[:, self.emotions.index(name)] += degrees[:, column]
                named[self.emotions.index(name)] = True
        others = self.fast.known & ~named
        if not named.any():
            return columns.float()
        total = columns.sum(dim=1, keepdim=True)
        unsaid = (1 - degrees.sum(dim=1, keepdim=True)).clamp(min=UNSAID) if others.any() else torch.zeros_like(total)
        columns = columns / total.clamp(min=1e-300) * (1 - unsaid)
        columns = torch.where(others, unsaid / others.sum().clamp(min=1), columns)
        return (self.fast.temperature * columns.clamp(min=1e-30).log() * self.fast.known).float()
