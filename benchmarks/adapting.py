"""``python -m benchmarks.adapting``: how long somebody waits for the model that learns from them, in a real Chromium.

Needs Chromium. The studio is ``python app.py`` at its first start, with one annotator on one of its demo clips.
"""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from playwright.sync_api import Page, Response, expect
from rich.console import Console

from benchmarks.browsing import in_a_studio, page_of
from benchmarks.report import Table, write_page
from tests.browser.page import call_oneself, done

RESULTS = Path(__file__).with_name("ADAPTING.md")
#: Emotions, corrections of each at first, and how often the model adapts.
EMOTIONS, SHOTS, TIMES = 5, 5, 20

ABOUT = """# How long somebody waits for the model that learns from them

Made by `python -m benchmarks.adapting`: {times} adaptations to {corrections} corrections, or more, of {emotions}
emotions in a demo clip, on {cores} cores ({machine}), which studio and browser share; {others:.0%} of them
was taken by others meanwhile.

{table}

From the click on *Adapt* in Chromium until the frame after the page has drawn the clip's suggestions before and after.
The studio learns the fast weights, also from the study's unlabelled segments, leaves corrections out in turn to see how
often it is right on those it has not seen, keeps the version, and answers for the whole clip anew. *Learning* is the
time of the fast weights alone, as the studio tells it.
"""
#: Clicks the button, and resolves to how long it takes until both lanes are drawn, ms.
ADAPT = """() => new Promise((resolve) => {
    const lanes = document.querySelector("#timeline .tl-gutter");
    const begun = performance.now();
    const watch = new MutationObserver(() => {
        if (lanes.querySelectorAll(".tl-name-suggested").length < 2) return;
        watch.disconnect();
        requestAnimationFrame(() => resolve(performance.now() - begun));
    });
    watch.observe(lanes, { childList: true, subtree: true });
    document.querySelector("#timeline .tl-bar .st-primary").click();
})"""


def adapted(url: str, clip: int, times: int = TIMES) -> tuple[list[float], list[float]]:
    """How long the page took from click to answer each time, and the learning of the fast weights in it, ms."""
    took: list[float] = []
    learning: list[float] = []
    with page_of(f"{url}/?clip={clip}") as page:
        page.on("response", lambda answer: learning.extend(_told(answer)))
        call_oneself(page, "Benchmark")
        for number in range(EMOTIONS * SHOTS):
            _correct(page, number)
        for number in range(times):
            done(page)
            expect(page.locator("#timeline .tl-bar .st-primary")).to_be_enabled()
            took.append(page.evaluate(ADAPT))
            page.get_by_role("button", name="Go back to model").click()
            expect(page.locator("#timeline .tl-gutter .tl-name-suggested")).to_have_count(1)
            _correct(page, number)
    return took, learning


def _correct(page: Page, number: int) -> None:
    """Say one of the emotions of the next segment."""
    page.locator("#timeline .tl").focus()
    page.keyboard.press("j")
    page.keyboard.press(str(number % EMOTIONS + 1))
    expect(page.locator(".tl-emotion").nth(number % EMOTIONS)).to_have_attribute("aria-pressed", "true")


def _told(answer: Response) -> list[float]:
    if not answer.url.endswith("component_server/") or '"adapt"' not in (answer.request.post_data or ""):
        return []
    return [1000 * answer.json()["report"]["seconds"]]


def table(took: Sequence[float], learning: Sequence[float]) -> Table:
    """Percentiles in milliseconds."""
    rows = tuple(
        (what, str(len(times)), *(f"{np.percentile(times, each):.0f} ms" for each in (50, 95, 100)))
        for what, times in (("from click to before and after", took), ("learning", learning))
    )
    return Table("Adapting", "", ("what", "times", "p50", "p95", "slowest"), rows)


def main(
    url: Annotated[str, typer.Option(help="A studio that runs already; then nothing is written down.")] = "",
    clip: Annotated[int, typer.Option(help="A clip of it.")] = 1,
) -> None:
    """Correct, adapt and go back again and again, print how long adapting took, and write it down."""
    console = Console()
    if url:
        console.print(table(*adapted(url, clip)).terminal)
        return
    took, others = in_a_studio(adapted, console)
    found = table(*took)
    console.print(found.terminal)
    about = {"times": TIMES, "corrections": EMOTIONS * SHOTS, "emotions": EMOTIONS, "cores": os.cpu_count()}
    text = ABOUT.format(**about, machine=platform.machine(), others=others, table=found.markdown)
    write_page(RESULTS, text)
    console.print(f"Written to {RESULTS}.")


if __name__ == "__main__":
    typer.run(main)
