"""Answers that many ask for at once and that take long: computed once for all of them, never from before they asked."""

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Together(Generic[Answer]):
    """One computation at a time for each question; all who ask while it runs share the next one."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)
        self._next: dict[Hashable, Future[Answer]] = {}

    def ask(self, question: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer of a computation that began after this was asked. Raises what ``compute`` raises."""
        with self._guard:
            running, mine = self._running[question], self._next.get(question)
            first = mine is None
            if mine is None:
                mine = self._next[question] = Future()
        if first:
            with running:
                with self._guard:
                    del self._next[question]  # who asks from now on gets a newer answer
                try:
                    mine.set_result(compute())
                except BaseException as error:
                    mine.set_exception(error)
        return mine.result()
