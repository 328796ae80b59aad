import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from benchmarks.saving.__main__ import _figures
from benchmarks.saving.people import Correction, Refused, Work, work
from benchmarks.saving.servers import DoesNotRun, free_port, running


class Quick:
    """Somebody whose server takes 20 ms and refuses every fifth correction."""

    duration_s = 26.0

    def __init__(self):
        self.opened, self.asked = False, list[Correction]()

    #: How many of them wait for an answer now, and did at most.
    waiting = most = 0

    async def open(self) -> None:
        self.opened = True

    async def look(self, start_s: float, end_s: float) -> None:
        raise AssertionError("who does not think does not look")

    async def correct(self, correction: Correction) -> None:
        assert self.opened
        self.asked.append(correction)
        Quick.waiting += 1
        Quick.most = max(Quick.most, Quick.waiting)
        await asyncio.sleep(0.02)
        Quick.waiting -= 1
        if len(self.asked) % 5 == 0:
            raise Refused("no")

    async def go_on(self) -> None:
        raise AssertionError("who does not think goes on at once")


def _run(work: Coroutine[Any, Any, Work]) -> Work:
    """In a thread of its own: other tests' browsers leave an event loop in this one."""
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()


def test_people_work_at_once_alike_every_time_and_only_what_is_acknowledged_counts():
    crowd = [Quick() for _ in range(5)]
    done = _run(work(crowd, 0.5, thinking=False, seed=3))
    asked = sum(len(each.asked) for each in crowd)
    assert Quick.most == 5, "they work at once, not one after another"
    assert (len(done.took), done.refused) == (asked - done.refused, sum(len(each.asked) // 5 for each in crowd))
    assert min(done.took) >= 0.019
    again = [Quick() for _ in range(5)]
    _run(work(again, 0.3, thinking=False, seed=3))
    for one, other in zip(again, crowd, strict=True):
        shorter = min(len(one.asked), len(other.asked))
        assert one.asked[:shorter] == other.asked[:shorter] != []
    assert len({each.asked[0] for each in crowd}) == 5
    for correction in crowd[0].asked:
        assert 0 <= correction.start_s < correction.end_s <= 26


def test_the_figures_are_percentiles_in_milliseconds():
    took = [each / 1000 for each in np.random.default_rng(0).permutation(np.arange(1, 102))]
    assert _figures(Work(10.0, took, 2)) == ("101", "10.1", "51 ms", "96 ms", "100 ms", "101 ms", "2")
    assert _figures(Work(10.0)) == ("0", "0.0", "–", "–", "–", "–", "0")


def test_a_program_that_does_not_answer_says_why(tmp_path):
    url = f"http://127.0.0.1:{free_port()}"
    command = ["python3", "-c", "raise SystemExit('no memory left')"]
    with (
        pytest.raises(DoesNotRun, match="python3 did not start to answer: no memory left"),
        running(command, url, folder=tmp_path, log=tmp_path / "log", env={"PATH": "/usr/bin:/bin"}, patience_s=20),
    ):
        pass
