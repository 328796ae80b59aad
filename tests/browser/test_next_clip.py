"""The widget alone, from one clip to the next, and the same clip opened again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import widget

pytestmark = pytest.mark.browser

#: Every clip has words of its own.
OWN_WORDS = """() => {
    const {open} = answers;
    answers.open = (asked) => {
        const {timeline} = open(asked);
        return {timeline: {...timeline, words: [{text: `said on ${asked.clip}`, start_s: 0, end_s: 20}]}};
    };
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = widget.opened(browser, widget.payload(26.0, 13))
    yield page
    page.context.close()


def _name(page: Page):
    return page.locator("[data-part=name]")


def test_the_next_clip_starts_at_its_own_start_with_its_own_words(page: Page):
    page.evaluate(OWN_WORDS)
    page.evaluate("work.open(2)")
    expect(page.locator(".tl-caption")).to_contain_text("said on 2")
    page.evaluate("work.actions.seek(8)")
    page.evaluate("work.open(3)")
    expect(_name(page)).to_have_text("clip 3")
    expect(page.locator("[data-part=now]")).to_have_text("00:00.00")
    expect(page.locator(".tl-caption")).to_contain_text("said on 3")
    page.evaluate("work.visits.tell()")
    assert page.evaluate("sent.filter((each) => each.name === 'visit' && each.clip === 3)") == []
    page.keyboard.press("1")
    assert page.evaluate("sent.findLast((each) => each.name === 'correct').start_s") == 0
    page.evaluate("work.actions.seek(8)")
    page.evaluate("work.open(3, {review: true})")
    expect(page.locator("[data-part=now]")).to_have_text("00:08.00")


def test_a_new_segment_outlives_opening_its_clip_again(page: Page):
    page.evaluate("work.actions.seek(8)")
    page.keyboard.press("Insert")
    page.evaluate("document.dispatchEvent(new CustomEvent('stf2m:labels', {detail: {}}))")
    page.wait_for_function("asked.filter((each) => each === 'open').length === 2")
    expect(page.locator(".tl-said")).to_contain_text("New segment")
    assert page.evaluate("work.model.selected.suggestion === work.model.suggestions.find((each) => each.start_s === 8)")
    page.keyboard.press("1")
    made = page.evaluate("sent.findLast((each) => each.name === 'correct')")
    assert (made["annotation_id"], made["start_s"], made["end_s"]) == (None, 8, 10)
