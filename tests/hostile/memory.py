"""How much memory the studio and the processes that decode for it take, while one file is dealt with."""

import contextlib
import re
import threading
import time
from pathlib import Path

from stf2m import sandbox


class Peak(threading.Thread):
    """The most memory since :meth:`begin`, MiB: of this process, and of any one process that decodes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.decoder = 0.0

    @property
    def studio(self) -> float:
        """The most memory of this process."""
        return _most("self")

    def begin(self) -> None:
        """Forget what was before (Linux resets the mark of a process by ``clear_refs``)."""
        self.decoder = 0.0
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")

    def run(self) -> None:
        """Look at the processes that decode twenty times a second."""
        while True:
            nursery = sandbox._nursery._process
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{nursery.pid}/task/{nursery.pid}/children").read_text() if nursery else ""
                self.decoder = max([self.decoder, *map(_most, children.split())])
            time.sleep(0.05)


def _most(process: str) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
