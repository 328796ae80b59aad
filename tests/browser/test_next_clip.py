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


def _hold(page: Page, *calls: str) -> None:
    page.evaluate("(calls) => calls.forEach((each) => held.add(each))", calls)


def _release(page: Page, call: str) -> None:
    page.evaluate("(call) => { held.delete(call); release(call); }", call)


def _asked_for(page: Page) -> list[int]:
    return page.evaluate("sent.filter((each) => each.name === 'open').map((each) => each.clip)")


def _open_held(page: Page, clip: int) -> None:
    """Another clip is on its way."""
    _hold(page, "open")
    page.evaluate("(clip) => { work.open(clip); }", clip)
    expect(page.locator("[data-part=root]")).to_have_class("tl tl-loading")


def test_while_the_next_clip_is_on_its_way_nothing_is_done_to_the_one_before(page: Page):
    page.keyboard.press("j")
    box = page.locator("[data-part=area]").bounding_box()
    assert box
    row = page.evaluate("work.painter.rows.find((each) => each.kind === 'mine')")
    y = box["y"] + row["top"] + row["height"] / 2
    page.mouse.move(box["x"] + 300, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 340, y, steps=3)
    _open_held(page, 2)
    page.mouse.move(box["x"] + 400, y)
    page.mouse.up()
    for key in ("1", "Enter", "Delete", "Insert", "2", "f", "r", "Space"):
        page.keyboard.press(key)
    page.locator(".tl-emotion").first.evaluate("(button) => button.focus()")
    page.keyboard.press("Enter")
    page.mouse.click(box["x"] + 500, y)
    _release(page, "open")
    expect(_name(page)).to_have_text("clip 2")
    done = {"correct", "edit", "remove", "finish", "accept_sure"}
    assert not done & set(page.evaluate("asked"))
    assert page.evaluate("work.model.draft") is None
    page.keyboard.press("j")
    page.keyboard.press("1")
    assert page.evaluate("sent.findLast((each) => each.name === 'correct').clip") == 2


def test_steps_count_from_the_clip_that_was_asked_for_last(page: Page):
    page.evaluate("""() => {
        window.steps = [];
        document.addEventListener("stf2m:step", ({detail}) => steps.push(detail));
    }""")
    page.keyboard.press("PageDown")
    _open_held(page, 2)
    page.keyboard.press("PageDown")
    page.evaluate("void lost.add('open')")
    _release(page, "open")
    expect(page.locator(".tl-message")).to_contain_text("The studio does not answer")
    page.keyboard.press("PageUp")
    assert page.evaluate("steps") == [{"by": 1, "from": 1}, {"by": 1, "from": 2}, {"by": -1, "from": 1}]
    page.keyboard.press("j")
    page.keyboard.press("1")
    assert page.evaluate("sent.findLast((each) => each.name === 'correct').clip") == 1


def test_what_draws_a_clip_anew_does_not_call_back_the_one_that_was_left(page: Page):
    _open_held(page, 2)
    page.evaluate("document.dispatchEvent(new CustomEvent('stf2m:labels', {detail: {}}))")
    page.evaluate("void work.learning.showAnew(7)")
    assert _asked_for(page) == [1, 2, 2, 2]
    assert page.evaluate("sent.findLast((each) => each.name === 'open').compare_to") == 7
    page.evaluate("void work.setWho({study: 1, annotator: 2, name: 'Ben'})")
    assert _asked_for(page)[-1] == 2
    _release(page, "open")
    expect(_name(page)).to_have_text("clip 2")


def test_a_clip_is_finished_that_was_open_when_somebody_said_so(page: Page):
    page.evaluate("void (answers.finish = ({finished}) => ({finished}))")
    _hold(page, "correct")
    page.keyboard.press("j")
    page.keyboard.press("1")
    page.keyboard.press("f")
    page.evaluate("work.open(2)")
    _release(page, "correct")
    page.wait_for_function("asked.includes('finish')")
    assert page.evaluate("sent.find((each) => each.name === 'finish').clip") == 1
    expect(page.locator("[data-part=finish]")).to_have_text("finish")


def _another_version(page: Page) -> None:
    """Another version of the model answers from now on, with other suggestions."""
    page.evaluate("""() => {
        const {open} = answers;
        answers.open = (asked) => {
            const {timeline} = open(asked);
            const suggestions = timeline.suggestions.map((each) => ({...each, emotion: "happy"}));
            return {timeline: {...timeline, suggestions, version: {...timeline.version, id: 2, number: 2}}};
        };
        const emotions = work.model.emotions.map((each) => each.name);
        const now = {emotions, version: 2, unsure: 0.6, annotations: [], suggestions: null};
        answers.annotations = ({clip}) => ({...now, clip});
    }""")


def test_a_version_that_answers_since_is_seen_when_one_comes_back_to_the_tab(page: Page):
    page.evaluate("work.model.select(work.model.items[6]); work.actions.seek(12.5)")
    expect(page.locator(".tl-said")).not_to_contain_text("happy")
    _another_version(page)
    page.evaluate("void work.setWho({study: 1, annotator: 1, name: 'Ana', clip: 1})")
    expect(page.locator(".tl-said")).to_contain_text("happy")
    expect(page.locator(".tl-when")).to_have_text("12.0 – 14.0 s")
    expect(page.locator("[data-part=now]")).to_have_text("00:12.50")
    assert _asked_for(page) == [1, 1]
    page.evaluate("work.refresh()")
    assert _asked_for(page) == [1, 1], "nothing has changed since"


def test_only_what_was_seen_is_accepted_at_once(page: Page):
    _another_version(page)
    page.evaluate("""void (answers.accept_sure = ({version}) =>
        version === 2 ? {accepted: 3} : {refused: "Another version of the model answers now."})""")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".tl-message")).to_have_text("Another version of the model answers now.")
    assert _asked_for(page) == [1, 1]
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".tl-message")).to_contain_text("Accepted 3 suggestions")


def test_the_threshold_that_somebody_else_has_set_is_drawn(page: Page):
    _another_version(page)
    page.evaluate("""() => {
        const {annotations} = answers;
        answers.annotations = (asked) => ({...annotations(asked), version: 1, unsure: 0.3});
        return work.refresh();
    }""")
    assert page.evaluate("work.model.unsure") == 0.3
    expect(page.locator("[data-part=threshold-value]")).to_have_text("30 %")
