"""What else this machine does while something is timed on it."""

import os
from pathlib import Path

#: Seconds since the start of the machine, and of its cores' work in all, and for this program and its children.
Taken = tuple[float, float, float]


def cores_taken() -> Taken:
    """What the cores have done up to now."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    working = sum(ticks) - ticks[3] - ticks[4]  # all but idle and waiting for disks
    own = os.times()
    return own.elapsed, working / os.sysconf("SC_CLK_TCK"), sum(own[:4])


def by_others(begun: Taken, ended: Taken) -> float:
    """The share of the cores that other programs took between two moments."""
    seconds, taken, own = (after - before for before, after in zip(begun, ended, strict=True))
    return max(taken - own, 0.0) / (seconds * (os.cpu_count() or 1))
