"""Jobs in several processes, with a progress bar for each that runs.

What a job has found is kept in the cache until anything changes on which it depends, so that a run that is killed goes
on where it stopped.
"""

import ast
import hashlib
import multiprocessing
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TaskID

from benchmarks.trials import figure
from stf2m.checkpoint import WEIGHTS
from stf2m.datasets.cache import cache_folder
from stf2m.evaluation import Progress, Result
from stf2m.model import SHIPPED

#: Where there is no terminal for bars, a line says so often what is being done.
SILENCE_S = 30.0


class Work(Protocol):
    """Something to do in another process, which gives results by keys."""

    @property
    def name(self) -> str:
        """For people who wait."""
        ...

    def run(self, share: float, progress: Progress) -> Mapping[Any, Any]:
        """Do it, with this share of the episodes."""
        ...


def results(jobs: Sequence[Work], share: float, processes: int, console: Console) -> dict[Any, Any]:
    """The results of all jobs, which start in their order; a line for each that is done. What fails stops the rest and
    is raised.
    """
    spawn = multiprocessing.get_context("spawn")
    found: dict[Any, Any] = {}
    kept = [file for file in (_kept(job, share) for job in jobs) if file.is_file()]
    for file in kept:
        found |= pickle.loads(file.read_bytes())
    jobs = [job for job in jobs if not _kept(job, share).is_file()]
    if kept:
        console.print(f"{len(kept)} of {len(kept) + len(jobs)} comparisons are known from before.")
    if not jobs:
        return found
    manager = SyncManager(ctx=spawn)
    manager.start(_end_with_parent)
    with (
        manager,
        ProcessPoolExecutor(processes, mp_context=spawn, initializer=_end_with_parent) as pool,
        _bars(console) as bars,
    ):
        told = manager.dict()
        futures = {pool.submit(_run, job, share, number, told): number for number, job in enumerate(jobs)}
        tasks: dict[int, TaskID] = {}
        whole = bars.add_task("all tables", total=len(jobs))
        waiting, said = set(futures), time.perf_counter()
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for number, (part, stage) in dict(told).items():
                    if number not in tasks:
                        tasks[number] = bars.add_task(jobs[number].name, total=1.0)
                    bars.update(tasks[number], completed=part, description=f"{jobs[number].name}: {stage}")
                if not console.is_terminal and time.perf_counter() - said > SILENCE_S:
                    said = time.perf_counter()
                    for number, (part, stage) in dict(told).items():
                        console.print(f"… {jobs[number].name}: {part:.0%} {stage}", highlight=False)
                for future in done:
                    number = futures[future]
                    answers, seconds = future.result()
                    found |= answers
                    told.pop(number, None)
                    if number in tasks:
                        bars.remove_task(tasks.pop(number))
                    bars.advance(whole)
                    console.print(f"{jobs[number].name}, {seconds:.0f} s", highlight=False)
                    for each in answers.values():
                        if isinstance(each, Result):
                            console.print(f"  {each.setting.in_words}: {each.method} {figure(each)}", highlight=False)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _end_with_parent() -> None:
    """In the other process: end when the process that waits for the results has been killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run(
    job: Work, share: float, number: int, told: MutableMapping[int, tuple[float, str]]
) -> tuple[Mapping[Any, Any], float]:
    """In the other process; says how far it is at most twice a second."""
    start = last = time.perf_counter()

    def progress(part: float, stage: str) -> None:
        nonlocal last
        if time.perf_counter() - last > 0.5:
            last = time.perf_counter()
            told[number] = part, stage

    file = _kept(job, share)
    found = job.run(share, progress)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_bytes(pickle.dumps(found))
    partial.replace(file)
    return found, time.perf_counter() - start


def _kept(job: Work, share: float) -> Path:
    """Where the results of a job are kept: another file for any other job, code, recipe, checkpoint or data folder."""
    digest = hashlib.sha256(repr((job, share, os.environ.get("STF2M_DATA"))).encode())
    digest.update((SHIPPED / WEIGHTS).read_bytes())
    for folder in (SHIPPED.parent, Path(__file__).parent):
        for code in sorted(folder.rglob("*.py")):
            digest.update(ast.dump(ast.parse(code.read_text(encoding="utf-8"))).encode())
        for recipe in sorted(folder.rglob("*.toml")):
            digest.update(recipe.read_bytes())
    return cache_folder() / "benchmarks" / f"{digest.hexdigest()[:16]}.pickle"


@contextmanager
def _bars(console: Console) -> Iterator[Bars]:
    with Bars(console=console, transient=True, disable=not console.is_terminal) as bars:
        yield bars
        sys.stdout.flush()
