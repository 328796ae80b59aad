"""Work that is done again and again for as long as the program runs."""

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


def keep_doing(what: str, every_s: float, work: Callable[[], object]) -> None:
    """Do it now and every so many seconds, in a thread of its own; a failure is logged and it is tried again."""

    def again() -> None:
        while True:
            try:
                work()
            except Exception:
                log.exception("%s failed", what)
            time.sleep(every_s)

    threading.Thread(target=again, name=what, daemon=True).start()
