"""What the tests of the Annotate page do again and again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Locator, Page, expect

from annotations.records import AnnotationRecord
from annotations.store import Store
from tests.browser.conftest import PATIENCE_MS, OpenPage

Found = TypeVar("Found")


def open_as(visit: OpenPage, clip: int, name: str, **options) -> Page:
    """The page of a clip under an annotator's own name, so that tests do not get in each other's way."""
    page = visit(f"?clip={clip}", **options)
    call_oneself(page, name)
    page.locator("#timeline .tl").focus()
    return page


def call_oneself(page: Page, name: str) -> None:
    """Annotate under a name of one's own, from the start of the clip, wherever the guest before was last."""
    page.locator("#timeline .tl-open").wait_for()
    field = page.locator("#annotator input, #annotator textarea").first
    field.fill(name)
    field.press("Enter")
    expect(page.locator(".tl-name-mine")).to_have_text(name)
    seek(page, 0.0)


def go_to(page: Page, tab: str) -> None:
    """Open a tab by its name in small letters, also where it hides behind the dots of a narrow screen, once the studio
    has opened the clip.
    """
    page.locator("#timeline .tl-open").wait_for()
    button = page.locator(f"#tab-{tab}-button")
    if button.is_visible():
        button.click()
        return
    page.locator(".overflow-menu > button").click()
    page.locator(".overflow-dropdown button", has_text=tab.capitalize()).click()


def done(page: Page) -> None:
    """Wait until all that was asked for is done: painted, typed, sent, undone. The page counts it as soon as a key is
    pressed, so this cannot see the state of before.
    """
    expect(page.locator("#timeline [data-part=root]")).to_have_attribute("data-underway", "0")


def saved(page: Page) -> None:
    """Wait until everything is saved and the page says so."""
    done(page)
    expect(page.locator(".tl-saved")).to_have_text("saved ✓")


def seek(page: Page, time_s: float) -> None:
    """Put the cursor somewhere, as a click on the ruler does."""
    page.evaluate("(time) => { document.querySelector('#timeline video').currentTime = time; }", time_s)
    expect(page.locator("[data-part=now]")).to_have_text(f"00:{time_s:05.2f}")


def press_until(page: Page, key: str, shown: Callable[[], bool]) -> None:
    """Press a key until something is shown, at most as often as there are segments on a clip."""
    for _ in range(100):
        if shown():
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} leads to nothing that was looked for")


def plays_to(page: Page, time_s: float) -> None:
    """Wait until the clip has played so far."""
    page.wait_for_function(
        "(time) => document.querySelector('#timeline video').currentTime >= time", arg=time_s, polling="raf"
    )


def eventually(look: Callable[[], Found], wanted: Found) -> None:
    """Look again until it is as wanted: for what the page does not say itself, the database behind it for one."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while (found := look()) != wanted and time.monotonic() < until:
        time.sleep(0.1)
    assert found == wanted


def emotion_button(page: Page, emotion: str) -> Locator:
    return page.locator(f'.tl-emotion[data-emotion="{emotion}"]')


def mine(page: Page) -> list[tuple[str, float, float]]:
    """This person's annotations as the server sends them to a fresh look: (emotion, start, end)."""
    with page.expect_response(
        lambda r: r.url.endswith("component_server/") and '"open"' in (r.request.post_data or "")
    ) as got:
        page.reload()
    shown = got.value.json()["timeline"]["annotations"]
    return [(each["emotion"], each["start_s"], each["end_s"]) for each in shown if each["mine"]]


def kept(home: Path, clip: int, name: str) -> list[AnnotationRecord]:
    """What the database keeps of what a person said about a clip, by time."""
    store = Store(f"sqlite:///{home / 'studio.sqlite3'}")
    try:
        return [each for each in store.annotations(clip_id=clip) if each.annotator == name]
    finally:
        store.close()
