"""The studio that is tormented: its process, its disk, its clock."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from app.incoming import LOCK
from benchmarks.disk import Disk
from benchmarks.saving.servers import free_port, running

ROOT = Path(__file__).resolve().parents[2]
CLOCK = Path(__file__).with_name("clock.c")
HURRIED = "benchmarks.soak.hurried"
#: What the first start may take, in which the demo clips are analysed, seconds.
PATIENCE_S = 1800


class Studio:
    """The studio that is tormented: its process, its disk, its clock."""

    def __init__(self, place: Path, disk: Disk | None) -> None:
        self.home = disk.folder if disk else place / "home"
        self.home.mkdir(exist_ok=True)
        self.temporary, self.clock = place / "tmp", place / "clock"
        self.temporary.mkdir()
        self.clock.write_text("0")
        self.moved = _compiled(place / "clock.so")
        self.disk, self.port, self.log = disk, free_port(), place / "app.log"
        self.url = f"http://127.0.0.1:{self.port}"
        self._open = ExitStack()

    def start(self) -> None:
        """Start it and wait until it answers."""
        env = {**os.environ, "STF2M_HOME": str(self.home), "STF2M_MODE": "studio", "TMPDIR": str(self.temporary)}
        env |= {"GRADIO_SERVER_PORT": str(self.port)}
        env.pop("STF2M_DATABASE_URL", None)
        if self.moved:
            env |= {"LD_PRELOAD": str(self.moved), "SHIFTED_CLOCK": str(self.clock)}
        log = self.log.with_name(f"app{time.monotonic():.0f}.log")
        self._open.enter_context(
            running([sys.executable, "-m", HURRIED], self.url, folder=ROOT, log=log, env=env, patience_s=PATIENCE_S)
        )
        self.log = log
        self.process = next(each for each in _processes() if _is(each, HURRIED, f"STF2M_HOME={self.home}"))

    def kill(self) -> None:
        """Kill it as a power cut does."""
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        self._open.close()

    def children(self) -> list[int]:
        """The numbers of all processes that it started, and they."""
        parents = {each: _parent(each) for each in _processes()}
        found = [self.process]
        for each in found:
            found += [child for child, parent in parents.items() if parent == each]
        return found[1:]

    def size(self) -> tuple[float, int, int, int]:
        """Memory of the process in MB, its threads, its open files, and temporary files."""
        status = Path(f"/proc/{self.process}/status").read_text()
        told = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
        left = [*self.temporary.rglob("*"), *(self.home / "incoming").rglob("*")]
        files = len(list(Path(f"/proc/{self.process}/fd").iterdir()))
        return (
            int(told["VmRSS"]) * 1024 / 1e6,
            int(told["Threads"]),
            files,
            len([each for each in left if each.is_file() and each.suffix != LOCK]),
        )

    def health(self) -> str:
        """What /healthz says."""
        answer = httpx.get(f"{self.url}/healthz", timeout=60).json()
        return "; ".join(f"{name}: {answer[name]}" for name in ("database", "disk"))


def _compiled(library: Path) -> Path | None:
    """What moves the clock of a program, where it can be made."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, CLOCK], check=True)
    return library


def _processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _is(process: int, *marks: str) -> bool:
    try:
        told = Path(f"/proc/{process}/cmdline").read_bytes() + b"\0" + Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False
    return all(mark.encode() in told.split(b"\0") for mark in marks)
