"""Choosing items by who speaks, by the set's own splits and by emotion."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stf2m.datasets.items import DatasetError, Item
from stf2m.vocabulary import canonical


@dataclass(frozen=True)
class Selection:
    """Which items: ``speakers`` as names and ranges of numbers (``15-18``, ``S010,S011``), ``split`` as the set
    calls it, ``emotions`` in any spelling of the vocabulary; of these each speaker's ``emotions_per_speaker`` only,
    chosen by ``seed`` (see :func:`of_few_emotions`). What is empty or zero does not restrict.
    """

    speakers: str = ""
    split: str = ""
    emotions: tuple[str, ...] = ()
    emotions_per_speaker: int = 0
    seed: int = 0

    def of(self, items: Sequence[Item]) -> list[Item]:
        """The items that are meant. Raises :class:`DatasetError` for a speaker, split or emotion that is not there."""
        people = named(items, self.speakers)
        feelings = self._emotions(items)
        if self.split and self.split not in {item.split for item in items}:
            raise DatasetError(f"There is no split called {self.split}.")
        meant = [
            item
            for item in items
            if item.speaker in people and item.emotion in feelings and (not self.split or item.split == self.split)
        ]
        return of_few_emotions(meant, self.emotions_per_speaker, self.seed) if self.emotions_per_speaker else meant

    def others(self, items: Sequence[Item]) -> list[Item]:
        """The items of other speakers (if some are named) in other splits (if one is named): fit to learn from.

        With neither named there is none. Emotions do not matter here.
        """
        if not (self.speakers or self.split):
            return []
        people = named(items, self.speakers) if self.speakers else set()
        return [item for item in items if item.speaker not in people and not (self.split and item.split == self.split)]

    def _emotions(self, items: Iterable[Item]) -> set[str]:
        there = {item.emotion for item in items}
        wanted = {canonical(name) for name in self.emotions}
        if absent := sorted(wanted - there):
            raise DatasetError(f"Nobody is {absent[0]} here; there are {_listed(sorted(there))}.")
        return wanted or there


def of_few_emotions(items: Sequence[Item], each: int, seed: int) -> list[Item]:
    """The items of ``each`` emotions of every speaker, as if people showed no others.

    Who keeps what is drawn by the seed. Emotions are spread evenly over the speakers, and no more of them are kept than
    two speakers at least can have, so that every one can be learned from some people and tested on others; somebody
    who has too few of these keeps others of their own. Items of unknown people stay.
    """
    random = np.random.default_rng(seed)
    pools = {name: sorted({item.emotion for item in items if item.speaker == name}) for name in speakers(items)}
    there = random.permutation(sorted({emotion for pool in pools.values() for emotion in pool})).tolist()
    had = {emotion: sum(emotion in pool for pool in pools.values()) for emotion in there}
    most = max(each * len(pools) // 2, 1)
    kept = dict.fromkeys(sorted(there, key=lambda emotion: -min(had[emotion], 2))[:most], 0)
    chosen: dict[str, set[str]] = {}
    # Those with the least to choose from come first.
    for name in sorted(random.permutation(list(pools)).tolist(), key=lambda name: len(kept.keys() & pools[name])):
        own = random.permutation(pools[name]).tolist()
        chosen[name] = set(sorted(own, key=lambda emotion: kept.get(emotion, len(items)))[:each])
        for emotion in chosen[name] & kept.keys():
            kept[emotion] += 1
    return [item for item in items if item.speaker not in chosen or item.emotion in chosen[item.speaker]]


def speakers(items: Iterable[Item]) -> tuple[str, ...]:
    """The known speakers, numbers in the order of numbers and before names."""
    return tuple(sorted({item.speaker for item in items} - {""}, key=_natural))


def named(items: Sequence[Item], wanted: str) -> set[str]:
    """The speakers meant by a list of names and ranges; everybody, unknown people too, by an empty one.

    Raises :class:`DatasetError` for somebody who is not there.
    """
    there = speakers(items)
    if not wanted:
        return {*there, ""}
    found: set[str] = set()
    for part in (part.strip() for part in wanted.split(",")):
        first, dash, last = part.partition("-")
        numbers = range(int(first), int(last) + 1) if dash and first.isdigit() and last.isdigit() else ()
        meant = {name for name in there if name == part or (name.isdigit() and int(name) in numbers)}
        if not meant:
            said = " ".join(part.split())
            raise DatasetError(f"There is no speaker {said}; there are {in_words(there) or 'only unknown people'}.")
        found |= meant
    return found


def in_words(names: Sequence[str]) -> str:
    """Speakers in a few words: ``1–14``, ``S010, S011``; runs of numbers are joined."""
    numbers = [int(name) for name in names if name.isdigit()]
    breaks = [place for place, (one, two) in enumerate(pairwise(numbers), 1) if two != one + 1]
    runs = [numbers[start:end] for start, end in zip([0, *breaks], [*breaks, len(numbers)], strict=True)]
    told = [f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs if run]
    return _listed([*told, *(name for name in names if not name.isdigit())])


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), name) if name.isdigit() else (1, 0, name)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
