"""Memory that is free goes back to the system: a studio that runs for weeks needs as much as its work does, not more.

Of glibc's own accord every thread that computes would keep a heap of its own, numbers of a moment stay in it, and what
is free between things that live on would be held.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache

from app.regularly import keep_doing

#: Parameters of glibc's ``mallopt``, https://man7.org/linux/man-pages/man3/mallopt.3.html.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
#: So many heaps at most; what is larger than this is given back as soon as it is free, bytes.
HEAPS, LARGE = 2, 2**20
#: What is smaller and free is given back so often, seconds.
EVERY_S = 20.0


def give_back() -> bool:
    """Set it for this process, before it starts threads; False where the C library is another."""
    mallopt = _function("mallopt")
    if mallopt is None:
        return False
    wanted = ((_ARENA_MAX, HEAPS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, LARGE))
    return all(mallopt(parameter, value) == 1 for parameter, value in wanted)


def give_back_now() -> bool:
    """Give back all that is free at this moment, holes too; False where the C library is another."""
    trim = _function("malloc_trim")  # https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    return trim is not None and bool(trim(0))


def keep_giving_back() -> None:
    """Do so from time to time for as long as the program runs."""
    if _function("malloc_trim") is not None:
        keep_doing("Giving back memory", EVERY_S, give_back_now)


@lru_cache
def _function(name: str) -> Callable[..., int] | None:
    """A function of glibc, None where the C library is another."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL("libc.so.6"), name)
    except (OSError, AttributeError):
        return None
