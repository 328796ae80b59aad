"""``python -m tests.guards [--fast] [WORDS …]``: take the studio's guards away and see that a test notices each.

Each change of :mod:`tests.guards.known`, of those whose description has the WORDS, is made in a copy of the repository
of its own; the tests named there are run and must fail. Without a change they must pass, which is looked at before.

``--fast`` is for after all tests, which have passed then: it leaves out that look, and the guards whose tests need a
browser.
"""

import importlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.guards.known import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[2]
#: What is not needed to run tests, or is the same for all. What is compiled already stays so in a copy.
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".pytest_cache", ".hypothesis", "data", ".ruff_cache", "build")
#: What takes longest to import, and belongs to others: imported once, for all.
BEFORE = (
    "gradio", "torch", "pandas", "safetensors.torch", "sqlalchemy.orm", "alembic.command", "plotly.graph_objects", "av",
    "scipy.signal", "sklearn.cluster", "hypothesis", "httpx", "prometheus_client", "pydantic_settings",
)  # fmt: skip
AT_ONCE = 2
#: Tests that go on for so long without their guard have noticed, seconds.
PATIENCE_S = 300


def main(words: list[str]) -> int:
    """Try all, say what was noticed; the exit code is 1 where something was not."""
    fast = "--fast" in words
    chosen = [
        each
        for each in GUARDS
        if all(word in each.what for word in words if word != "--fast") and not (fast and each.needs_browser)
    ]
    if gone := [each for each in chosen if each.text not in (ROOT / each.file).read_text(encoding="utf-8")]:
        print("\n".join(f"NOT FOUND in {each.file}: {each.what}" for each in gone))
        return 1
    for name in BEFORE:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        if not fast and _code(_started(Path(folder, "whole"), None, chosen)) != 0:
            print((Path(folder, "whole") / "log").read_text(errors="replace")[-4000:])
            print("The tests do not pass with all guards in place.")
            return 1
        unnoticed = _unnoticed(Path(folder), chosen)
    print(f"{len(chosen) - unnoticed} of {len(chosen)} guards that were taken away were noticed by a test.")
    return bool(unnoticed)


def _unnoticed(folder: Path, chosen: list[Guard]) -> int:
    """How many were not, told one by one; two are tried at once."""
    waiting, running, found = list(enumerate(chosen)), dict[int, tuple[Guard, Path, float]](), 0
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number, guard = waiting.pop(0)
            copy = folder / f"{number}"
            running[_started(copy, guard, [guard])] = guard, copy, time.monotonic()
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            for late, (_, _, begun) in running.items():
                if time.monotonic() - begun > PATIENCE_S:
                    os.kill(late, 9)
            time.sleep(0.05)
            continue
        guard, copy, begun = running.pop(process)
        code = os.waitstatus_to_exitcode(status)
        said = {1: "noticed", 0: "NOT NOTICED", -9: "noticed, the tests did not end,"}.get(code, "COULD NOT BE TRIED")
        print(f"{said} in {time.monotonic() - begun:.0f} s: {guard.what}", flush=True)
        if code not in (0, 1, -9):
            print((copy / "log").read_text(errors="replace")[-4000:], flush=True)
        found += code not in (1, -9)
        shutil.rmtree(copy)
    return found


def _started(copy: Path, guard: Guard | None, tested: list[Guard]) -> int:
    """The number of a process that runs the tests in a copy from which a guard is taken away.

    A copy of this process has imported already what takes longest, and nothing of the studio.
    """
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    if guard:
        file = copy / guard.file
        file.write_text(file.read_text(encoding="utf-8").replace(guard.text, guard.instead), encoding="utf-8")
    sys.stdout.flush()
    if process := os.fork():
        return process
    code = 4
    try:
        with (copy / "log").open("w") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        os.chdir(copy)
        sys.path[:] = [f"{copy}", *(each for each in sys.path if Path(each or ".").resolve() != ROOT)]
        for name in [each for each in sys.modules if each.partition(".")[0] == "tests"]:
            del sys.modules[name]
        tests = sorted({test for each in tested for test in each.tests})
        code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", f"--basetemp={copy / 'tmp'}", *tests]))
    finally:
        os._exit(code)


def _code(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
