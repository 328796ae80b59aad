"""A lock whose waiters come in the order in which they asked; Python's own lets a busy thread overtake for ever."""

import threading
from collections import deque


class Turns:
    """``with turns:`` runs alone; those who wait are served first come, first served."""

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
