"""Long work in the background: it shows progress, can be cancelled, and goes on when the tab is closed."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from annotations.records import StoreError
from stf2m.weights import Progress

State = Literal["waiting", "running", "done", "failed", "cancelled"]
log = logging.getLogger(__name__)
_RUN = f"{time.time():.0f}"


class CancelledError(Exception):
    """Raised inside the work when a person cancelled it."""


class PlainError(ValueError):
    """An error whose message is one sentence for people; ``there`` is the id of what was there already, if so."""

    there: int | None = None


def plainly(error: OSError | StoreError) -> str:
    """What the disk or the database said, without its number and without a path: "no space left on device"."""
    said = error.strerror if isinstance(error, OSError) else None
    said = (said or str(error) or type(error).__name__).rstrip(".")
    return said[:1].lower() + said[1:]


@dataclass
class Job:
    """One piece of long work. ``progress`` runs from 0 to 1; ``error`` is a sentence for people.

    ``result`` is the id of what it made; of a failed one, the id of what was there already.
    """

    id: int
    group: int
    name: str
    state: State = "waiting"
    stage: str = "Waiting for its turn"
    progress: float = 0.0
    error: str = ""
    result: int | None = None
    started: float | None = None
    _cancel: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def key(self) -> str:
        """A name that no job of an earlier run of the studio has."""
        return f"{_RUN}-{self.id}"

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._cancel.is_set()

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def eta_s(self) -> float | None:
        """Seconds left, as far as the pace so far tells; None before there is a pace."""
        if self.state != "running" or self.started is None or self.progress < 0.05:
            return None
        return (time.monotonic() - self.started) * (1 - self.progress) / self.progress


class Line:
    """A queue of long work with one worker: clips are analysed one after the other, each with all cores."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="studio-job")
        self._waiting: list[Job] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How much runs or waits."""
        with self._lock:
            return len(self._waiting)

    def join(self, job: Job, run: Callable[[], None]) -> None:
        """Run it when its turn comes; until then its stage says how many are before it."""
        with self._lock:
            self._waiting.append(job)
            self._tell()
        self._pool.submit(self._run, job, run)

    def _run(self, job: Job, run: Callable[[], None]) -> None:
        try:
            run()
        finally:
            with self._lock:
                self._waiting.remove(job)
                self._tell()

    def _tell(self) -> None:
        before = 0
        for job in self._waiting:
            if job.state == "waiting" and before:
                job.stage = f"Waiting for its turn: {before} before it"
            before += not job.cancelled


class Jobs:
    """The long work of one studio, in a line that it may share with others."""

    def __init__(self, line: Line | None = None) -> None:
        self.line = Line() if line is None else line
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def submit(
        self, group: int, name: str, work: Callable[[Progress], int], clear_up: Callable[[], object] = lambda: None
    ) -> Job:
        """Queue ``work``; it gets a progress function and returns the id of what it made.

        ``clear_up`` is called before the job says that it has ended, also where it was cancelled before its turn.
        """
        with self._lock:
            job = Job(id=len(self._jobs) + 1, group=group, name=name)
            self._jobs[job.id] = job
        self.line.join(job, lambda: self._run(job, work, clear_up))
        return job

    def of(self, group: int) -> list[Job]:
        """All jobs of a group, oldest first."""
        with self._lock:
            return [job for job in self._jobs.values() if job.group == group]

    def get(self, job_id: int) -> Job:
        """One job. Raises ``KeyError`` for an unknown id."""
        with self._lock:
            return self._jobs[job_id]

    def cancel(self, job_id: int) -> None:
        """Ask a job to stop; it does so at its next sign of progress."""
        self.get(job_id)._cancel.set()

    def stop(self) -> bool:
        """Ask everything to stop; returns whether nothing runs any more."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job._cancel.set()
        return not any(job.state == "running" for job in jobs)

    def _run(self, job: Job, work: Callable[[Progress], int], clear_up: Callable[[], object]) -> None:
        def progress(share: float, stage: str) -> None:
            if job._cancel.is_set():
                raise CancelledError
            job.progress, job.stage = min(max(share, job.progress), 1.0), stage

        job.state, job.started = "running", time.monotonic()
        try:
            try:
                progress(0.0, "Starting")
                job.result = work(progress)
            finally:
                clear_up()
            job.state, job.progress, job.stage = "done", 1.0, "Done"
        except CancelledError:
            job.state, job.stage = "cancelled", "Cancelled"
        except PlainError as error:
            job.state, job.error, job.result = "failed", str(error), error.there
        except (OSError, StoreError) as error:
            log.exception("The analysis of %s failed", job.name)
            job.state, job.error = "failed", f"{job.name} was not added: {plainly(error)}."
        except Exception:
            log.exception("The analysis of %s failed", job.name)
            job.state, job.error = "failed", f"{job.name} could not be analysed because of an error in the studio."
