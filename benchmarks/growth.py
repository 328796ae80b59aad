"""Whether the memory of a studio is flat: what it has in the last third of a run, beside the middle third."""

import statistics
from collections.abc import Sequence
from typing import TypeVar

#: In the first third pages, models and caches are filled for the first time. What is kept for good of every page, label
#: or video goes on growing after that: one twentieth in three minutes is more than double within the hour. Videos that
#: happen to be analysed move a mean, too, so that less than this says nothing.
MOST = 0.05
#: Of a shorter run the thirds say more of single videos than of what is kept.
LEAST_MINUTES = 10.0

Size = TypeVar("Size")


def thirds(sizes: Sequence[Size]) -> tuple[Sequence[Size], Sequence[Size], Sequence[Size]]:
    """The first, the middle and the last third of what was measured at even intervals."""
    third = max(1, len(sizes) // 3)
    return sizes[:third], sizes[third:-third] or sizes, sizes[-third:]


def of(memory: Sequence[float]) -> float:
    """By what share the mean of the last third is above that of the middle third."""
    _, middle, last = thirds(memory)
    return statistics.mean(last) / statistics.mean(middle) - 1


def flat(memory: Sequence[float], minutes: float) -> bool | None:
    """Whether it grew by less than :data:`MOST`; None where the run was too short to tell."""
    return of(memory) < MOST if minutes >= LEAST_MINUTES else None


def told(memory: Sequence[float], minutes: float) -> str:
    """The same in a sentence."""
    verdict = {True: "**flat**", False: "**not flat**", None: f"not judged in less than {LEAST_MINUTES:g} minutes"}
    return (
        f"{verdict[flat(memory, minutes)]}: {100 * of(memory):+.1f} % from the middle third to the last, "
        f"less than {100 * MOST:g} % is flat"
    )
