"""Writers in processes of their own, forked from one warm server: fifty start in a second, and killing one is cheap."""

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import NamedTuple

from annotations import engine
from annotations.records import StoreError
from annotations.store import Store

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["__main__", __name__])


class Saved(NamedTuple):
    """A correction that the store has acknowledged: what its annotation says from then on, and how long it took."""

    annotation_id: int
    version: int
    note: str
    annotator_id: int
    waited_s: float


class Work(NamedTuple):
    """Some people make ``each`` corrections of a clip: two new ones, then a change of the second."""

    url: str
    clip_id: int
    people: tuple[int, ...]
    each: int
    journal: str = "WAL"


class Writer:
    """A process in which every person of its work has a thread."""

    def __init__(self, work: Work):
        self._said, says = _context.Pipe(duplex=False)
        self.process: ForkServerProcess = _context.Process(target=_write, args=(work, says), daemon=True)
        self.process.start()
        says.close()

    def saved(self) -> Iterator[Saved]:
        """What has been acknowledged, as it comes; ends with the process. Raises what went wrong there."""
        while True:
            try:
                said = self._said.recv()
            except (EOFError, OSError):  # the process has ended, or was killed while it said something
                return
            if isinstance(said, Exception):
                raise said
            yield said


def _write(work: Work, says: Connection) -> None:
    engine.journal_mode = lambda path: work.journal
    store = Store(work.url)

    def correct(annotator_id: int) -> None:
        made = None
        for number in range(work.each):
            begun, note = time.perf_counter(), f"{annotator_id}.{number}"
            if number % 3 == 2 and made:
                made = store.change(made.id, made.version, annotator_id, note=note)
            else:
                start_s = number % 20 / 2
                made = store.annotate(work.clip_id, annotator_id, start_s, start_s + 1, {"happy": 1.0}, note=note)
            says.send(Saved(made.id, made.version, note, annotator_id, time.perf_counter() - begun))

    try:
        with ThreadPoolExecutor(len(work.people)) as pool:
            list(pool.map(correct, work.people))
    except StoreError as error:
        says.send(error)
