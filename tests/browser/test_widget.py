"""The widget alone: what counts as underway, what a saved correction draws anew, and what it asks the studio for."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import widget

pytestmark = pytest.mark.browser

WHY = {
    "told": "Happy, above all by the voice.", "situation": [], "uncertainty": 0.3, "shares": {"voice": 1.0},
    "missing": {}, "memberships": {"angry": 0.2, "happy": 0.8}, "cues": [], "rules": [],
}  # fmt: skip
PULLED = {"emotion": "happy", "corrections": [], "learned_from": 0, "remembered": 0.0, "changed": "Louder would do it."}
UNDONE = {"sentence": "Undone.", "clip": None}


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = widget.opened(browser, widget.payload(26.0, 13), explain={"why": WHY}, pulled=PULLED, undo=UNDONE)
    yield page
    page.context.close()


def _hold(page: Page, *calls: str) -> None:
    page.evaluate("(calls) => calls.forEach((each) => held.add(each))", calls)


def _release(page: Page, call: str) -> None:
    page.evaluate("(call) => { held.delete(call); release(call); }", call)


def test_what_is_asked_for_is_underway_from_the_key_until_it_is_done(page: Page):
    root = page.locator("[data-part=root]")

    def underway(count: int) -> None:
        expect(root).to_have_attribute("data-underway", str(count))

    _hold(page, "correct", "undo")
    underway(0)
    page.keyboard.press("j")
    for key in ("1", "2", "3"):
        page.keyboard.press(key)
    assert root.get_attribute("data-underway") == "2", "one is sent, the others became one that waits"
    expect(page.locator(".tl-saved")).to_have_text("saving…")
    page.keyboard.press("Control+z")
    assert root.get_attribute("data-underway") == "3", "and undo, which waits for both"
    for left in (2, 1):
        page.wait_for_function("(count) => asked.filter((each) => each === 'correct').length === count", arg=3 - left)
        page.evaluate("release('correct')")
        underway(left)
    expect(page.locator(".tl-saved")).to_have_text("saved ✓")
    _release(page, "undo")
    underway(0)

    page.locator(".tl-editor summary").click()
    page.get_by_label("Note on this segment").press_sequentially("so")
    assert root.get_attribute("data-underway") == "1", "what is typed is not saved yet"
    _release(page, "correct")
    underway(0)


def test_after_a_lost_answer_the_same_is_asked_for_again_and_what_follows_changes_it(page: Page):
    page.keyboard.press("j")
    page.evaluate("void lost.add('correct')")
    page.keyboard.press("2")
    expect(page.locator(".tl-saved")).to_contain_text("not saved (1)")
    page.keyboard.press("4")
    page.keyboard.press("1")
    expect(page.locator(".tl-saved")).to_contain_text("not saved (2)")
    page.evaluate("lost.delete('correct'), work.outbox.retry()")
    expect(page.locator(".tl-saved")).to_have_text("saved ✓")
    made = page.evaluate("sent.filter((each) => each.name === 'correct')")
    said = [(list(each["degrees"]), each["annotation_id"]) for each in made]
    assert said == [(["happy"], None)] * (len(made) - 1) + [(["angry"], 10001)]
    assert not any("tried" in each for each in made)


def test_what_was_refused_can_be_put_right(page: Page):
    page.keyboard.press("j")
    page.evaluate("void (refused = true)")
    page.keyboard.press("2")
    expect(page.locator(".tl-saved")).to_contain_text("not saved: No.")
    page.evaluate("void (refused = false)")
    page.keyboard.press("4")
    page.get_by_role("button", name="Try again now").click()
    expect(page.locator(".tl-saved")).to_have_text("saved ✓")
    made = page.evaluate("sent.filter((each) => each.name === 'correct')")
    assert [list(each["degrees"]) for each in made] == [["happy"], ["sad"]]


def test_a_saved_correction_draws_nothing_anew_and_leaves_the_reasons_alone(page: Page):
    page.keyboard.press("j")
    quote = page.locator(".tl-quote")
    expect(quote).to_be_visible()
    _hold(page, "correct")
    page.evaluate("window.shown = ['.tl-quote', '.tl-name'].map((each) => document.querySelector(each))")
    page.keyboard.press("3")
    expect(page.locator(".tl-said")).to_contain_text("You: neutral")
    page.evaluate(
        """() => new Promise((drawn) => requestAnimationFrame(() => {
            window.painted = 0;
            const paint = work.painter.paint.bind(work.painter);
            work.painter.paint = () => { window.painted += 1; paint(); };
            drawn();
        }))"""
    )
    _release(page, "correct")
    expect(page.locator(".tl-saved")).to_have_text("saved ✓")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert page.evaluate("painted") == 0
    assert page.evaluate("shown.every((each) => each.isConnected)")


def test_what_takes_the_studio_long_is_asked_for_once_somebody_rests_or_points_there(page: Page):
    asked = "asked.filter((each) => each === 'pulled').length"
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)
    for _ in range(4):
        page.keyboard.press("j")
        page.clock.run_for(1000)
    assert page.evaluate(asked) == 0
    page.clock.run_for(1500)
    expect(page.locator(".tl-changed")).to_have_text("Louder would do it.")
    page.keyboard.press("k")
    page.clock.run_for(200)
    expect(page.locator(".tl-behind")).to_contain_text("Looking for what would change it")
    page.locator(".tl-why").hover()
    page.clock.run_for(20)
    expect(page.locator(".tl-changed")).to_have_text("Louder would do it.")
    assert page.evaluate(asked) == 2
    _hold(page, "explain")
    page.evaluate("asked.length = 0")
    for _ in range(4):
        page.keyboard.press("j")
        page.clock.run_for(300)
    assert page.evaluate("asked.filter((each) => each === 'explain').length") == 1, "one at a time"
