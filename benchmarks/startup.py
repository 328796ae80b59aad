"""How soon the studio is there: ``python -m benchmarks.startup``; writes STARTUP.md beside this file.

``python app.py`` with the demo study ready, several times: from its start until ``/healthz`` answers; then from the
address typed into a real Chromium until the timeline shows a clip and takes keys, in a browser that has never been here
and in one that comes again. Before it, two starts that do not count analyse the demo clips, compile Python's files and
warm the disk.
"""

import os
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.report import write_page
from benchmarks.saving.servers import free_port, running
from tests.browser import chromium

ROOT = Path(__file__).resolve().parents[1]
TOLD = Path(__file__).with_name("STARTUP.md")
#: What the first start may take, in which the demo clips are analysed, seconds; and a page, ms.
PATIENCE_S, PATIENCE_MS = 1800, 120_000
ROWS = (
    "started until /healthz answers",
    "page usable, first visit with this browser",
    "page usable, next visit",
)


def main(
    times: Annotated[int, typer.Option(min=1, help="So many starts are measured.")] = 5,
    home: Annotated[Path | None, typer.Option(help="A prepared STF2M_HOME; else one is made first.")] = None,
    out: Annotated[Path, typer.Option(help="Where the figures are written.")] = TOLD,
) -> None:
    """Start it, look at it, and tell how long that took."""
    with TemporaryDirectory(prefix="startup-") as place:
        home = home or Path(place)
        _starts(home, 2)  # the first analyses the demo clips, the second reads all that a start reads
        found = dict(zip(ROWS, zip(*_starts(home, times), strict=True), strict=True))
    table = "\n".join(f"| {row} | {statistics.median(each):.1f} | {max(each):.1f} |" for row, each in found.items())
    write_page(
        out,
        "# Starting\n\nBy `python -m benchmarks.startup`, which says what is done. "
        f"{times} starts on {os.cpu_count()} cores.\n\n"
        f"| what | median, s | longest, s |\n| --- | --- | --- |\n{table}\n",
    )
    typer.echo(out.read_text(encoding="utf-8"))


def _starts(home: Path, times: int) -> list[tuple[float, float, float]]:
    """So many starts one after the other, looked at in a new browser."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        return [_once(home, browser) for _ in range(times)]


def _once(home: Path, browser: Browser) -> tuple[float, float, float]:
    """One start, and two looks at the page, seconds."""
    port = free_port()
    env = {**os.environ, "STF2M_HOME": str(home), "STF2M_MODE": "studio", "GRADIO_SERVER_PORT": str(port)}
    env |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "bytecode")}  # whatever is set here
    url, begun = f"http://127.0.0.1:{port}", time.perf_counter()
    command = [sys.executable, "app.py"]
    log = home / "startup.log"
    with running(command, f"{url}/healthz", folder=ROOT, log=log, env=env, patience_s=PATIENCE_S):
        answered = time.perf_counter() - begun
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        looks = [_usable(context, url) for _ in range(2)]
        context.close()
    return answered, looks[0], looks[1]


def _usable(context: BrowserContext, url: str) -> float:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.locator("#timeline .tl-open").wait_for()
    took = time.perf_counter() - begun
    page.close()
    return took


if __name__ == "__main__":
    typer.run(main)
