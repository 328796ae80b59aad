"""Memory that is free goes back to the system: a studio that runs for weeks needs as much as its work does, not more.

Of glibc's own accord every thread that computes would keep a heap of its own, and numbers of a moment stay in it.
"""

import ctypes
import sys

#: Parameters of glibc's ``mallopt``, https://man7.org/linux/man-pages/man3/mallopt.3.html.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
#: So many heaps at most; what is larger than this is given back as soon as it is free, bytes.
HEAPS, LARGE = 2, 2**20


def give_back() -> bool:
    """Set it for this process, before it starts threads; False where the C library is another."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_ARENA_MAX, HEAPS), (_MMAP_THRESHOLD, LARGE), (_TRIM_THRESHOLD, LARGE))
    return all(mallopt(parameter, value) == 1 for parameter, value in wanted)
