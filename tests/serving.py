"""A studio that is served by this process, for tests that look into it or prepare it beforehand."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from app.serving import Served, serve
from app.settings import Settings


@contextmanager
def serving(settings: Settings) -> Iterator[Served]:
    """A server on a free port. The demo clips are not made where the home has a file ``demo-is-there``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    served = serve(settings, server_port=port, quiet=True)
    yield served
    served.page.close()
    served.studio.store.close()
