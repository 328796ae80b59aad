"""What a person changed of a model's rules: terms renamed, rules switched off, pinned, or written in words.

Edits lie over an adapted model and can be taken off again; what they mean for its answers is in
:mod:`stf2m.rules_at_work`. Rules are numbered as in its lists: 0 … R − 1 the learned ones, R … the written ones. R
learned rules, D the width of a rule's answer, E emotions.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import safetensors.torch
from torch import Tensor

from stf2m import rule_words
from stf2m.rule_words import RuleError, Words

_PINNED = "pinned."


@dataclass(frozen=True)
class WrittenRule:
    """A rule that a person wrote: ``conditions`` as ``(cue, term)`` with the terms' own names, and what it ``says``:
    the degree of every emotion that it names.
    """

    conditions: tuple[tuple[str, str], ...]
    says: Mapping[str, float]
    author: str = ""


class PinnedAnswer(NamedTuple):
    """What a rule said of ``emotions`` when it was pinned: ``softmax(weight · u + bias)`` of its answer u; ``weight``
    ``(E, D)``, ``bias`` ``(E,)``.
    """

    emotions: tuple[str, ...]
    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, eq=False)
class RuleEdits:
    """All edits of one model. ``words``: own words for terms by cue, ``off`` and ``pinned`` by the rule's number."""

    words: Words = field(default_factory=dict)
    off: tuple[int, ...] = ()
    pinned: Mapping[int, PinnedAnswer] = field(default_factory=dict)
    written: tuple[WrittenRule, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.off or self.pinned or self.written)

    @property
    def change_answers(self) -> bool:
        """Whether they do more than call terms by other names."""
        return bool(self.off or self.pinned or self.written)

    def with_word(self, cue: str, term: str, called: str) -> "RuleEdits":
        """A ``term`` of a cue under another word; its own name takes the word away. Raises :class:`RuleError`."""
        if called.strip().casefold() == term and term in self.words.get(cue, {}):
            kept = {one: word for one, word in self.words.get(cue, {}).items() if one != term}
        else:
            kept = {**self.words.get(cue, {}), term: rule_words.new_word(self.words, cue, term, called)}
        words = {**self.words, cue: dict(sorted(kept.items()))}
        return replace(self, words={name: words[name] for name in sorted(words) if words[name]})

    def with_switched(self, number: int, *, on: bool) -> "RuleEdits":
        """A rule on or off. Raises :class:`RuleError` where it is so already."""
        if (number not in self.off) == on:
            raise RuleError(f"This rule is {'on' if on else 'off'} already.")
        return replace(self, off=tuple(sorted({*self.off} ^ {number})))

    def with_pinned(self, number: int, answer: PinnedAnswer | None) -> "RuleEdits":
        """A rule that always says what it says now, or with None follows adaptations again."""
        if (number in self.pinned) == (answer is not None):
            raise RuleError(f"This rule is {'pinned already' if answer else 'not pinned'}.")
        pinned = {**self.pinned, **({number: answer} if answer else {})}
        return replace(self, pinned={each: pinned[each] for each in sorted(pinned) if answer or each != number})

    def with_written(self, rule: WrittenRule) -> "RuleEdits":
        """One more rule, the last. Raises :class:`RuleError` where the same conditions are there already."""
        if any(set(each.conditions) == set(rule.conditions) for each in self.written):
            raise RuleError("A rule with these conditions has been written already; take that one away first.")
        return replace(self, written=(*self.written, rule))

    def without_written(self, place: int, learned: int) -> "RuleEdits":
        """Without the written rule at a place; the ones after it move up. ``learned`` is R."""
        moved = tuple(number - (number > learned + place) for number in self.off if number != learned + place)
        return replace(self, written=self.written[:place] + self.written[place + 1 :], off=moved)

    def renamed(self, to: Callable[[str], str]) -> "RuleEdits":
        """The same edits after emotions were renamed or merged."""
        pinned = {
            number: answer._replace(emotions=tuple(map(to, answer.emotions))) for number, answer in self.pinned.items()
        }
        written = tuple(replace(rule, says=_summed(rule.says, to)) for rule in self.written)
        return replace(self, pinned=pinned, written=written)

    def for_another_model(self, cues: Sequence[str]) -> "RuleEdits":
        """What of them makes sense for a model with other learned rules: words and written rules of ``cues`` it has."""
        written = tuple(rule for rule in self.written if all(cue in cues for cue, _ in rule.conditions))
        return RuleEdits({cue: words for cue, words in self.words.items() if cue in cues}, written=written)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values, the same for the same edits; the numbers of pinned answers are in :meth:`tensors`."""
        return {
            "words": {cue: dict(words) for cue, words in self.words.items()},
            "off": list(self.off),
            "pinned": {str(number): list(answer.emotions) for number, answer in self.pinned.items()},
            "written": [
                {"if": [list(each) for each in rule.conditions], "then": dict(rule.says), "by": rule.author}
                for rule in self.written
            ],
        }

    def tensors(self) -> dict[str, Tensor]:
        """The numbers of the pinned answers, to be kept beside :meth:`as_json`."""
        return {
            f"{_PINNED}{number}.{name}": getattr(answer, name).contiguous()
            for number, answer in self.pinned.items()
            for name in ("weight", "bias")
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "RuleEdits":
        """Read what :meth:`as_json` and :meth:`tensors` wrote. Raises ``KeyError`` for anything else."""
        return cls(
            told["words"],
            tuple(told["off"]),
            {
                int(number): PinnedAnswer(
                    tuple(emotions), tensors[f"{_PINNED}{number}.weight"], tensors[f"{_PINNED}{number}.bias"]
                )
                for number, emotions in told["pinned"].items()
            },
            tuple(
                WrittenRule(tuple((cue, term) for cue, term in each["if"]), each["then"], each["by"])
                for each in told["written"]
            ),
        )


NO_EDITS = RuleEdits()


def edits_in(data: bytes) -> RuleEdits:
    """The edits in the bytes of an adapted model, of whatever network. Raises ``ValueError`` for other bytes."""
    try:
        tensors = safetensors.torch.load(data)
        return RuleEdits.from_json(about(data)["edits"], tensors) if "edits" in about(data) else NO_EDITS
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError, safetensors.SafetensorError) as error:
        raise ValueError("These are not the fast weights of an adapted model.") from error


def about(data: bytes) -> dict[str, Any]:
    """What the bytes of an adapted model say of themselves. Raises ``KeyError`` or ``ValueError`` for other bytes."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["about"])


def _summed(says: Mapping[str, float], to: Callable[[str], str]) -> dict[str, float]:
    summed: dict[str, float] = {}
    for name, degree in says.items():
        summed[to(name)] = round(summed.get(to(name), 0.0) + degree, 2)
    return summed
