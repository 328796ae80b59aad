"""Work on bytes that nobody vouches for, in a process of its own with limits.

A decoder that crashes, loops for ever or asks for all the memory then costs one file its answer, not the program its
life. The other process may write no file (unless it is told how much), gets no environment that could hold secrets, and
answers in numbers and arrays alone, so that nothing it says is ever executed here. It does not keep a decoder that
somebody has taken over away from the files of this user.

Every call has a process of its own, so that what one file broke no other file meets. It is a copy of one that has read
the libraries once and does nothing but copy itself (:mod:`stf2m.sandboxed`), which takes milliseconds. Where there is
no ``fork`` (Windows) the work is done in the program itself.
"""

import atexit
import contextlib
import json
import math
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import astuple, dataclass
from multiprocessing import ProcessError
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stf2m.containers import MediaError

#: What goes to the nursery, and what comes from it.
REQUEST, ANSWER = struct.Struct("!5si"), struct.Struct("!i")
#: What a sandboxed generator yields: a time in the clip, seconds, and an array that belongs there, if any.
Item = tuple[float, NDArray[Any] | None]

_CONTENT = {"item": 2, "end": 1, "refused": 1, "memory": 1, "disk": 2, "failed": 1}  # and so many values with each
_LARGEST = 2**28  # bytes of one array
_LONGEST = 2**20  # bytes of one message in words
_KINDS = {"|u1": np.uint8, "<f4": np.float32}
#: Said instead of an array's form where it is the very array of the item before, which is not sent again.
AGAIN = "again"
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
_START = "import sys; sys.path[:] = sys.argv[2:]; from stf2m import sandboxed; sandboxed.nurse(int(sys.argv[1]))"


@dataclass(frozen=True)
class Limits:
    """What one call may use. Processor time is ``cpu_s`` and ``cpu_per_s`` more for each second of the clip given out.

    ``silence_s`` is how long it may take to the next item, waiting included; ``written_bytes`` the largest file.
    """

    memory_bytes: int = 3 * 2**30
    cpu_s: float = 120.0
    cpu_per_s: float = 10.0
    silence_s: float = 300.0
    written_bytes: int = 0


def call(function: Callable[..., Any], path: Path, *args: Any, limits: Limits = Limits()) -> Any:
    """What ``function(path, *args)`` returns, plain JSON values, from another process. Raises as :func:`stream`."""
    work = stream(function, path, *args, limits=limits)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def stream(
    function: Callable[..., Any], path: Path, *args: Any, limits: Limits = Limits()
) -> Generator[Item, None, Any]:
    """What the generator ``function(path, *args)`` of a module yields and returns, from another process.

    The process is given up as soon as the stream is closed. Raises :class:`~stf2m.containers.MediaError`, in one
    sentence with the file's name, for what the function refuses and for a file that crashes its decoder or goes
    beyond a limit, and ``OSError`` where the disk is at fault. An array that is yielded again comes only once.
    """
    path = Path(os.path.abspath(path))
    if os.name != "posix":
        work = function(path, *args)
        return (yield from work) if isinstance(work, Iterator) else work
    try:
        worker = _Worker(_nursery)
    except OSError as error:
        raise MediaError(f"{path.name} cannot be read: no other process can be started ({error}).") from error
    try:
        worker.ask(function, path, args, limits)
        end = yield from worker.answers(limits.silence_s)
    except (EOFError, OSError) as error:
        raise MediaError(f"{path.name} {worker.fate(error)}.") from error
    finally:
        worker.end()
    if end[0] != "end":
        raise _failed(path, end)
    return end[1]


def warm() -> None:
    """Begin to read the libraries that the first call will need, so that they are there by then."""
    if os.name == "posix":
        _nursery.start()


def _failed(path: Path, end: list[Any]) -> Exception:
    if end[0] == "disk":
        return OSError(int(end[1]), str(end[2]))
    if end[0] == "refused":
        return MediaError(str(end[1]))
    sentence = "needs too much memory to be decoded" if end[0] == "memory" else "is damaged so that it cannot be read"
    error = MediaError(f"{path.name} {sentence}.")
    error.__cause__ = RuntimeError(end[1])
    return error


class _Nursery:
    """The process that copies itself: a worker a call. It ends when this program does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def start(self) -> socket.socket:
        """The line to it; it is started where it does not run."""
        with self._lock:
            if self._line is None or self._process is None or self._process.poll() is not None:
                self._line, theirs = socket.socketpair()
                environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, "-I", "-c", _START, str(theirs.fileno()), *sys.path],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                        # A decoder's threads would each claim address space, which is what the limit counts.
                        env={**environment, "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"},
                    )
            return self._line

    def worker(self, line: int) -> tuple[int, socket.socket]:
        """A new process that answers on ``line``: its number, and the line to the nursery that made it, where alone the
        number means something. Where the nursery was killed, another takes its place. Raises ``OSError``.
        """
        born = self.start()
        try:
            number = self._ask(born, b"start", 0, [line])
        except ConnectionError:
            born = self.start()
            number = self._ask(born, b"start", 0, [line])
        if number <= 0:
            raise OSError(-number, os.strerror(-number))
        return number, born

    def outcome(self, worker: int, born: socket.socket) -> int:
        """How a process ended whose line is closed: the number of a signal below 0. Raises ``ConnectionError`` where
        the nursery that made it is gone.
        """
        return self._ask(born, b"await", worker, [])

    def kill(self, worker: int, born: socket.socket) -> None:
        """End a process and forget it. Raises as :meth:`outcome`."""
        self._ask(born, b"kill ", worker, [])

    def close(self) -> None:
        """End the process; those that it made end with their lines."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._process is not None and self._line is not None:
            self._line.close()
            self._process.kill()
            self._process.wait()
        self._process = self._line = None

    def _ask(self, line: socket.socket, what: bytes, worker: int, lines: list[int]) -> int:
        """Raises ``ConnectionError`` where the nursery at this line is gone; :meth:`start` then makes another."""
        with self._lock:
            answer = b""
            if self._line is line:
                with contextlib.suppress(OSError):
                    socket.send_fds(line, [REQUEST.pack(what, worker)], lines)
                    answer = line.recv(ANSWER.size, socket.MSG_WAITALL)
                if len(answer) < ANSWER.size:
                    self._end()
        if len(answer) < ANSWER.size:
            raise ConnectionResetError("the process that starts others has ended")
        return ANSWER.unpack(answer)[0]


class _GarbledError(OSError):
    """What came from another process makes no sense."""


class _Worker:
    """The process of one call and the line to it."""

    def __init__(self, nursery: _Nursery) -> None:
        self._line, theirs = Pipe()
        self._nursery, self._ended = nursery, False
        try:
            with theirs:
                self._number, self._born = nursery.worker(theirs.fileno())
        except BaseException:
            self._line.close()
            raise

    def ask(self, function: Callable[..., Any], path: Path, args: tuple[Any, ...], limits: Limits) -> None:
        """Begin the call. Raises ``OSError`` when the process is gone."""
        self._line.send((function, path, args, astuple(limits)))

    def answers(self, silence_s: float) -> Generator[Item, None, list[Any]]:
        """What comes until the end of the call. Raises ``EOFError`` or ``OSError`` when the process ends before."""
        array: NDArray[Any] | None = None
        while (message := self._message(silence_s))[0] == "item":
            array = array if message[2] == AGAIN else self._array(message[2], silence_s)
            yield float(message[1]), array
        return message

    def fate(self, error: EOFError | OSError) -> str:
        """Why the process does not answer, for people."""
        if isinstance(error, TimeoutError):
            return "takes too long to decode"
        if isinstance(error, _GarbledError):
            return "makes the decoder crash: it is damaged, or made to do harm"
        self._ended = True
        try:
            outcome = self._nursery.outcome(self._number, self._born)
        except ConnectionError:
            return "was being decoded when the decoder was ended from outside; try it again"
        if -outcome == signal.SIGXCPU:
            return "takes too long to decode"
        if -outcome == signal.SIGKILL:
            return "needs too much memory to be decoded"
        return "makes the decoder crash: it is damaged, or made to do harm"

    def end(self) -> None:
        """End the process, whatever it does."""
        self._line.close()
        if not self._ended:
            self._ended = True
            with contextlib.suppress(OSError):
                self._nursery.kill(self._number, self._born)

    def _message(self, silence_s: float) -> list[Any]:
        """What a call says; the process may be one whose memory a file has overwritten, so it is not believed."""
        self._wait(silence_s)
        try:
            kind, *content = json.loads(self._line.recv_bytes(_LONGEST))
        except ValueError as error:
            raise _GarbledError from error
        if kind not in _CONTENT or len(content) != _CONTENT[kind]:
            raise _GarbledError
        return [kind, *content]

    def _array(self, form: Any, silence_s: float) -> NDArray[Any] | None:
        if form is None:
            return None
        try:
            kind, shape = np.dtype(_KINDS[form[0]]), tuple(int(side) for side in form[1])
            content = bytearray(kind.itemsize * min(math.prod(shape), _LARGEST))
            self._wait(silence_s)
            self._line.recv_bytes_into(content)
            return np.frombuffer(content, kind).reshape(shape)
        except (ValueError, LookupError, TypeError, ProcessError) as error:
            raise _GarbledError from error

    def _wait(self, silence_s: float) -> None:
        if not self._line.poll(silence_s):
            raise TimeoutError


_nursery = _Nursery()
atexit.register(_nursery.close)


def _part() -> None:
    """A copy of this program by ``fork`` shares the line to the nursery, and must not use it."""
    global _nursery
    _nursery = _Nursery()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_part)
