"""People who work at once: each looks, thinks, corrects, and waits until the correction is acknowledged."""

import asyncio
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import httpx

#: Emotions that people choose from, in the studio's demo study and in Label Studio's project alike.
EMOTIONS = ("angry", "happy", "neutral", "sad", "surprised")
#: A fast annotator looks and thinks at least, and on average, so long before each correction, seconds.
LEAST_THOUGHT_S, MEAN_THOUGHT_S = 0.5, 2.0


class Correction(NamedTuple):
    """That an emotion is seen between two moments, seconds; ``again`` where it changes what was said last."""

    start_s: float
    end_s: float
    emotion: str
    again: bool


class Refused(Exception):  # noqa: N818 - what happened
    """A correction that the server did not acknowledge."""


class Person(Protocol):
    """Somebody at work on a clip over HTTP, on one connection that is kept open."""

    duration_s: float

    async def open(self) -> None:
        """Open the clip, as the page does."""
        ...

    async def look(self, start_s: float, end_s: float) -> None:
        """Select a stretch of the clip, as the page does."""
        ...

    async def correct(self, correction: Correction) -> None:
        """Save a correction. Raises :class:`Refused` or ``httpx.HTTPError`` unless it is acknowledged."""
        ...

    async def go_on(self) -> None:
        """What the page asks for after a correction."""
        ...


@dataclass
class Work:
    """How long corrections took from request to acknowledged answer, seconds, and how many were not acknowledged."""

    seconds: float
    took: list[float] = field(default_factory=list)
    refused: int = 0


async def work(
    people: Sequence[Person], seconds: float, *, thinking: bool, seed: int, opened: threading.Event | None = None
) -> Work:
    """Let everybody open their clip and then work for so long; ``opened`` is set in between."""
    await asyncio.gather(*(person.open() for person in people))
    if opened:
        opened.set()
    done = Work(seconds)
    until = time.perf_counter() + seconds
    chances = [random.Random(f"{seed} {number}") for number in range(len(people))]
    await asyncio.gather(*(_one(*each, until, thinking, done) for each in zip(people, chances, strict=True)))
    return done


async def _one(person: Person, chance: random.Random, until: float, thinking: bool, done: Work) -> None:
    saved = 0
    while True:
        start_s = round(chance.uniform(0, person.duration_s - 2.1), 3)
        end_s = round(start_s + chance.uniform(0.5, 2), 3)
        correction = Correction(start_s, end_s, chance.choice(EMOTIONS), again=saved % 3 == 2)
        if thinking:
            await person.look(start_s, end_s)
            thought = LEAST_THOUGHT_S + chance.expovariate(1 / (MEAN_THOUGHT_S - LEAST_THOUGHT_S))
            await asyncio.sleep(thought if saved else chance.uniform(0, MEAN_THOUGHT_S))
        begun = time.perf_counter()
        if begun > until:
            return
        try:
            await person.correct(correction)
        except (Refused, httpx.HTTPError):
            done.refused += 1
            continue
        done.took.append(time.perf_counter() - begun)
        saved += 1
        if thinking:
            await person.go_on()
