"""The widget alone while its clip plays: what is painted, and what is written meanwhile."""

import io
import wave
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import widget
from tests.browser.page import plays_to, saved

pytestmark = pytest.mark.browser

DURATION_S = 26.0
RATE_HZ = 8000


def _silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(RATE_HZ)
        sound.writeframes(b"\x80" * round(DURATION_S * RATE_HZ))
    return file.getvalue()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A clip of silence, which can be played and where one can go anywhere."""
    sound = _silence()

    def send(route: Route) -> None:
        start = int(route.request.headers.get("range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {start}-{len(sound) - 1}/{len(sound)}"}
        route.fulfill(status=206, body=sound[start:], content_type="audio/wav", headers=headers)

    page = widget.opened(browser, widget.payload(DURATION_S, 13))
    page.route("**/clip/2", send)
    page.evaluate("""() => {
        const {open} = answers;
        answers.open = (asked) => {
            const {timeline} = open(asked);
            const clip = {...timeline.clip, media_url: "/clip/2"};
            return {timeline: {...timeline, clip, annotations: [], reaction_s: 0}};
        };
        return work.open(2);
    }""")
    page.wait_for_function("document.querySelector('#timeline video').readyState >= 3")
    yield page
    page.context.close()


def _made(page: Page) -> list[dict]:
    return page.evaluate("sent.filter((each) => each.name === 'correct')")


def test_what_is_painted_ends_where_the_clip_jumps(page: Page):
    page.keyboard.press("t")
    page.keyboard.press("l")
    page.evaluate("work.model.select(work.model.items[1]); work.run('playItem')")
    plays_to(page, 3.2)
    page.keyboard.down("2")
    page.wait_for_function("work.model.time < 3", polling="raf")
    page.keyboard.up("2")
    saved(page)
    (looped,) = _made(page)
    assert looped["start_s"] == pytest.approx(3.2, abs=0.3)
    assert looped["end_s"] == pytest.approx(4.0, abs=0.2)
    page.evaluate("work.actions.seek(10)")
    page.keyboard.down("4")
    plays_to(page, 10.6)
    page.keyboard.press("ArrowLeft")
    page.keyboard.up("4")
    saved(page)
    sought = _made(page)[-1]
    assert (sought["annotation_id"], sought["degrees"]) == (None, {"sad": 1})
    assert sought["start_s"] == pytest.approx(10.0, abs=0.3)
    assert sought["end_s"] == pytest.approx(10.7, abs=0.3)


def test_the_selection_stays_while_somebody_writes_a_note_or_moves_a_slider(page: Page):
    page.evaluate("work.model.select(work.model.items[1]); work.actions.seek(2.2)")
    page.keyboard.press("1")
    saved(page)
    page.locator(".tl-editor summary").click()
    note = page.get_by_label("Note on this segment")
    note.press_sequentially("trembles")
    page.evaluate("work.actions.play()")
    plays_to(page, 4.5)
    expect(note).to_have_value("trembles")
    saved(page)
    noted = _made(page)[-1]
    assert (noted["note"], noted["start_s"]) == ("trembles", 2)
    note.evaluate("(element) => element.blur()")
    page.wait_for_function("work.model.selected.start_s >= 4")
    page.get_by_label("Degree of happy").focus()
    there = page.evaluate("work.model.selected.start_s")
    plays_to(page, there + 2.5)
    assert page.evaluate("work.model.selected.start_s") == there


def test_what_was_changed_is_saved_with_the_stretch_it_was_changed_on(page: Page):
    page.evaluate("work.model.select(work.model.items[3])")
    page.locator(".tl-editor summary").click()
    page.get_by_label("Degree of happy").evaluate(
        """(slider) => {
            slider.value = 0.7;
            slider.dispatchEvent(new Event("input"));
            work.model.select(work.model.items[5]);
        }"""
    )
    saved(page)
    (made,) = _made(page)
    assert (made["start_s"], made["degrees"]) == (6, {"happy": 0.7})
    page.evaluate("work.model.select(work.model.items[3])")
    note = page.get_by_label("Note on this segment")
    note.fill("his")
    note.evaluate("(element) => { work.panel.editor.flush(); work.model.select(work.model.items[5]); }")
    expect(note).to_have_value("")
