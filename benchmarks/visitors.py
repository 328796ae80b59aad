"""Thirty visitors of the demo at once: ``python -m benchmarks.visitors``; writes VISITORS.md beside this file.

Each has a secret of their own, which is in everything they write: the names of their study and of their clips, their
notes, their words. They open pages, correct, adapt, reload, add small clips and take labels away; every answer that
anybody gets is searched for everybody else's secret, and each tries to reach what is another's: clips, pictures, files,
sessions and uploads. Meanwhile the server's memory and what it keeps on the disk are measured. The exit code is 1 where
one reached what is another's, or where memory grew (see growth.py).
"""

import asyncio
import os
import random
import secrets
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from app.demo import DEMOS
from benchmarks import growth
from benchmarks.by_hand import Page
from benchmarks.report import write_page
from benchmarks.saving.servers import free_port, running

ROOT = Path(__file__).resolve().parents[1]
TOLD = Path(__file__).with_name("VISITORS.md")
EMOTIONS = ("angry", "calm", "happy", "neutral", "sad", "surprised")
#: A visitor looks and thinks so long between two things that they do, on average, seconds.
THOUGHT_S = 3.0
#: What the first start may take, in which the demo clips are analysed, seconds.
PATIENCE_S = 1800
#: A visitor in so many adds a clip; all are analysed one after the other.
ONE_ADDS = 6


@dataclass
class Seen:
    """What happened in a run."""

    corrections: list[float] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    crossings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    memory: list[tuple[float, float, int]] = field(default_factory=list)


class Visitor(Page):
    """A visitor of the demo, with a secret of their own."""

    def __init__(self, url: str, number: int, all_secrets: list[str], seen: Seen):
        super().__init__(url, all_secrets[number])
        self.secret = all_secrets[number]
        self.number = number
        self.files: list[str] = []
        self._others = [each.encode() for each in all_secrets if each != self.secret]
        self._seen = seen
        self._chance = random.Random(number)

    async def come(self) -> None:
        """Open the page, or load it again."""
        await self.open()
        self._seen.done["pages"] += 1

    async def work(self, others: Sequence["Visitor"], until: float) -> None:
        """Do what visitors do, in no order, until then."""
        acts: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (12, self._correct), (3, self._look), (1, self.come), (1, self._adapt), (2, self._take_away),
            (2, self._add), (2, lambda: self._pry(others)),
        ]  # fmt: skip
        weights = [weight for weight, _ in acts]
        while time.perf_counter() < until:
            await asyncio.sleep(self._chance.expovariate(1 / THOUGHT_S))
            act = self._chance.choices(acts, weights)[0][1]
            try:
                await act()
            except (httpx.HTTPError, KeyError, ValueError) as error:
                self._seen.failures.append(f"{act.__name__.strip('_<>')}: {type(error).__name__} {error}"[:200])

    # --- what they do ---------------------------------------------------------------------------------------------

    async def _correct(self) -> None:
        clip = self._chance.choice(self.clips)
        start_s = round(self._chance.uniform(0, clip["duration_s"] - 2.1), 3)
        said = {"start_s": start_s, "end_s": round(start_s + 1.5, 3), "degrees": {self._chance.choice(EMOTIONS): 1.0}}
        begun = time.perf_counter()
        answer = await self.ask(
            "timeline", "correct", clip=clip["id"], annotator=self.annotator, note=self.secret, **said
        )
        self._seen.corrections.append(time.perf_counter() - begun)
        if "annotation" not in answer:
            raise ValueError(f"{answer}")
        self._seen.done["corrections"] += 1

    async def _look(self) -> None:
        clip = self._chance.choice(self.clips)
        answer = await self.ask("timeline", "open", clip=clip["id"], annotator=self.annotator)
        notes = {each["note"] for each in answer["timeline"]["annotations"]}
        if notes - {self.secret}:
            self._seen.crossings.append(f"visitor {self.number} saw the notes {notes}")
        await self.get(f"/clip/{clip['id']}/thumbnail")
        await self.get(f"/clip/{clip['id']}", headers={"Range": "bytes=0-65535"})
        self._seen.done["clips opened"] += 1

    async def _adapt(self) -> None:
        answer = await self.ask("timeline", "adapt", study=1, annotator=self.annotator)
        self._seen.done["adaptations" if "report" in answer else "adaptations too early"] += 1

    async def _take_away(self) -> None:
        """Labels as a file, by Gradio's own way: an event, its answer, and the file's address."""
        answer = await self.event("data.download", [1, "csv", ""])
        file = next(each["path"] for each in _mappings(answer) if each.get("meta"))
        content = await self.get(f"/gradio_api/file={file}")
        if self.secret.encode() not in content and self._seen.done["corrections"] and b"\n" in content.strip():
            self._seen.crossings.append(f"visitor {self.number} was given labels without their secret")
        self.files = [*self.files[-5:], file]
        self._seen.done["files taken"] += 1

    async def _add(self) -> None:
        if self.number % ONE_ADDS:
            return
        file = DEMOS[-1].path.read_bytes() + self.secret.encode()  # players skip what stands behind the last box
        words = [f"{self.secret}.srt", f"1\n00:00:00,000 --> 00:00:02,000\n{self.secret}\n"]
        answer = await self.add(f"{self.secret}.mp4", file, subtitles=words)
        self._seen.done["clips added" if "job" in answer else "clips refused by the limit"] += 1

    async def _pry(self, others: Sequence["Visitor"]) -> None:
        """Try to reach what is another's."""
        other = self._chance.choice([each for each in others if each is not self])
        tries = [f"/gradio_api/file={each}" for each in other.files]
        tries += [f"/gradio_api/queue/data?session_hash={other.name}", f"/gradio_api/heartbeat/{other.name}"]
        tries += [f"/gradio_api/deep_link?session_hash={other.name}", "/clip/999", "/clip/999/report"]
        for path in tries:
            answer = await self.web.get(path)
            self.see(answer.content, path)
            if answer.status_code < 400:
                self._seen.crossings.append(f"visitor {self.number} got {answer.status_code} for {path}")
        body = {**self.call("timeline", "open"), "session_hash": other.name}
        answer = await self.web.post("/gradio_api/component_server", json=body)
        if answer.status_code < 400:
            self._seen.crossings.append(f"visitor {self.number} spoke as the page of visitor {other.number}")
        self._seen.done["attempts to reach what is another's"] += len(tries) + 1

    def see(self, content: bytes, where: str) -> None:
        """Search whatever comes for the secrets of others."""
        found = [each for each in self._others if each in content]
        if found:
            self._seen.crossings.append(f"visitor {self.number} found the secret of {len(found)} others at {where}")


def main(
    visitors: Annotated[int, typer.Option(help="So many at once.")] = 30,
    minutes: Annotated[float, typer.Option(help="For so long.")] = 10.0,
    out: Annotated[Path, typer.Option(help="Where the figures are written.")] = TOLD,
) -> None:
    """Let visitors loose on a demo of their own, and tell what came of it."""
    with tempfile.TemporaryDirectory(prefix="visitors-") as folder:
        port, home = free_port(), Path(folder, "home")
        home.mkdir()
        url, log = f"http://127.0.0.1:{port}", Path(folder, "app.log")
        env = {**os.environ, "STF2M_HOME": str(home), "STF2M_MODE": "demo", "GRADIO_SERVER_PORT": str(port)}
        env["STF2M_MAX_VISITORS"] = str(visitors + 2)
        env.pop("STF2M_DATABASE_URL", None)
        with running([sys.executable, "app.py"], url, folder=ROOT, log=log, env=env, patience_s=PATIENCE_S):
            seen, took = asyncio.run(_run(url, home, visitors, minutes * 60))
        errors = log.read_text("utf-8", "replace").count("Traceback")
    write_page(out, _told(seen, visitors, took, errors))
    typer.echo(out.read_text(encoding="utf-8"))
    if seen.crossings or growth.flat(_memory(seen), took / 60) is False:
        raise typer.Exit(1)


async def _run(url: str, home: Path, number: int, seconds: float) -> tuple[Seen, float]:
    seen = Seen()
    all_secrets = [f"secret{secrets.token_hex(8)}" for _ in range(number)]
    visitors = [Visitor(url, each, all_secrets, seen) for each in range(number)]
    begun = time.perf_counter()
    for each in visitors:
        await each.come()
    measuring = asyncio.create_task(_measure(home, seen, begun))
    working = time.perf_counter()
    await asyncio.gather(*(each.work(visitors, working + seconds) for each in visitors))
    measuring.cancel()
    for each in visitors:
        await each.close()
    return seen, time.perf_counter() - working


async def _measure(home: Path, seen: Seen, begun: float) -> None:
    """The memory of the server's process, MB, and the files that it keeps, every few seconds."""
    process = _process_of(home)
    while True:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        files = sum(len(names) for _, _, names in os.walk(home / "demo" / "visits"))
        seen.memory.append((time.perf_counter() - begun, pages * os.sysconf("SC_PAGE_SIZE") / 1e6, files))
        await asyncio.sleep(5)


def _process_of(home: Path) -> str:
    mark = f"STF2M_HOME={home}".encode()
    for each in Path("/proc").iterdir():
        try:
            if (
                each.name.isdigit()
                and mark in (each / "environ").read_bytes()
                and b"app.py" in (each / "cmdline").read_bytes()
            ):
                return each.name
        except OSError:
            continue
    raise typer.Exit(2)


def _told(seen: Seen, visitors: int, took: float, errors: int) -> str:
    """The figures as Markdown."""
    times = sorted(seen.corrections)
    p50, p95 = statistics.median(times), times[int(0.95 * (len(times) - 1))]
    memory = _memory(seen)
    _, middle, last = growth.thirds(memory)
    rows = [
        ("visitors at once, minutes", f"{visitors}, {took / 60:.1f}"),
        ("another's data seen or reached", f"**{len(seen.crossings)}** times"),
        ("a correction is acknowledged, p50 / p95", f"{1000 * p50:.0f} ms / {1000 * p95:.0f} ms"),
        ("memory at the beginning", f"{memory[0]:.0f} MB"),
        ("memory, mean of the middle third", f"{statistics.mean(middle):.0f} MB"),
        ("memory, mean of the last third", f"{statistics.mean(last):.0f} MB"),
        ("memory is", growth.told(memory, took / 60)),
        ("files of all visits at the end", f"{seen.memory[-1][2]}"),
        ("errors in the server's log", f"{errors}"),
        *((what, f"{number}") for what, number in seen.done.most_common()),
    ]
    table = "\n".join(f"| {what} | {figure} |" for what, figure in rows)
    failed = Counter(each.split(":")[0] for each in seen.failures)
    failures = "".join(f"\nNot answered: {what}, {number} times." for what, number in failed.items())
    first = "".join(f"\n- {each}" for each in [*seen.crossings[:10], *seen.failures[:5]])
    return (
        "# Visitors of the demo\n\nBy `python -m benchmarks.visitors`, which says what is done. "
        f"{os.cpu_count()} processors, shared by server and visitors; "
        f"load average {os.getloadavg()[1]:.1f} with whatever else ran.\n\n"
        f"| what | figure |\n| --- | --- |\n{table}\n{failures}{first}\n"
    )


def _memory(seen: Seen) -> list[float]:
    return [size for _, size, _ in seen.memory]


def _mappings(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(each for part in value.values() for each in _mappings(part))]
    return [each for part in value for each in _mappings(part)] if isinstance(value, list) else []


if __name__ == "__main__":
    typer.run(main)
