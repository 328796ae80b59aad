"""``python -m tests.guards [WORDS …]``: take the studio's guards away, one at a time, and see that a test notices.

A copy of the repository gets each change of :mod:`tests.guards.known` in turn, those whose description has the WORDS;
the tests named there are run and must fail. Without the change they must pass, which is looked at once before.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.guards.known import GUARDS, Guard

ROOT = Path(__file__).resolve().parents[2]
#: What is not needed to run tests, or is the same for all.
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".pytest_cache", ".hypothesis", "data", ".ruff_cache")


def main(words: list[str]) -> int:
    """Try all, say what was noticed; the exit code is 1 where something was not."""
    chosen = [each for each in GUARDS if all(word in each.what for word in words)]
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = Path(shutil.copytree(ROOT, Path(folder, "copy"), ignore=LEFT_OUT))
        if not _passes(copy, sorted({test for each in chosen for test in each.tests})):
            print("The tests do not pass with all guards in place.")
            return 1
        unnoticed = [each for each in chosen if not _noticed(copy, each)]
    print(f"{len(chosen) - len(unnoticed)} of {len(chosen)} guards that were taken away were noticed by a test.")
    return bool(unnoticed)


def _noticed(copy: Path, guard: Guard) -> bool:
    file, begun = copy / guard.file, time.monotonic()
    whole = file.read_text(encoding="utf-8")
    if guard.text not in whole:
        print(f"NOT FOUND in {guard.file}: {guard.what}", flush=True)
        return False
    file.write_text(whole.replace(guard.text, guard.instead), encoding="utf-8")
    noticed = not _passes(copy, guard.tests)
    file.write_text(whole, encoding="utf-8")
    print(f"{'noticed' if noticed else 'NOT NOTICED'} in {time.monotonic() - begun:.0f} s: {guard.what}", flush=True)
    return noticed


def _passes(copy: Path, tests: list[str] | tuple[str, ...]) -> bool:
    """Whether tests pass; raises where they cannot even be collected, which would pass for being noticed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
