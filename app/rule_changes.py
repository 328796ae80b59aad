"""What two models' rules have apart: which say something else, and what of it a person did; which part of the evidence
made a segment change sides; how far each modality and the rules are trusted. The two may be a model before and after
an adaptation or an edit, or those of two people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from annotations.records import ClipRecord
from app.predictions import Predictions
from stf2m.adaptation import AdaptedModel
from stf2m.explanation import Rule
from stf2m.fuzzy import TERMS
from stf2m.rule_edits import RuleEdits
from stf2m.rule_words import word

#: A consequent that moved less is not worth a line.
LEAST_MOVED = 0.01
#: How a modality is named in a sentence.
SOURCES = {"text": "words"}

#: What a rule is known by in two models: its number, or for a written one its conditions.
_Identity = int | frozenset[tuple[str, str]]


@dataclass(frozen=True)
class RuleChange:
    """A rule that two models do not have alike: what it says in the one (``before``) and the other (``after``), empty
    where it is not there, and ``what`` was done to it in words, empty where nobody did anything.
    """

    rule: Rule
    before: Mapping[str, float]
    after: Mapping[str, float]
    what: str = ""

    @property
    def moved(self) -> float:
        """How far what it says moved, in [0, 1]; 1 where it came or went."""
        return moved(self.before, self.after) if self.before and self.after else 1.0


@dataclass(frozen=True)
class Trusted:
    """How much a modality, or the rules, weighs in the answers on average, in [0, 1], in either model."""

    source: str
    before: float
    after: float


@dataclass(frozen=True)
class Cause:
    """What of the evidence moved most for the new answer: a rule in words, or a modality where ``rule`` is empty.

    ``gain`` is what it added to the logarithm of the ratio of the two degrees.
    """

    source: str
    rule: str
    gain: float


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """How far degrees moved: half the sum of all changes, in [0, 1]."""
    return sum(abs(after.get(name, 0.0) - before.get(name, 0.0)) for name in {*before, *after}) / 2


def between(before: AdaptedModel, after: AdaptedModel) -> list[RuleChange]:
    """The rules that two models do not have alike, what people did first, then those that moved most."""
    was, now = ({_identity(model, rule): rule for rule in model.rules()} for model in (before, after))
    found = [
        *(RuleChange(rule, {}, rule.consequent, f"written by {rule.written_by}") for rule in _missing(now, was)),
        *(RuleChange(rule, rule.consequent, {}, "taken away") for rule in _missing(was, now)),
        *(
            RuleChange(new, was[each].consequent, new.consequent, _done(was[each], new))
            for each, new in now.items()
            if each in was
        ),
    ]
    told = [change for change in found if change.what or change.moved >= LEAST_MOVED]
    return sorted(told, key=lambda change: (not change.what, -change.moved))


def renamed(before: RuleEdits, after: RuleEdits) -> list[str]:
    """The terms that are called otherwise, each as ``smile: “high” is now “broad”``."""
    return [
        f"{cue}: “{word(before.words, cue, term)}” is now “{word(after.words, cue, term)}”"
        for cue in sorted({*before.words, *after.words})
        for term in TERMS
        if word(before.words, cue, term) != word(after.words, cue, term)
    ]


def trusted(
    predictions: Predictions, clips: Sequence[ClipRecord], before: AdaptedModel, after: AdaptedModel
) -> list[Trusted]:
    """The mean weight of every source over the segments of clips in which it is there, in both models."""
    names = [*predictions.sources, "rules"]
    weights = [
        np.concatenate([model.trust(predictions.encoded(clip)) for clip in clips] or [np.zeros((0, len(names)))])
        for model in (before, after)
    ]
    found = []
    for column, name in enumerate(names):
        there = (weights[0][:, column] > 0) | (weights[1][:, column] > 0)
        if there.any():
            means = (float(each[there, column].mean()) for each in weights)
            found.append(Trusted(SOURCES.get(name, name), *means))
    return found


def cause(
    predictions: Predictions, clip: ClipRecord, middle_s: float, before: AdaptedModel, after: AdaptedModel,
    answers: tuple[str, str],
) -> Cause | None:  # fmt: skip
    """Why the segment nearest to a moment went from the one of two ``answers`` to the other.

    None where one of the models does not know both emotions: then there is nothing to compare.
    """
    for model in (before, after):
        known = [name for name, there in zip(model.emotions, model.fast.known.tolist(), strict=True) if there]
        if not set(answers) <= set(known):
            return None
    pieces = predictions.segments(clip)
    nearest = min(range(len(pieces)), key=lambda at: abs((pieces[at].start_s + pieces[at].end_s) / 2 - middle_s))
    gains: dict[_Identity | str, float] = {}
    texts: dict[_Identity | str, str] = {}
    for sign, model in ((-1, before), (1, after)):
        parts = model.parts(predictions.encoded(clip)[nearest])[0]
        for_new = parts[:, model.emotions.index(answers[1])] - parts[:, model.emotions.index(answers[0])]
        sources = len(predictions.sources)
        for name, gain in zip(predictions.sources, for_new[:sources].tolist(), strict=True):
            gains[name] = gains.get(name, 0.0) + sign * gain
        for rule in model.rules():
            identity = _identity(model, rule)
            gains[identity] = gains.get(identity, 0.0) + sign * float(for_new[sources + rule.number])
            texts[identity] = rule.text
    most = max(gains, key=lambda each: gains[each])
    return Cause("rules" if most in texts else SOURCES.get(str(most), str(most)), texts.get(most, ""), gains[most])


def _identity(model: AdaptedModel, rule: Rule) -> _Identity:
    place = rule.number - model.work.learned
    return frozenset(model.edits.written[place].conditions) if place >= 0 else rule.number


def _missing(rules: Mapping[_Identity, Rule], others: Mapping[_Identity, Rule]) -> list[Rule]:
    return [rule for identity, rule in rules.items() if identity not in others]


def _done(old: Rule, new: Rule) -> str:
    """What a person did to a rule between two models."""
    said = []
    if old.off != new.off:
        said.append("switched off" if new.off else "switched on")
    if old.pinned != new.pinned:
        said.append("pinned" if new.pinned else "no longer pinned")
    return ", ".join(said)
