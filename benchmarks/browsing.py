"""A real Chromium in a studio that runs for the benchmark, or in one that runs already."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Page, sync_playwright
from rich.console import Console

from benchmarks.machine import by_others, cores_taken
from benchmarks.saving import studio
from tests.browser import chromium

#: What the page may take for anything, ms.
PATIENCE_MS = 60_000

Found = TypeVar("Found")


@contextmanager
def page_of(url: str, patience_ms: int = PATIENCE_MS) -> Iterator[Page]:
    """A page at this address in a browser of its own, on a screen of usual size."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(patience_ms)
        page.goto(url)
        yield page
        browser.close()


def in_a_studio(measure: Callable[[str, int], Found], console: Console) -> tuple[Found, float]:
    """What ``measure`` finds, given the address of ``python app.py`` at its first start and one of its demo clips; and
    the share of the cores that others took meanwhile.
    """
    with tempfile.TemporaryDirectory() as folder:
        console.print("The studio analyses its demo clips …")
        with studio.started(Path(folder)) as ours:
            begun = cores_taken()
            found = measure(ours.url, ours.clips[0].id)
            return found, by_others(begun, cores_taken())
