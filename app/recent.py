"""Values that take a while to make and are asked for again: the most recently used ones stay in memory."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """Values made at first use, each by one thread while the others go on.

    All together they weigh ``most`` and no more, by what ``weigh`` says of each: bytes, where clips of an hour need a
    thousand times what short ones do; where nothing is said, each counts as one. The one used last always stays.
    """

    def __init__(self, most: float, weigh: Callable[[Value], float] = lambda value: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._weight = 0.0
        self._lock = threading.RLock()
        self._making: dict[Key, threading.RLock] = {}

    def get_or_make(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of a key, made where it is not there; what ``make`` raises is raised, and it is tried again."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            making = self._making.setdefault(key, threading.RLock())
        with making:
            with self._lock:
                if key in self._values:
                    return self._values[key]
            try:
                value = make()
                self._keep(key, value)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            return value

    def forget(self, which: Callable[[Key], bool]) -> None:
        """Drop the values of those keys."""
        with self._lock:
            for key in [key for key in self._values if which(key)]:
                self._weight -= self._weigh(self._values.pop(key))

    def _keep(self, key: Key, value: Value) -> None:
        with self._lock:
            self.forget(lambda each: each == key)  # what another thread made where it was forgotten meanwhile
            self._values[key] = value
            self._weight += self._weigh(value)
            while self._weight > self._most and len(self._values) > 1:
                _, oldest = self._values.popitem(last=False)
                self._weight -= self._weigh(oldest)
