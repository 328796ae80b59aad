"""What goes wrong, one after the other; what people are told meanwhile is noted under its name."""

import asyncio
import os
import signal
import sqlite3
from contextlib import suppress

import httpx

from benchmarks.disk import Disk
from benchmarks.soak.people import Annotator, Seen
from benchmarks.soak.tormented import Studio


async def killed_worker(studio: Studio, who: Annotator, seen: Seen) -> None:
    """Every process that the studio started is killed while a video is decoded."""
    seen.fault = "the worker that decodes is killed"
    adding = asyncio.create_task(who.add_video())
    for _ in range(20):
        await asyncio.sleep(0.1)
        for each in studio.children():
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
    with suppress(httpx.HTTPError, KeyError, ValueError):
        await adding
    seen.fault = "the next video after that"
    await who.add_video()
    seen.tell(f"/healthz: {studio.health()}")


async def locked(studio: Studio, who: Annotator, seen: Seen) -> None:
    """Another program keeps the database for itself."""
    seen.fault = "another program keeps the database locked for 40 s"
    with sqlite3.connect(studio.home / "studio.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(40)
        other.execute("ROLLBACK")
    other.close()


async def clock(studio: Studio, who: Annotator, seen: Seen) -> None:
    """The clock goes back."""
    seen.fault = "the clock goes back two hours"
    if not studio.moved:
        seen.tell("not tried: there is no C compiler here")
        return
    before = seen.done["corrections"]
    studio.clock.write_text("-7200")
    await asyncio.sleep(15)
    await who.add_video()
    seen.tell(f"nothing; {seen.done['corrections'] - before} corrections meanwhile, each acknowledged")


async def full(studio: Studio, who: Annotator, seen: Seen) -> None:
    """The disk takes no more for a while."""
    seen.fault = "the disk is full"
    if not studio.disk:
        seen.tell("not tried: only root can make a small disk")
        return
    with studio.disk.full():
        await who.add_video()
        seen.tell(f"/healthz: {studio.health()}")
        await asyncio.sleep(10)


async def read_only(studio: Studio, disk: Disk, seen: Seen) -> None:
    """The disk fails while somebody works, so that it can only be read."""
    who = Annotator(studio.url, 0, seen)
    await who.load()
    said = {"start_s": 1.0, "end_s": 2.0, "degrees": {"happy": 1.0}, "note": "on a disk that fails"}
    disk.fail()
    seen.tell(f"/healthz: {studio.health()}")
    for name in ("correct", "adapt"):
        more = {"clip": who.clips[0]["id"], **said} if name == "correct" else {"study": 1}
        answer = await who.ask("timeline", name, annotator=who.annotator, **more)
        seen.tell(answer.get("refused", f"{name} answered {answer}"))
    await who.add_video()
    opened = await who.ask("timeline", "open", clip=who.clips[0]["id"], annotator=who.annotator)
    seen.tell("clips are still shown" if "timeline" in opened else opened.get("refused", f"{opened}"))
    await who.close()
