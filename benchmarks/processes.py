"""Two processes of the studio behind one address: ``python -m benchmarks.processes``; writes PROCESSES.md beside it.

Debian's nginx with the configuration of the documentation, Debian's PostgreSQL, one folder for videos, two processes of
``python app.py``. People correct through nginx, and each looks whether the others' process shows what they said; then
one process is killed, and they go on with the pages that they have open. What works and what does not is in the table.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import httpx
import typer

from annotations.store import Store
from benchmarks.by_hand import Page
from benchmarks.report import write_page
from benchmarks.saving.servers import free_port, running
from tests.annotations.conftest import _server as postgresql

ROOT = Path(__file__).resolve().parents[1]
TOLD = Path(__file__).with_name("PROCESSES.md")
PATIENCE_S = 1800
THOUGHT_S = 1.0


class Somebody(Page):
    """An annotator behind nginx, and what became of their corrections."""

    def __init__(self, url: str, number: int) -> None:
        super().__init__(url, f"annotator {number}")
        self.took: list[float] = []
        self.refused: Counter[str] = Counter()
        self.made: set[int] = set()
        self._chance = random.Random(number)

    @property
    def process(self) -> str:
        """Which process nginx sends them to."""
        return self.web.cookies.get("stf2m_process") or ""

    async def work(self, until: float) -> None:
        """Correct until then; what is not acknowledged is counted."""
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.expovariate(1 / THOUGHT_S))
            start_s = round(self._chance.uniform(0, 10), 3)
            said: dict[str, Any] = {"start_s": start_s, "end_s": start_s + 1.5, "degrees": {"happy": 1.0}}
            begun = time.perf_counter()
            try:
                answer = await self.ask(
                    "timeline", "correct", clip=self.clips[0]["id"], annotator=self.annotator, **said
                )
            except httpx.HTTPError as error:
                self.refused[type(error).__name__] += 1
                continue
            if "annotation" in answer:
                self.took.append(time.perf_counter() - begun)
                self.made.add(answer["annotation"]["id"])
            else:
                self.refused[answer.get("refused", "no answer")] += 1

    async def seen(self, clip: int) -> set[int]:
        """The annotations that their page shows of a clip."""
        shown = await self.ask("timeline", "open", clip=clip, annotator=self.annotator)
        return {each["id"] for each in shown["timeline"]["annotations"]}


def main(
    people: Annotated[int, typer.Option(min=2, help="So many at once.")] = 10,
    seconds: Annotated[float, typer.Option(help="So long before a process is killed, and after.")] = 60.0,
    prepared: Annotated[Path | None, typer.Option(help="A studio's home with tracks of the demo clips.")] = None,
    out: Annotated[Path, typer.Option(help="Where the figures are written.")] = TOLD,
) -> None:
    """Set it all up, let people work, kill one process, and tell what came of it."""
    with TemporaryDirectory(prefix="processes-") as name, ExitStack() as stack:
        place, ports = Path(name), [free_port() for _ in range(3)]
        if prepared:
            shutil.copytree(prepared / "tracks", place / "home" / "tracks")
        server = stack.enter_context(postgresql(""))
        database = server.new_database()
        env = {**os.environ, "STF2M_HOME": str(place / "home"), "STF2M_DATABASE_URL": database}
        for port in ports[1:]:
            command, url = [sys.executable, "app.py"], f"http://127.0.0.1:{port}/healthz"
            own = {**env, "GRADIO_SERVER_PORT": str(port)}
            log = place / f"{port}.log"
            stack.enter_context(running(command, url, folder=ROOT, log=log, env=own, patience_s=PATIENCE_S))
        stack.enter_context(_nginx(place, ports))
        rows = asyncio.run(_work(f"http://127.0.0.1:{ports[0]}", database, ports[1], people, seconds))
    table = "\n".join(f"| {what} | {found} |" for what, found in rows.items())
    write_page(
        out,
        "# Two processes behind one address\n\nBy `python -m benchmarks.processes`, which says what is done, on "
        f"{os.cpu_count()} cores.\n\n| what | found |\n| --- | --- |\n{table}\n",
    )
    typer.echo(out.read_text(encoding="utf-8"))


async def _work(url: str, database: str, first: int, number: int, seconds: float) -> dict[str, str]:
    rows: dict[str, str] = {}
    people = [Somebody(url, each) for each in range(1, number + 1)]
    for each in people:
        await each.open()
    at = Counter(each.process for each in people)
    rows["people, and at which process"] = ", ".join(f"{count} at {name}" for name, count in sorted(at.items()))
    await asyncio.gather(*(each.work(time.monotonic() + seconds) for each in people))
    rows |= _corrections(people, "both processes at work")
    clip = people[0].clips[0]["id"]
    views = {frozenset(await each.seen(clip)) for each in people}
    rows["all see the same labels, at either process"] = "yes" if len(views) == 1 else "**no**"

    homes = {each.person: each.process for each in people}
    for each in people:
        each.took, each.refused = [], Counter()
    os.kill(_listening(first), signal.SIGKILL)
    await asyncio.gather(*(each.work(time.monotonic() + seconds) for each in people))
    moved = [each for each in people if homes[each.person] == "one"]
    rows |= _corrections(moved, "process one killed, on the pages that it had opened")
    rows |= _corrections([each for each in people if each not in moved], "process one killed, on the other's pages")
    for each in moved:
        await each.open()
    rows["a page loaded again after that"] = f"opens for all {len(moved)} of them"
    made = {each for somebody in people for each in somebody.made}
    store = Store(database)
    told = {each.entity_id for each in store.events(1) if each.entity == "annotation"}
    store.close()
    rows["corrections acknowledged, and lost"] = f"{len(made)}, **{len(made - told)}**"
    for each in people:
        with suppress(httpx.HTTPError):
            await each.close()
    return rows


def _corrections(people: list[Somebody], when: str) -> dict[str, str]:
    took = sorted(second for each in people for second in each.took)
    refused = sum((each.refused for each in people), Counter[str]())
    if not took:
        return {when: f"no correction was acknowledged: {dict(refused)}"}
    p95 = took[int(0.95 * (len(took) - 1))]
    figures = f"{len(took)} corrections, p50 {1000 * statistics.median(took):.0f} ms, p95 {1000 * p95:.0f} ms"
    told = ", ".join(f"{count} × {why}" for why, count in refused.most_common()) or "none"
    return {when: f"{figures}; not acknowledged at the first try: {told}"}


@contextmanager
def _nginx(place: Path, ports: list[int]) -> Iterator[None]:
    """The configuration of the documentation with other ports, and its own files in a folder."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise typer.BadParameter("nginx is not installed.")
    text = (ROOT / "docs" / "nginx.conf").read_text(encoding="utf-8")
    given: dict[str, str] = dict(zip(("7860", "7861", "7862"), map(str, ports), strict=True))
    text = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: given[found[0]], text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    inside = "".join(f"{kind}_temp_path {place}/nginx-{kind};\n" for kind in kinds)
    file = place / "nginx.conf"
    text = text.replace("http {", f"http {{\naccess_log off;\n{inside}", 1)
    file.write_text(f"daemon off;\nuser root;\npid {place}/nginx.pid;\n{text}", encoding="utf-8")
    command = [program, "-c", file, "-e", place / "nginx.log", "-p", place]
    url = f"http://127.0.0.1:{ports[0]}"
    with running(command, url, folder=place, log=place / "nginx.out", env=os.environ, patience_s=60):
        yield


def _listening(port: int) -> int:
    """The process of the studio that was started for a port."""
    mark = f"GRADIO_SERVER_PORT={port}".encode()
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"app.py" in (each / "cmdline").read_bytes() and mark in (each / "environ").read_bytes().split(b"\0"):
                return int(each.name)
    raise typer.Exit(2)


if __name__ == "__main__":
    typer.run(main)
