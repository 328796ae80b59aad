"""``python -m benchmarks.saving``: the figures of ``benchmarks/SAVING.md``, from the real programs, in one run.

Needs Chromium; installs Label Studio into a virtual environment of its own where it is not there.
"""

import asyncio
import os
import platform
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

import numpy as np
import typer
from rich.console import Console

from benchmarks.machine import by_others, cores_taken
from benchmarks.report import Table, write_page
from benchmarks.saving import browser, label_studio, studio
from benchmarks.saving.people import LEAST_THOUGHT_S, MEAN_THOUGHT_S, Person, Work, work
from benchmarks.saving.servers import DoesNotRun

RESULTS = Path(__file__).parents[1] / "SAVING.md"
#: As in the sentence that the figures are for.
PEOPLE, SECONDS, PRESSES, SEED = 20, 60.0, 30, 0

ABOUT = """# How fast a correction is saved

Made by `python -m benchmarks.saving`: {people} people at work at once for {seconds:.0f} s, seed {seed}, on {cores}
cores ({machine}), which servers, people and browser share; {others:.0%} of them was taken by other programs meanwhile.

{tables}

- *Thinking*: before each correction everybody selects a stretch and thinks for at least {least} s, {mean} s on average,
  which is fast. *Not thinking*: everybody sends the next correction as soon as the last one is acknowledged, which is
  more than people can do, and shows how many the server takes.
- Times are from the request until the whole answer that acknowledges the correction is there, over HTTP connections
  that are kept open. *Not saved*: requests that were not acknowledged. Afterwards the database is asked what it holds;
  *lost* is what was acknowledged and is not there.
- The studio is `python app.py` with SQLite, at its first start, everybody on one of its demo clips, by the calls of its
  page: the model's reasons for the selected stretch, the correction, the counts, the clip's card in the queue.
- Label Studio is what pip installs and `label-studio start` serves, with SQLite, on the same machine in the same run:
  as many clients with the same corrections and pauses, on as many videos, `TimelineLabels`, by its REST API. Its editor
  keeps all of a person's segments on a video in one annotation, so each correction sends all of them.
- *Shown as saved*: one more annotator, in Chromium, while the others work with pauses, after all have opened their
  pages and made the first half a thousand corrections: from the press of an emotion's key until the bar of the page
  says "saved ✓" again.
"""


Somebody = TypeVar("Somebody", bound=Person)


class Program(Protocol[Somebody]):
    """A program that people work with."""

    def people(self, number: int, what: str) -> Sequence[Somebody]:
        """So many people, each with a page of their own."""
        ...

    def lost(self, people: Sequence[Somebody]) -> int:
        """How much of what was acknowledged to them is not there."""
        ...


def main(
    people: Annotated[int, typer.Option(min=1, help="How many work at once.")] = PEOPLE,
    seconds: Annotated[
        float, typer.Option(min=1, help=f"How long; shorter than {SECONDS:.0f} is printed, not written down.")
    ] = SECONDS,
) -> None:
    """Let people work with the studio and with Label Studio, print the tables and write them down."""
    console, begun = Console(), cores_taken()
    rows, notes = [], []
    with tempfile.TemporaryDirectory() as made:
        console.print("The studio analyses its demo clips …")
        with studio.started(Path(made)) as ours:
            rows.append(_row("the studio", ours, people, seconds, console, thinking=True))
            shown = _shown(ours, people, seconds, notes)
            rows.append(_row("the studio", ours, people, seconds, console, thinking=False))
            durations = [clip.duration_s for clip in ours.clips]
        try:
            with ExitStack() as running:
                console.print("Label Studio starts …")
                theirs = running.enter_context(label_studio.started(Path(made), durations))
                name = f"Label Studio {label_studio.install()}"
                rows += [_row(name, theirs, people, seconds, console, thinking=each) for each in (True, False)]
        except DoesNotRun as error:
            notes.append(str(error))
    header = ("with", "people", "corrections", "a second", "p50", "p95", "p99", "slowest", "not saved", "lost")
    tables = [
        Table("From request to acknowledged answer", " ".join(notes), header, tuple(rows)),
        Table("Shown as saved", "", ("with", "presses", "p50", "p95", "slowest"), tuple(shown)),
    ]
    for table in tables:
        console.print(table.terminal)
    for note in notes:
        console.print(note)
    if people == PEOPLE and seconds >= SECONDS:
        write_page(RESULTS, _text(tables, people, seconds, by_others(begun, cores_taken())))
        console.print(f"Written to {RESULTS}.")


def _row(
    name: str, program: Program[Somebody], people: int, seconds: float, console: Console, *, thinking: bool
) -> tuple[str, ...]:
    how = "thinking" if thinking else "not thinking"
    console.print(f"{people} people work with {name}, {how} …")
    crowd = program.people(people, how)
    done = asyncio.run(work(crowd, seconds, thinking=thinking, seed=SEED))
    return (name, how, *_figures(done), str(program.lost(crowd)))


def _figures(done: Work) -> tuple[str, ...]:
    count = len(done.took)
    return str(count), f"{count / done.seconds:.1f}", *_milliseconds(done.took, (50, 95, 99, 100)), str(done.refused)


def _shown(ours: studio.Studio, people: int, seconds: float, notes: list[str]) -> list[tuple[str, ...]]:
    """Presses in a browser while people work, who have all opened their pages before."""
    crowd, opened = ours.people(people, "beside the browser"), threading.Event()
    with ThreadPoolExecutor(1) as aside:
        at_work = work(crowd, max(seconds, 2.0 * PRESSES), thinking=True, seed=SEED + 1, opened=opened)
        working = aside.submit(asyncio.run, at_work)
        opened.wait(300)
        try:
            took = browser.shown_as_saved(ours.url, ours.clips[0].id, PRESSES, SEED)
        except DoesNotRun as error:
            notes.append(str(error))
            return []
        finally:
            working.result()
    return [("the studio", str(len(took)), *_milliseconds(took, (50, 95, 100)))]


def _milliseconds(took: Sequence[float], percentiles: Sequence[int]) -> tuple[str, ...]:
    return tuple(f"{1000 * np.percentile(took, each):.0f} ms" if took else "–" for each in percentiles)


def _text(tables: Sequence[Table], people: int, seconds: float, others: float) -> str:
    return ABOUT.format(
        people=people,
        seconds=seconds,
        seed=SEED,
        cores=os.cpu_count(),
        machine=platform.machine(),
        others=others,
        tables="\n\n".join(table.markdown for table in tables),
        least=LEAST_THOUGHT_S,
        mean=MEAN_THOUGHT_S,
    )


if __name__ == "__main__":
    typer.run(main)
