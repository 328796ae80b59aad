"""Rules in words and answers with reasons, generated from the very numbers that make the prediction.

What is quoted of a rule is exact: its conditions are the hard gates and terms that the forward pass uses. What follows
THEN is the rule's answer through the adapted classifier: the rules' part of a segment's logits is
``Σ_r f_r (W (u_r - g) + b)`` with f the normalised firing, so ``softmax((W (u_r - g) + b) / temperature)`` is what the
model would say if rule r alone had fired and nothing but the rules spoke. In the list of all rules u_r is taken at the
values at which the rule usually fires in the training data; for one segment, at the segment's own values. Rules that a
person wrote or pinned say what they were given; see :mod:`stf2m.rules_at_work`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from stf2m import rule_words
from stf2m.fuzzy import TERMS
from stf2m.network import Network, Reading
from stf2m.rules_at_work import RulesAtWork

Floats = NDArray[np.float64]

#: Rules and emotions are quoted when they matter this much.
_QUOTED_DEGREE = 0.1
_MOST_QUOTED_RULES = 2
_MOST_REASONS = 3


@dataclass(frozen=True)
class Condition:
    """``cue`` is ``term`` (low, medium, high, or what a person calls them); ``gate`` in (0, 1] is how firmly the rule
    learned to ask for it.
    """

    cue: str
    term: str
    unit: str
    gate: float


@dataclass(frozen=True)
class Rule:
    """A rule of a model. ``weight``: its mean share of all firing, ``support``: the share of segments that fire it at a
    strength above one half; both in the training data, for a written rule in the remembered part of it. ``written_by``
    is empty for a learned rule; one that is ``off`` does not fire, a ``pinned`` one's consequent stays.
    """

    number: int
    conditions: tuple[Condition, ...]
    consequent: dict[str, float]
    weight: float
    support: float
    text: str
    written_by: str = ""
    pinned: bool = False
    off: bool = False


@dataclass(frozen=True)
class Measured:
    """A condition and the value that met it, in the cue's unit; ``membership`` is the degree to which it holds."""

    cue: str
    term: str
    unit: str
    value: float
    membership: float


@dataclass(frozen=True)
class FiredRule:
    """A rule at one segment: ``strength`` in [0, 1], its ``share`` of all firing, what it adds to the logit of the
    answer beyond the mean of all emotions (``contribution``), and its conditions that could be measured.
    """

    number: int
    strength: float
    share: float
    contribution: float
    conditions: tuple[Measured, ...]
    consequent: dict[str, float]
    text: str
    written_by: str = ""

    def as_dict(self) -> dict[str, object]:
        """The rule as plain JSON for screens and files, numbers rounded."""
        return {
            "text": self.text,
            "strength": round(self.strength, 4),
            "share": round(self.share, 4),
            "conditions": [
                {"cue": each.cue, "term": each.term, "value": round(each.value, 4), "unit": each.unit}
                for each in self.conditions
            ],
            "consequent": {name: round(degree, 4) for name, degree in self.consequent.items()},
        }


@dataclass(frozen=True)
class Explanation:
    """Why a segment got its answer. ``text`` is the reason in short (cues with their values), ``sentence`` the whole
    answer in everyday words; ``rules`` the fired ones, the most helpful to the answer first; ``named`` the conditions
    that ``text`` quotes.
    """

    text: str
    sentence: str
    memberships: dict[str, float]
    uncertainty: float
    shares: dict[str, float]
    rules: tuple[FiredRule, ...]
    missing: tuple[str, ...]
    named: tuple[Measured, ...] = ()


def list_rules(work: RulesAtWork) -> list[Rule]:
    """Every rule in words: first those that a person pinned or wrote, then the weightiest."""
    network, edits = work.network, work.edits
    answers = network.rules.answers(network.rule_values)
    own = answers[torch.arange(len(answers)), torch.arange(len(answers))]
    degrees = work.degrees(work.spoken(own[None])[0])
    gates = network.rules.gate_logits.sigmoid()
    measures = [*zip(network.rule_weight.tolist(), network.rule_support.tolist(), strict=True), *_remembered(work)]
    rules = []
    for number, chosen in enumerate(work.conditions):
        written = edits.written[number - work.learned] if number >= work.learned else None
        quoted = tuple(
            Condition(
                cue.name, work.called(cue.name, term), cue.unit, 1.0 if written else float(gates[number, variable])
            )
            for variable, cue, term in chosen
        )
        consequent = _by_name(work.emotions, degrees[number])
        named = [(condition.cue, condition.term) for condition in quoted]
        text = rule_words.told(named, written.says if written else _quoted(consequent))
        by, pinned, off = written.author if written else "", number in edits.pinned, number in edits.off
        weight, support = measures[number]
        rules.append(Rule(number, quoted, consequent, weight, support, text, by, pinned, off))
    return sorted(rules, key=lambda rule: (not (rule.pinned or rule.number >= work.learned), -rule.weight))


def fired_rules(work: RulesAtWork, reading: Reading, attention: float, answer: int) -> tuple[FiredRule, ...]:
    """The rules that fire for one segment (``reading`` of one row, with the firing of the rules at work), the most
    helpful to emotion number ``answer`` first.

    ``attention`` is the weight of the rules among the sources of evidence.
    """
    bells, edits = work.network.rules.bells, work.edits
    spoken = work.spoken(reading.answers)[0]
    shares = reading.firing.normalised[0]
    above = spoken - spoken[:, work.fast.known].mean(dim=1, keepdim=True)
    helps = attention * shares * above[:, answer]
    degrees = work.degrees(spoken)
    natural = reading.x[0] * bells.scale + bells.offset
    membership = bells.log_membership(torch.nan_to_num(reading.x))[0].exp()
    fired = []
    for number in (-helps).argsort().tolist():
        measured = tuple(
            Measured(
                cue.name,
                work.called(cue.name, term),
                cue.unit,
                float(natural[variable]),
                float(membership[variable, TERMS.index(term)]),
            )
            for variable, cue, term in work.conditions[number]
            if not bool(reading.x[0, variable].isnan())
        )
        if measured and number not in edits.off:
            written = edits.written[number - work.learned] if number >= work.learned else None
            consequent = _by_name(work.emotions, degrees[number])
            said = written.says if written else _quoted(consequent)
            text = rule_words.told([(each.cue, each.term) for each in measured], said)
            strength = float(reading.firing.log_strength[0, number].exp())
            numbers = strength, float(shares[number]), float(helps[number])
            by = written.author if written else ""
            fired.append(FiredRule(number, *numbers, measured, consequent, text, by))
    return tuple(fired)


def explain(
    memberships: dict[str, float],
    uncertainty: float,
    shares: dict[str, float],
    rules: tuple[FiredRule, ...],
    missing: tuple[str, ...],
) -> Explanation:
    """Put the reasons of one segment in words; ``shares`` of the modalities that are present."""
    if not shares:
        nothing = "nothing could be seen or heard here"
        return Explanation(nothing, f"Unknown: {nothing}.", memberships, uncertainty, shares, rules, missing)
    ranked = sorted(memberships, key=lambda name: -memberships[name])
    answer, degree = ranked[0], memberships[ranked[0]]
    named = _named(rules)
    reasons = [f"{each.cue} is {each.term} ({with_unit(each.value, each.unit)})" for each in named]
    text = (
        _joined(reasons)
        if reasons
        else f"no rule speaks for {answer} here; the learned picture of {_of(shares)} decided"
    )
    also = f", perhaps {ranked[1]} ({memberships[ranked[1]]:.2f})" if memberships[ranked[1]] >= _QUOTED_DEGREE else ""
    sentence = f"{answer.capitalize()} ({degree:.2f}){also}: {text}."
    if len(shares) > 1:
        parts = [f"the {name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda item: -item[1])]
        sentence += f" {_joined(parts).capitalize()} of the evidence."
    if missing:
        sentence += f" Without {_joined([f'the {name}' for name in missing])}."
    return Explanation(text, sentence, memberships, uncertainty, shares, rules, missing, named)


def membership_curves(network: Network, cue: str, points: int = 200) -> tuple[Floats, dict[str, Floats]]:
    """A cue's terms as curves: x in the cue's unit ``(points,)`` and ``{term: mu(x) (points,)}``.

    Raises ``KeyError`` for a name that is no variable of this model.
    """
    names = [each.name for each in network.variables]
    if cue not in names:
        raise KeyError(f"This model has no cue called {cue!r}.")
    variable, bells = names.index(cue), network.rules.bells
    scale, offset = float(bells.scale[variable]), float(bells.offset[variable])
    with torch.inference_mode():
        centres = bells.centres()[variable] * scale + offset
        low, high = network.variables[variable].typical
        x = torch.linspace(min(low, float(centres[0])), max(high, float(centres[-1])), points)
        standard = torch.zeros(points, len(names))
        standard[:, variable] = (x - offset) / scale
        mu = bells.log_membership(standard)[:, variable].exp().double().numpy()
    return x.double().numpy(), {term: mu[:, index] for index, term in enumerate(TERMS)}


def with_unit(value: float, unit: str) -> str:
    """A value as people read it: ``0.62`` for shares of one, else ``1.1 semitones``, ``212 Hz``."""
    size = abs(value)
    number = (
        f"{value:.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 1 and not any(letter.isdigit() for letter in unit)
        else f"{value:.2f}"
    )
    return (
        number if any(letter.isdigit() for letter in unit) else f"{number}{'' if unit.startswith('°') else ' '}{unit}"
    )


def _remembered(work: RulesAtWork) -> list[tuple[float, float]]:
    """Of every written rule, its mean share of firing and how often it fires above one half in the model's memory."""
    memory = getattr(work.network, "memory", None)
    if not work.edits.written or memory is None:
        return [(0.0, 0.0)] * len(work.edits.written)
    encoded = memory.encoded
    firing = work.fire(
        work.network.read(*(torch.tensor(each) for each in (encoded.pooled, encoded.present, encoded.cues)))
    )
    share, strong = firing.normalised.mean(dim=0), (firing.log_strength.exp() > 0.5).float().mean(dim=0)
    return list(zip(share[work.learned :].tolist(), strong[work.learned :].tolist(), strict=True))


def _by_name(emotions: Sequence[str], degrees: torch.Tensor) -> dict[str, float]:
    pairs = zip(emotions, degrees.tolist(), strict=True)
    return dict(sorted(pairs, key=lambda pair: -pair[1]))


def _quoted(consequent: dict[str, float]) -> dict[str, float]:
    """What of a consequent is quoted: the emotion it speaks for most, and the next where it matters."""
    first, *others = consequent.items()
    return dict([first, *(each for each in others[:1] if each[1] >= _QUOTED_DEGREE)])


def _named(rules: tuple[FiredRule, ...]) -> tuple[Measured, ...]:
    """The conditions of the rules that helped the answer most, at most three, each cue once; learned patterns are named
    only where these rules speak of no cue.
    """
    helped = [rule for rule in rules if rule.contribution > 0][:_MOST_QUOTED_RULES]
    met = [each for rule in helped for each in rule.conditions if each.membership >= _QUOTED_DEGREE]
    cues = [each for each in met if " pattern " not in each.cue]
    seen: dict[str, Measured] = {}
    for each in cues or met:
        seen.setdefault(each.cue, each)
    return tuple(seen.values())[:_MOST_REASONS]


def _of(shares: dict[str, float]) -> str:
    return _joined([f"the {name}" for name in shares])


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
