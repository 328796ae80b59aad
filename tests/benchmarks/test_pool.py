import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stf2m.evaluation import Progress

ROOT = Path(__file__).parents[2]
START = """
from pathlib import Path
from rich.console import Console
from benchmarks.pool import results
from tests.benchmarks.test_pool import Waiting
results([Waiting(Path({file!r}))], 1.0, 1, Console())
"""


@dataclass(frozen=True)
class Waiting:
    """Says which process it runs in, and takes longer than anybody waits."""

    file: Path
    name = "waiting"

    def run(self, share: float, progress: Progress) -> Mapping[Any, Any]:
        self.file.with_suffix(".partial").write_text(str(os.getpid()))
        self.file.with_suffix(".partial").rename(self.file)
        time.sleep(600)
        return {}


def wait_for(true) -> bool:
    until = time.monotonic() + 120
    while time.monotonic() < until and not true():
        time.sleep(0.1)
    return true()


def living(group: int) -> list[int]:
    """The processes of a group, less those that are over and only wait for somebody to ask how they ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, their_group = stat.read_text().rpartition(")")[2].split()[:3]
            found += [int(stat.parent.name)] if int(their_group) == group and state != "Z" else []
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's list of processes")
def test_the_processes_of_a_run_that_is_killed_end_with_it(tmp_path: Path) -> None:
    file = tmp_path / "process"
    command = [sys.executable, "-c", START.format(file=str(file))]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        assert wait_for(file.exists)
        assert {run.pid, int(file.read_text())} < set(living(run.pid))
    finally:
        run.kill()
        run.wait()
    assert wait_for(lambda: not living(run.pid))
