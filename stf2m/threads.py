"""One thread for small matrices: a second one waits more than it works, on a busy machine by a factor of fifty.

It also makes results independent of how many threads the program around it uses, to the last bit.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch uses one thread inside; also a decorator. Afterwards it uses as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
