"""Two hours of a studio's life in ten minutes, with all that goes wrong: ``python -m benchmarks.soak``.

Writes SOAK.md beside it. Annotators correct, adapt, look, add videos, load the page again and close it in the
middle of work, each at twelve times a person's pace. Meanwhile the worker that decodes videos is killed, another
program keeps the database locked, the clock goes back two hours, the disk is full, the disk fails and is read-
only, and in the end the studio is killed. What it says each time is in the table. Every correction that was
acknowledged is looked for in the database afterwards; memory, threads, open files and temporary files are counted
all the time.

The disk is a file with an ext4 file system of its own, mounted in a view that only this program has, so it needs root;
the clock is moved by clock.c, for which it needs a C compiler. What cannot be had is left out, and the table says so.
"""

import asyncio
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import typer

from annotations.store import Store
from app.demo import DEMOS
from benchmarks.by_hand import Page
from benchmarks.disk import Disk
from benchmarks.report import write_page
from benchmarks.saving.servers import free_port, running

ROOT = Path(__file__).resolve().parents[1]
TOLD = Path(__file__).with_name("SOAK.md")
CLOCK = Path(__file__).with_name("clock.c")
EMOTIONS = ("angry", "calm", "happy", "neutral", "sad", "surprised")
#: So many people; each thinks so long between two things, on average: a twelfth of ten seconds.
PEOPLE, THOUGHT_S = 4, 10 / 12
#: What the first start may take, in which the demo clips are analysed, seconds.
PATIENCE_S = 1800
#: What the names of videos begin with that are added and taken out again.
ADDED = "video of"
#: The page tries again after so long, seconds.
AGAIN_S = 2.0
DISK_MB = 400


@dataclass
class Seen:
    """What happened: corrections by their note, what was said when something was wrong, and the studio's size."""

    kept: dict[str, dict[str, float]] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    said: dict[str, Counter[str]] = field(default_factory=dict)
    sizes: list[tuple[float, float, int, int, int]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    fault: str = ""

    def tell(self, sentence: str) -> None:
        """A sentence that somebody was shown, under what was wrong just then."""
        shorter = re.sub(r"/\S*/soak-[^/\s]+/(disk/)?", "", sentence)  # where the disk happened to be this time
        self.said.setdefault(self.fault or "nothing", Counter())[shorter] += 1


class Annotator(Page):
    """Somebody at work, whose page sends again what was not acknowledged."""

    def __init__(self, url: str, number: int, seen: Seen) -> None:
        super().__init__(url, f"annotator {number}")
        self._seen = seen
        self._number = 0
        self._chance = random.Random(number)

    async def work(self, until: float) -> None:
        """Do what annotators do, in no order, until then."""
        acts: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (20, self._correct), (4, self._look), (1, self._adapt), (1, self.add_video), (2, self.load),
            (1, self._close),
        ]  # fmt: skip
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.expovariate(1 / THOUGHT_S))
            act = self._chance.choices([each for _, each in acts], [weight for weight, _ in acts])[0]
            try:
                await act()
            except (httpx.HTTPError, KeyError, ValueError) as error:
                self._seen.failures.append(f"{act.__name__.strip('_')}: {type(error).__name__} {error}"[:160])
                await asyncio.sleep(AGAIN_S)

    async def _correct(self) -> None:
        """A correction, sent until it is acknowledged."""
        clip = self._chance.choice(self.clips)
        self._number += 1
        note = f"{self.person}, {self._number}"
        start_s = round(self._chance.uniform(0, clip["duration_s"] - 2.1), 3)
        degrees = {self._chance.choice(EMOTIONS): 1.0}
        said = {"start_s": start_s, "end_s": round(start_s + 1.5, 3), "degrees": degrees, "note": note}
        while True:
            answer: dict[str, Any] = {}
            with suppress(httpx.HTTPError):
                answer = await self.ask("timeline", "correct", clip=clip["id"], annotator=self.annotator, **said)
            if "annotation" in answer:
                break
            self._seen.tell(answer.get("refused", "no answer, the page tries again"))
            await asyncio.sleep(AGAIN_S)
        self._seen.kept[note] = degrees
        self._seen.done["corrections"] += 1

    async def _look(self) -> None:
        clip = self._chance.choice(self.clips)
        await self.ask("timeline", "open", clip=clip["id"], annotator=self.annotator)
        await self.get(f"/clip/{clip['id']}", headers={"Range": "bytes=0-65535"})
        self._seen.done["clips opened"] += 1

    async def _adapt(self) -> None:
        answer = await self.ask("timeline", "adapt", study=1, annotator=self.annotator)
        if "report" in answer:
            self._seen.done["adaptations"] += 1
        else:
            self._seen.tell(answer.get("refused", f"{answer}"))

    async def add_video(self) -> None:
        """Add a small video that nobody has added, and wait for what becomes of it; then take it out again."""
        content = DEMOS[-1].path.read_bytes() + os.urandom(8)
        answer = await self.add(f"{ADDED} {self.person}.mp4", content)
        if "job" not in answer:
            self._seen.tell(answer.get("refused", f"{answer}"))
            return
        while True:
            jobs = (await self.ask("queue", "jobs", study=1, annotator=self.annotator))["jobs"]
            job = next(each for each in jobs if each["key"] == answer["key"])
            if job["state"] not in ("waiting", "running"):
                break
            await asyncio.sleep(0.5)
        if job["state"] == "done":
            await self.ask("queue", "remove", clips=[job["clip"]], annotator=self.annotator)
            self._seen.done["videos added and taken out"] += 1
        else:
            self._seen.tell(job["error"])

    async def load(self) -> None:
        """Load the page; only clips that stay are worked on."""
        await self.open()
        self.clips = [each for each in self.clips if not each["name"].startswith(ADDED)]
        self._seen.done["page loads"] += 1

    async def _close(self) -> None:
        """Close the tab in the middle of an upload and of an adaptation, and come again."""
        tasks = [asyncio.create_task(each) for each in (self._half_an_upload(), self._adapt())]
        await asyncio.sleep(self._chance.uniform(0.0, 0.2))
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.load()
        self._seen.done["tabs closed in the middle of work"] += 1

    async def _half_an_upload(self) -> None:
        told = json.loads(await self.post("/upload", json={"study": 1, "name": "half.mp4", "size": 2**20}))

        async def slowly() -> AsyncIterator[bytes]:
            yield bytes(2**16)
            await asyncio.sleep(60)

        await self.web.post(f"/upload/{told['token']}", content=slowly())


class Studio:
    """The studio that is tormented: its process, its disk, its clock."""

    def __init__(self, place: Path, disk: Disk | None) -> None:
        self.home = disk.folder if disk else place / "home"
        self.home.mkdir(exist_ok=True)
        self.temporary, self.clock = place / "tmp", place / "clock"
        self.temporary.mkdir()
        self.clock.write_text("0")
        self.moved = _compiled(place / "clock.so")
        self.disk, self.port, self.log = disk, free_port(), place / "app.log"
        self.url = f"http://127.0.0.1:{self.port}"
        self._open = ExitStack()

    def start(self) -> None:
        """Start it and wait until it answers."""
        env = {**os.environ, "STF2M_HOME": str(self.home), "STF2M_MODE": "studio", "TMPDIR": str(self.temporary)}
        env |= {"GRADIO_SERVER_PORT": str(self.port)}
        env.pop("STF2M_DATABASE_URL", None)
        if self.moved:
            env |= {"LD_PRELOAD": str(self.moved), "SHIFTED_CLOCK": str(self.clock)}
        log = self.log.with_name(f"app{time.monotonic():.0f}.log")
        self._open.enter_context(
            running([sys.executable, "app.py"], self.url, folder=ROOT, log=log, env=env, patience_s=PATIENCE_S)
        )
        self.log = log
        self.process = next(each for each in _processes() if _is(each, "app.py", f"STF2M_HOME={self.home}"))

    def kill(self) -> None:
        """Kill it as a power cut does."""
        with suppress(ProcessLookupError):
            os.kill(self.process, signal.SIGKILL)
        self._open.close()

    def children(self) -> list[int]:
        """The numbers of all processes that it started, and they."""
        parents = {each: _parent(each) for each in _processes()}
        found = [self.process]
        for each in found:
            found += [child for child, parent in parents.items() if parent == each]
        return found[1:]

    def size(self) -> tuple[float, int, int, int]:
        """Memory of the process in MB, its threads, its open files, and temporary files."""
        status = Path(f"/proc/{self.process}/status").read_text()
        told = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
        left = [*self.temporary.rglob("*"), *(self.home / "incoming").rglob("*")]
        files = len(list(Path(f"/proc/{self.process}/fd").iterdir()))
        return (
            int(told["VmRSS"]) * 1024 / 1e6,
            int(told["Threads"]),
            files,
            len([each for each in left if each.is_file()]),
        )

    def health(self) -> str:
        """What /healthz says."""
        answer = httpx.get(f"{self.url}/healthz", timeout=60).json()
        return "; ".join(f"{name}: {answer[name]}" for name in ("database", "disk"))


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
                asyncio.run(_read_only(studio, disk, seen))
            studio.kill()
            if disk:
                disk.repair()
            studio.start()
            lost = _lost(studio, seen)
        finally:
            studio.kill()
        write_page(out, _told(studio, seen, lost, minutes))
    typer.echo(out.read_text(encoding="utf-8"))
    if lost:
        raise typer.Exit(1)


async def _live(studio: Studio, seen: Seen, seconds: float) -> None:
    people = [Annotator(studio.url, number, seen) for number in range(1, PEOPLE + 1)]
    for each in people:
        await each.load()
    begun = time.monotonic()
    measuring = asyncio.create_task(_measure(studio, seen, begun))
    working = [asyncio.create_task(each.work(begun + seconds)) for each in people]
    faults = [(0.2, _killed_worker), (0.35, _locked), (0.55, _clock), (0.7, _full)]
    for share, fault in faults:
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


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def _killed_worker(studio: Studio, who: Annotator, seen: Seen) -> None:
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


async def _locked(studio: Studio, who: Annotator, seen: Seen) -> None:
    seen.fault = "another program keeps the database locked for 40 s"
    with sqlite3.connect(studio.home / "studio.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        await asyncio.sleep(40)
        other.execute("ROLLBACK")
    other.close()


async def _clock(studio: Studio, who: Annotator, seen: Seen) -> None:
    seen.fault = "the clock goes back two hours"
    if not studio.moved:
        seen.tell("not tried: there is no C compiler here")
        return
    before = seen.done["corrections"]
    studio.clock.write_text("-7200")
    await asyncio.sleep(15)
    await who.add_video()
    seen.tell(f"nothing; {seen.done['corrections'] - before} corrections meanwhile, each acknowledged")


async def _full(studio: Studio, who: Annotator, seen: Seen) -> None:
    seen.fault = "the disk is full"
    if not studio.disk:
        seen.tell("not tried: only root can make a small disk")
        return
    with studio.disk.full():
        await who.add_video()
        seen.tell(f"/healthz: {studio.health()}")
        await asyncio.sleep(10)


async def _read_only(studio: Studio, disk: Disk, seen: Seen) -> None:
    who = Annotator(studio.url, PEOPLE + 1, seen)
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


# --- what came of it --------------------------------------------------------------------------------------------------


def _lost(studio: Studio, seen: Seen) -> list[str]:
    """Acknowledged corrections that the log does not tell of; later ones may have taken their place on the lane."""
    store = Store(f"sqlite:///{studio.home / 'studio.sqlite3'}")
    told = [each.after for each in store.events(1) if each.entity == "annotation" and each.after]
    store.close()
    there = {each["note"]: each["degrees"] for each in told if each.get("note")}
    return [note for note, degrees in seen.kept.items() if there.get(note) != degrees]


def _told(studio: Studio, seen: Seen, lost: list[str], minutes: float) -> str:
    """The figures as Markdown."""
    third = max(1, len(seen.sizes) // 3)
    growth = [
        f"| {what} | {_mean(seen.sizes[:third], at):.0f} | {_mean(seen.sizes[third:-third], at):.0f} "
        f"| {_mean(seen.sizes[-third:], at):.0f} |"
        for at, what in enumerate(("memory, MB", "threads", "open files", "temporary files"), 1)
    ]
    said = [
        f"| {fault} | {sentence} | {number} |"
        for fault, sentences in seen.said.items()
        if fault != "nothing"
        for sentence, number in sentences.most_common()
    ]
    quiet = "".join(f"\n- {sentence} ({number})" for sentence, number in seen.said.get("nothing", {}).items())
    done = "".join(f"| {what} | {number} |\n" for what, number in seen.done.most_common())
    failed = Counter(each.split(":")[0] for each in seen.failures)
    return (
        "# Two hours in little time\n\nBy `python -m benchmarks.soak`, which says what is done: "
        f"{PEOPLE} people, {minutes:g} minutes at twelve times a person's pace, on {os.cpu_count()} cores.\n\n"
        f"| what | how often |\n| --- | --- |\n{done}| **acknowledged corrections lost** | **{len(lost)}** |\n\n"
        "| of the studio, mean of each third | first | second | last |\n| --- | --- | --- | --- |\n"
        + "\n".join(growth)
        + "\n\n| what goes wrong | what people are told | how often |\n| --- | --- | --- |\n"
        + "\n".join(said)
        + f"\n\nSaid while nothing was wrong:{quiet or ' nothing.'}\n"
        + (f"\nNot answered while something was wrong: {dict(failed)}.\n" if failed else "")
        + "".join(f"\n- lost: {note}" for note in lost[:10])
    )


def _mean(sizes: list[tuple[float, float, int, int, int]], at: int) -> float:
    return statistics.mean(each[at] for each in sizes) if sizes else float("nan")


def _compiled(library: Path) -> Path | None:
    """What moves the clock of a program, where it can be made."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, CLOCK], check=True)
    return library


# --- processes --------------------------------------------------------------------------------------------------------


def _processes() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _is(process: int, *marks: str) -> bool:
    try:
        told = Path(f"/proc/{process}/cmdline").read_bytes() + b"\0" + Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return False
    return all(mark.encode() in told.split(b"\0") for mark in marks)


if __name__ == "__main__":
    typer.run(main)
