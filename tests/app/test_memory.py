import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Eight threads take 24 MB each, twice, and let all go but a little that was taken last.
WORK = """
import sys, threading
from pathlib import Path
from app import memory

def now():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

def work(kept, all_there):
    for _ in range(2):
        pieces = [bytearray(3_000_000) for _ in range(8)]
        kept.append(bytearray(50_000))
        all_there.wait()
        del pieces

assert memory.give_back()
before, kept, all_there = now(), [], threading.Barrier(8)
threads = [threading.Thread(target=work, args=(kept, all_there)) for _ in range(8)]
for each in threads:
    each.start()
for each in threads:
    each.join()
print(now() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is Linux's")
def test_what_threads_let_go_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 40, "nearly all of it is the system's again"


#: Many small things of which every hundredth lives on.
HOLES = """
from pathlib import Path
from app import memory

def now():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

assert memory.give_back()
before = now()
pieces = [bytearray(10_000) for _ in range(20_000)]
kept = pieces[::100]
del pieces
full = now()
assert memory.give_back_now()
print(full - before, now() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator is Linux's")
def test_holes_are_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    held, left = map(float, done.stdout.split())
    assert held > 100, "without asking nearly all of it is held"
    assert left < 30
