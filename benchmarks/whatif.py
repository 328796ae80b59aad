"""``python -m benchmarks.whatif``: how fast the page follows the sliders of *What if …*, in a real Chromium.

Needs Chromium. The studio is ``python app.py`` at its first start, with one annotator on one of its demo clips.
"""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from playwright.sync_api import Page
from rich.console import Console

from benchmarks.browsing import in_a_studio, page_of
from benchmarks.report import Table, write_page

RESULTS = Path(__file__).with_name("WHATIF.md")
#: Segments of the clip, and steps of a slider in each.
SEGMENTS, STEPS = 5, 40

ABOUT = """# How fast the page follows the sliders of *What if …*

Made by `python -m benchmarks.whatif`: {moves} moves of a slider, one after another, in {segments} segments of a demo
clip, on {cores} cores ({machine}), which studio and browser share; {others:.0%} of them was taken by others meanwhile.

{table}

From a key press on a slider in Chromium until the frame after the page has put in the new sentence, degrees, shares and
rules with their firing, which the server has computed by running the model.
"""
#: Notes when a slider moves, and how long after that the reasons beside it are others.
WATCH = """() => {
    const sliders = document.querySelector("#timeline .tl-what-if");
    const reasons = document.querySelector("#timeline .tl-why .tl-reasons");
    window.followed = [];
    let moved = null;
    sliders.addEventListener("input", () => (moved = performance.now()), true);
    new MutationObserver(() => {
        if (moved === null) return;
        const at = moved;
        moved = null;
        requestAnimationFrame(() => window.followed.push(performance.now() - at));
    }).observe(reasons, { childList: true });
}"""


def followed(url: str, clip: int, segments: int = SEGMENTS, steps: int = STEPS) -> list[float]:
    """How long the page took to follow each move of a slider, ms."""
    took: list[float] = []
    with page_of(f"{url}/?clip={clip}") as page:
        page.locator("#timeline .tl-open").wait_for()
        for _ in range(segments):
            took += _in_a_segment(page, steps)
    return took


def _in_a_segment(page: Page, steps: int) -> list[float]:
    """Move the first slider of the next segment to and fro."""
    page.locator("#timeline .tl").focus()
    page.evaluate("document.querySelector('#timeline .tl-changed')?.classList.add('of-the-last-segment')")
    page.keyboard.press("j")
    page.locator("#timeline .tl-changed:not(.of-the-last-segment)").wait_for()
    page.locator("#timeline .tl-what-if summary").click()
    page.evaluate(WATCH)
    slider = page.locator("#timeline .tl-what-if input[type=range]").first
    lower = slider.evaluate("(slider) => slider.value - slider.min > slider.max - slider.value")
    for number in range(steps):
        slider.press("ArrowLeft" if lower == (number < steps / 2) else "ArrowRight")
        page.wait_for_function(f"window.followed.length > {number}")
    return page.evaluate("window.followed")


def table(took: Sequence[float]) -> Table:
    """Percentiles in milliseconds."""
    cells = [f"{np.percentile(took, each):.0f} ms" for each in (50, 95, 100)]
    return Table("From a key press to new reasons", "", ("moves", "p50", "p95", "slowest"), ((str(len(took)), *cells),))


def main(
    url: Annotated[str, typer.Option(help="A studio that runs already; then nothing is written down.")] = "",
    clip: Annotated[int, typer.Option(help="A clip of it.")] = 1,
) -> None:
    """Move sliders, print how fast the page follows, and write it down."""
    console = Console()
    if url:
        console.print(table(followed(url, clip)).terminal)
        return
    took, others = in_a_studio(followed, console)
    found = table(took)
    console.print(found.terminal)
    about = {"moves": len(took), "segments": SEGMENTS, "cores": os.cpu_count(), "machine": platform.machine()}
    write_page(RESULTS, ABOUT.format(**about, others=others, table=found.markdown))
    console.print(f"Written to {RESULTS}.")


if __name__ == "__main__":
    typer.run(main)
