"""A decoder that crashes, loops, hangs or eats memory costs one file a sentence, and nothing else."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stf2m import decoding, media, sandbox
from stf2m.media import MediaError
from stf2m.sandbox import Limits
from tests.media_files import Tone, clock, write

CLIP = Path("clip.mp4")


def aborts(path: Path) -> None:
    os.abort()


def reads_nowhere(path: Path) -> None:
    ctypes.string_at(0)


def loops(path: Path) -> None:
    while True:
        pass


def hangs(path: Path) -> None:
    time.sleep(600)


def hoards(path: Path) -> int:
    return len(bytearray(2**31))


def hoards_in_c(path: Path) -> None:
    """As a library without a check for its allocation does."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    ctypes.memset(libc.malloc(ctypes.c_size_t(2**31)) or 0, 1, 2**31)


def has_a_bug(path: Path) -> None:
    raise IndexError("list index out of range")


def refuses(path: Path) -> None:
    raise MediaError(f"{path.name} is empty.")


def writes(path: Path, size: int) -> None:
    path.write_bytes(bytes(size))


def sees(path: Path, name: str) -> bool:
    return name in os.environ


def who(path: Path) -> int:
    return os.getpid()


def tells_who(path: Path) -> Iterator[tuple[float, None]]:
    yield os.getpid(), None
    time.sleep(600)


def counts(path: Path, pause_s: float) -> Iterator[tuple[float, np.ndarray]]:
    for step in range(1000):
        time.sleep(pause_s)
        yield step / 10, np.full((2, 3), step, np.float32)


def works(path: Path, seconds: float) -> Iterator[tuple[float, None]]:
    """A second and a half of a processor after what belongs at ``seconds`` of the clip."""
    yield seconds, None
    began = time.process_time()
    while time.process_time() - began < 1.5:
        pass


def repeats(path: Path) -> Iterator[tuple[float, np.ndarray | None]]:
    one, other = np.zeros((480, 640, 3), np.uint8), np.ones((480, 640, 3), np.uint8)
    for step, array in enumerate([one, one, other, None, other, *[one] * 20_000]):
        yield step / 10, array


def sends_nonsense(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    yield 0.0, np.zeros(3, "O")


@pytest.mark.parametrize(
    ("work", "limits", "reason"),
    [
        (aborts, Limits(), "makes the decoder crash: it is damaged, or made to do harm"),
        (reads_nowhere, Limits(), "makes the decoder crash: it is damaged, or made to do harm"),
        (loops, Limits(cpu_s=0.1), "takes too long to decode"),
        (hangs, Limits(silence_s=0.3), "takes too long to decode"),
        (hoards, Limits(memory_bytes=2**30), "needs too much memory to be decoded"),
        (hoards_in_c, Limits(memory_bytes=2**30), "makes the decoder crash: it is damaged, or made to do harm"),
        (has_a_bug, Limits(), "is damaged so that it cannot be read"),
        (refuses, Limits(), "is empty"),
        (sends_nonsense, Limits(), "makes the decoder crash: it is damaged, or made to do harm"),
    ],
)
def test_whatever_a_file_does_to_its_decoder_is_one_sentence(
    work: Callable[..., object], limits: Limits, reason: str
) -> None:
    with pytest.raises(MediaError) as refused:
        sandbox.call(work, CLIP, limits=limits)
    assert str(refused.value) == f"clip.mp4 {reason}."
    assert sandbox.call(who, CLIP) > 0


def test_every_call_has_a_process_of_its_own_that_ends() -> None:
    numbers = {sandbox.call(who, CLIP) for _ in range(3)}
    assert len(numbers | {os.getpid()}) == 4
    deadline = time.monotonic() + 30
    while any(_runs(number) for number in numbers) and time.monotonic() < deadline:
        sandbox.call(who, CLIP)
    assert not any(_runs(number) for number in numbers)


def test_items_come_as_they_are_made_and_a_closed_stream_ends_its_process() -> None:
    before = _children()
    items = sandbox.stream(counts, CLIP, 0.01)
    assert [next(items)[0] for _ in range(3)] == [0.0, 0.1, 0.2]
    time_s, array = next(items)
    assert time_s == 0.3
    np.testing.assert_array_equal(array, np.full((2, 3), 3, np.float32))
    mine = _children() - before
    assert mine
    items.close()
    deadline = time.monotonic() + 30
    while _children() & mine and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _children() & mine


def test_an_array_that_is_yielded_again_is_not_sent_again() -> None:
    """20,000 pictures would be 18 GB."""
    began = time.monotonic()
    given = [array for _, array in sandbox.stream(repeats, CLIP)]
    assert time.monotonic() - began < 20
    assert given[3] is None
    assert [int(array[0, 0, 0]) for array in given[:5] if array is not None] == [0, 0, 1, 1]
    assert given[1] is given[0]
    assert len(given) == 20_005
    assert all(array is given[5] for array in given[5:])


def test_time_in_the_clip_buys_processor_time() -> None:
    """A long clip may use more than a short one that goes nowhere."""
    few = Limits(cpu_s=0.1, cpu_per_s=1)
    assert sandbox.call(works, CLIP, 5.0, limits=few) is None
    with pytest.raises(MediaError, match="takes too long"):
        sandbox.call(works, CLIP, 0.0, limits=few)


def test_nothing_is_written_unless_it_is_told_how_much(tmp_path: Path) -> None:
    target = tmp_path / "copy.mp4"
    with pytest.raises(MediaError):
        sandbox.call(writes, target, 1)
    assert not target.stat().st_size
    sandbox.call(writes, target, 1000, limits=Limits(written_bytes=1000))
    assert target.stat().st_size == 1000


def test_secrets_of_the_environment_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from pathlib import Path; from stf2m import sandbox; from tests.stf2m.test_sandbox import sees; "
        "print(sandbox.call(sees, Path('x'), 'STF2M_DATABASE_URL'), sandbox.call(sees, Path('x'), 'PATH'))"
    )
    environment = {**os.environ, "STF2M_DATABASE_URL": "postgresql://studio:secret@db/studio", "PYTHONPATH": "."}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_a_disk_that_is_full_is_not_the_files_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as error:
        sandbox.call(writes, Path("/dev/full"), 2**20, limits=Limits(written_bytes=2**21))
    assert not isinstance(error.value, MediaError)


def test_calls_from_many_threads_do_not_mix() -> None:
    found: dict[int, list[float]] = {}

    def work(number: int) -> None:
        found[number] = [each for each, _ in sandbox.stream(counts, CLIP, 0.0)][number::100]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [step / 10 for step in range(number, 1000, 100)] for number in range(4)}


def test_a_nursery_that_was_killed_is_started_again() -> None:
    sandbox.call(who, CLIP)
    process = sandbox._nursery._process
    assert process is not None
    process.kill()
    process.wait()
    assert sandbox.call(who, CLIP) > 0


def test_a_nursery_whose_end_was_not_noticed_yet_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.call(who, CLIP)
    process = sandbox._nursery._process
    assert process is not None
    process.kill()
    process.wait()
    monkeypatch.setattr(process, "poll", lambda: None)
    assert sandbox.call(who, CLIP) > 0
    assert sandbox._nursery._process is not process


def test_a_decoder_that_ends_with_its_nursery_is_not_the_files_fault() -> None:
    items = sandbox.stream(tells_who, CLIP)
    number, _ = next(items)
    process = sandbox._nursery._process
    assert process is not None
    process.kill()
    process.wait()
    os.kill(int(number), signal.SIGKILL)
    with pytest.raises(MediaError) as told:
        next(items)
    assert str(told.value) == "clip.mp4 was being decoded when the decoder was ended from outside; try it again."
    assert sandbox.call(who, CLIP) > 0


def test_a_call_of_a_nursery_that_is_gone_does_no_harm_to_the_next_ones() -> None:
    orphan = sandbox.stream(counts, CLIP, 0.01)
    next(orphan)
    process = sandbox._nursery._process
    assert process is not None
    process.kill()
    process.wait()
    others = sandbox.stream(counts, CLIP, 0.0)
    next(others)
    nursery = sandbox._nursery._process
    orphan.close()
    assert len(list(others)) == 999
    assert sandbox.call(who, CLIP) > 0
    assert sandbox._nursery._process is nursery


def test_a_program_that_copies_itself_asks_a_nursery_of_its_own() -> None:
    code = (
        "import os; from pathlib import Path; from stf2m import sandbox; from tests.stf2m.test_sandbox import who\n"
        "sandbox.call(who, Path('x')); parts = os.fork(); print(sandbox.call(who, Path('x')) > 0, flush=True)\n"
        "parts and os.waitpid(parts, 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_the_same_pictures_and_sound_come_out_of_the_sandbox(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.mp4", clock(1.0), Tone(1.0))
    for here, there in (
        (decoding.frames(path), media.frames(path)),
        (decoding.sound(path), media.sound(path)),
    ):
        for (at, wanted), (time_s, found) in zip(here, there, strict=True):
            assert at == time_s
            np.testing.assert_array_equal(wanted, found)
            assert found.flags.writeable


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _children() -> set[str]:
    """The processes of the nursery; some of other tests may still be on their way out."""
    sandbox.call(who, CLIP)
    process = sandbox._nursery._process
    assert process is not None
    return set(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
