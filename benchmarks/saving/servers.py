"""Programs that answer on a port of this machine while they are needed."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class DoesNotRun(Exception):  # noqa: N818 - what happened
    """A program did not come to answer; the message says why."""


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str | Path], url: str, *, folder: Path, log: Path, env: Mapping[str, str], patience_s: float
) -> Iterator[None]:
    """Run a program in ``folder`` until the block ends, which begins when ``url`` answers.

    Raises :class:`DoesNotRun` where the program ends or ``patience_s`` are over before.
    """
    with log.open("w") as told:
        program = subprocess.Popen([*map(str, command)], cwd=folder, env=dict(env), stdout=told, stderr=told)
    try:
        until = time.monotonic() + patience_s
        while not _answers(url):
            if program.poll() is not None or time.monotonic() > until:
                last = log.read_text("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
                raise DoesNotRun(f"{Path(command[0]).name} did not start to answer: {last[0]}")
            time.sleep(0.05)
        yield
    finally:
        program.terminate()
        program.wait(30)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
