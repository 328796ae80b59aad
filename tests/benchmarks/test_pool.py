import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_processes_of_a_run_that_is_killed_end_with_it(tmp_path: Path) -> None:
    file = tmp_path / "process"
    run = subprocess.Popen([sys.executable, "-c", START.format(file=str(file))], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        assert wait_for(file.exists)
        worker = int(file.read_text())
        assert runs(worker)
    finally:
        run.kill()
        run.wait()
    assert wait_for(lambda: not runs(worker))
