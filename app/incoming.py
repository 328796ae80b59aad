"""Where files come in: a folder of this process's own, so that what a killed one has left is known and goes."""

import shutil
import uuid
from pathlib import Path

from filelock import FileLock, Timeout

#: Beside each folder; who works in the folder holds this lock, and the system gives it back when they are killed.
LOCK = ".lock"


class Incoming:
    """A new folder in ``root``, which the processes of a studio share; those that nobody works in any more go."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        with _lock(root / "start"):  # else a folder that is just being made would be taken for one that was left
            for each in root.iterdir():
                if each.is_dir():
                    _remove_left(each)
            self.folder = root / uuid.uuid4().hex
            self._held = _lock(self.folder)
            self._held.acquire()
            self.folder.mkdir()

    def close(self) -> None:
        """Nobody works in it any more: whatever is in it goes at the next start."""
        self._held.release()


def _remove_left(folder: Path) -> None:
    try:
        with _lock(folder).acquire(blocking=False):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:  # another process is at work
        return
    folder.with_suffix(LOCK).unlink(missing_ok=True)


def _lock(folder: Path) -> FileLock:
    return FileLock(folder.with_suffix(LOCK), thread_local=False)
