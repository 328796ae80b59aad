"""Locks whose waiters come in the order in which they asked; others let a busy writer overtake for ever.

SQLite itself lets writers try again and again, and one who is unlucky gives up after a while with "database is locked".
So writers queue before they ask SQLite for anything: those of all processes where the system has a lock for it (Linux),
else those of one process.
"""

import os
import struct
import threading
from collections import deque
from pathlib import Path
from typing import Literal

try:
    import fcntl

    _WAIT = fcntl.F_OFD_SETLKW
except (ImportError, AttributeError):  # Windows and macOS have no locks that belong to an open file
    fcntl = _WAIT = None

#: The byte that is locked to draw a number; those below it are the bytes of the numbers.
_NUMBERS = 2**62


class Turns:
    """``with turns:`` runs alone in this process; those who wait are served first come, first served."""

    def __init__(self):
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Event()
            self._waiting.append(mine)
        try:
            mine.wait()
        except BaseException:
            self._leave(mine)
            raise

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._pass_on()

    def _leave(self, mine: threading.Event) -> None:
        """An interrupted waiter goes, and passes its turn on where it has just got it."""
        with self._guard:
            if mine.is_set():
                self._pass_on()
            else:
                self._waiting.remove(mine)

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._taken = False


class SharedTurns:
    """``with turns:`` runs alone on this machine among all that share a file; first come, first served.

    Whoever comes draws a number and locks the byte at that place of the file until it is done; it waits until the
    bytes of all earlier numbers are free. The system frees those of a process that ends, however it ends.
    """

    def __init__(self, file: Path):
        """Raises ``OSError`` where the system or the disk under ``file`` has no such locks."""
        self._file = file
        self._mine = -1
        with self:
            pass

    def __enter__(self) -> None:
        mine = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            number = _draw(mine)
            if number:
                _lock(mine, "shared", number - 1)  # nearly always enough, and who ends wakes nobody but the next
                _lock(mine, "shared", 0, number)
        except BaseException:
            os.close(mine)
            raise
        self._mine = mine

    def __exit__(self, *_: object) -> None:
        os.close(self._mine)  # and with it go its locks


def queue(file: Path) -> Turns | SharedTurns:
    """Turns among all processes that share ``file``, or those of this process alone where nothing else works."""
    try:
        return SharedTurns(file)
    except OSError:
        return Turns()


def _draw(mine: int) -> int:
    """The next number, kept in the file, with its byte locked."""
    _lock(mine, "alone", _NUMBERS)
    number = int.from_bytes(os.pread(mine, 8, 0), "little") % _NUMBERS
    os.pwrite(mine, (number + 1).to_bytes(8, "little"), 0)
    _lock(mine, "alone", number)
    _lock(mine, "free", _NUMBERS)
    return number


def _lock(file: int, kind: Literal["alone", "shared", "free"], start: int, length: int = 1) -> None:
    """Lock bytes for this open file, which need not exist, waiting for others. Raises ``OSError`` where it cannot."""
    if fcntl is None or _WAIT is None:
        raise OSError("This system has no locks that belong to an open file.")
    kinds = {"alone": fcntl.F_WRLCK, "shared": fcntl.F_RDLCK, "free": fcntl.F_UNLCK}
    fcntl.fcntl(file, _WAIT, struct.pack("hhqqi", kinds[kind], os.SEEK_SET, start, length, 0))
