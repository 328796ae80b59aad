"""One more annotator, in a real Chromium: from the press of a key until the page shows that the correction is saved."""

import random

from playwright.sync_api import Error, sync_playwright

from benchmarks.saving.servers import DoesNotRun
from tests.browser import chromium

#: What the page may take to open, and a correction to be saved, ms.
PATIENCE_MS = 60_000
#: Notes when an emotion's key is pressed, and how long after that the bar says "saved" again.
WATCH = """() => {
    const bar = document.querySelector("#timeline .tl-saved");
    window.shown = [];
    let pressed = null;
    addEventListener("keydown", (event) => { if ("123456".includes(event.key)) pressed = performance.now(); }, true);
    new MutationObserver(() => {
        if (pressed === null || bar.dataset.state !== "saved") return;
        const at = pressed;
        pressed = null;
        requestAnimationFrame(() => window.shown.push(performance.now() - at));
    }).observe(bar, { attributes: true, attributeFilter: ["data-state"] });
}"""


def shown_as_saved(url: str, clip: int, presses: int, seed: int) -> list[float]:
    """How long each of some corrections took until the page showed it as saved, seconds.

    Raises :class:`DoesNotRun` where there is no browser or the page does not answer.
    """
    chance = random.Random(seed)
    try:
        with sync_playwright() as playwright:
            browser = chromium.launch(playwright)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"{url}/?clip={clip}")
            page.locator("#timeline .tl-open").wait_for()
            page.wait_for_timeout(2000)
            page.evaluate(WATCH)
            for number in range(presses):
                page.keyboard.press("j")
                page.wait_for_timeout(chance.uniform(500, 1500))
                page.keyboard.press("12345"[number % 5])  # never the same twice, which would change nothing
                page.wait_for_function(f"window.shown.length > {number}")
            shown = page.evaluate("window.shown")
            browser.close()
    except Error as error:
        raise DoesNotRun(f"Chromium: {str(error).splitlines()[0]}") from error
    return [each / 1000 for each in shown]
