"""Stretches of a clip, in seconds: as if drawn with a pen, so that what overlaps counts once."""

from collections.abc import Iterable

Stretch = tuple[float, float]


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same seconds as stretches that neither overlap nor touch, by time."""
    whole: list[Stretch] = []
    for start_s, end_s in sorted(stretches):
        if whole and start_s <= whole[-1][1] + 1e-6:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end_s))
        else:
            whole.append((start_s, end_s))
    return whole


def covered(stretches: Iterable[Stretch], within: Stretch = (0.0, float("inf"))) -> float:
    """How many seconds the stretches cover, of all or of those ``within`` one stretch."""
    first, last = within
    return sum(max(0.0, min(end_s, last) - max(start_s, first)) for start_s, end_s in joined(stretches))
