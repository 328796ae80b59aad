"""Two hours of a studio's life in ten minutes, with all that goes wrong: ``python -m benchmarks.soak``.

Writes SOAK.md. Annotators correct, adapt, look, add videos, load the page again and close it in the
middle of work, each at twelve times a person's pace. Meanwhile the worker that decodes videos is killed, another
program keeps the database locked, the clock goes back two hours, the disk is full, the disk fails and is read-
only, and in the end the studio is killed. What it says each time is in the table. Every correction that was
acknowledged is looked for in the database afterwards; memory, threads, open files and temporary files are counted
all the time. The exit code is 1 where a correction is lost, or where memory grew (see growth.py).

The disk is a file with an ext4 file system of its own, mounted in a view that only this program has, so it needs root;
the clock is moved by clock.c, for which it needs a C compiler. What cannot be had is left out, and the table says so.
"""

import asyncio
import os
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks import growth
from benchmarks.disk import Disk
from benchmarks.report import write_page
from benchmarks.soak import faults
from benchmarks.soak.people import Annotator, Seen
from benchmarks.soak.telling import lost, memory, told
from benchmarks.soak.tormented import Studio

TOLD = Path(__file__).parents[1] / "SOAK.md"
#: So many people, and MB of the disk.
PEOPLE, DISK_MB = 4, 400


def main(
    minutes: Annotated[float, typer.Option(min=1.0, help="How long, without the starts.")] = 10.0,
    out: Annotated[Path, typer.Option(help="Where the figures are written.")] = TOLD,
    apart: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Torment a studio of its own, and tell what came of it."""
    rooted = os.geteuid() == 0 and bool(shutil.which("unshare") and shutil.which("mkfs.ext4"))
    if rooted and not apart:
        command = [sys.executable, "-m", "benchmarks.soak", "--apart", "--minutes", str(minutes), "--out", str(out)]
        os.execvp("unshare", ["unshare", "--mount", *command])
    with TemporaryDirectory(prefix="soak-") as name, ExitStack() as stack:
        disk = stack.enter_context(Disk.made(Path(name), DISK_MB)) if rooted else None
        studio, seen = Studio(Path(name), disk), Seen()
        studio.start()
        try:
            asyncio.run(_live(studio, seen, 60 * minutes))
            seen.fault = "the disk fails: it can only be read"
            if disk:
                asyncio.run(faults.read_only(studio, disk, seen))
            studio.kill()
            if disk:
                disk.repair()
            studio.start()
            missing = lost(studio, seen)
        finally:
            studio.kill()
        write_page(out, told(seen, PEOPLE, missing, minutes))
    typer.echo(out.read_text(encoding="utf-8"))
    if missing or growth.flat(memory(seen), minutes) is False:
        raise typer.Exit(1)


async def _live(studio: Studio, seen: Seen, seconds: float) -> None:
    people = [Annotator(studio.url, number, seen) for number in range(1, PEOPLE + 1)]
    for each in people:
        await each.load()
    begun = time.monotonic()
    measuring = asyncio.create_task(_measure(studio, seen, begun))
    working = [asyncio.create_task(each.work(begun + seconds)) for each in people]
    plan = [(0.2, faults.killed_worker), (0.35, faults.locked), (0.55, faults.clock), (0.7, faults.full)]
    for share, fault in plan:
        await asyncio.sleep(max(0.0, begun + share * seconds - time.monotonic()))
        await fault(studio, people[0], seen)
        seen.fault = ""
    await asyncio.gather(*working)
    measuring.cancel()
    for each in people:
        await each.close()


async def _measure(studio: Studio, seen: Seen, begun: float) -> None:
    while True:
        seen.sizes.append((time.monotonic() - begun, *studio.size()))
        await asyncio.sleep(2)


if __name__ == "__main__":
    typer.run(main)
