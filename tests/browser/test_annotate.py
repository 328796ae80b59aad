"""An annotator's day in a real Chromium: the main job from end to end, and what must never go wrong on the way."""

import re

import httpx
import pytest
from playwright.sync_api import Request, Route, expect

from tests.browser.conftest import PATIENCE_MS, PHONE, OpenPage
from tests.browser.page import emotion_button, mine, open_as, saved

pytestmark = pytest.mark.browser


def test_the_main_job(visit: OpenPage, clip: int):
    """Correct three segments by keyboard, reload, undo one, adapt, see before and after, go back."""
    page = open_as(visit, clip, "Main")
    for key, emotion in (("2", "happy"), ("4", "sad"), ("1", "angry")):
        page.keyboard.press("j")
        page.keyboard.press(key)
        expect(emotion_button(page, emotion)).to_have_attribute("aria-pressed", "true")
    saved(page)
    expect(page.locator(".tl-counts")).to_contain_text("3 corrections")
    assert sorted(emotion for emotion, _, _ in mine(page)) == ["angry", "happy", "sad"]

    page.locator("#timeline .tl-open").wait_for()
    expect(page.locator("#queue .qu-facts").first).to_contain_text("yours")
    page.keyboard.press("Control+z")
    expect(page.locator(".tl-message")).to_contain_text("Undone: the new angry")
    expect(page.locator(".tl-counts")).to_contain_text("2 corrections (happy 1, sad 1)")
    expect(page.locator(".tl-bar .st-primary")).to_be_disabled()
    expect(page.locator(".tl-figures")).to_contain_text("1 more correction is needed")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".tl-counts")).to_contain_text("3 corrections")

    page.locator(".tl-bar .st-primary").click()
    expect(page.locator(".tl-figures")).to_contain_text(re.compile(r"held-out corrections: \d+ % → \d+ % \(3\)"))
    names = page.locator(".tl-gutter .tl-name-suggested")
    expect(names).to_have_text(["before", "after"])
    expect(page.locator("#model-version")).to_contain_text("model 2 · adapted to 3 corrections")
    page.get_by_role("button", name="Go back to model 1").click()
    expect(names).to_have_text(["suggested"])
    expect(page.locator("#model-version")).to_contain_text("model 1")

    second = visit(f"?clip={clip}")
    expect(second.locator(".tl-name-other", has_text="Main")).to_be_visible()


def test_accept_and_next_walks_through_the_clip(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Walker")
    page.keyboard.press("j")
    first = page.locator(".tl-when").inner_text()
    page.keyboard.press("Enter")
    expect(page.locator(".tl-when")).not_to_have_text(first)
    page.keyboard.press("k")
    expect(page.locator(".tl-when")).to_have_text(first)
    expect(page.locator(".tl-said")).to_contain_text("You: ")
    page.keyboard.press("Delete")
    expect(page.locator(".tl-said")).to_contain_text(re.compile("Suggested: |The model does not know. Its guess: "))
    saved(page)
    assert mine(page) == []


def test_the_mouse_makes_moves_and_trims_a_segment(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Mouse")
    area = page.locator(".tl-area").bounding_box()
    lane = page.locator(".tl-name-mine").bounding_box()
    y = lane["y"] + lane["height"] / 2
    duration = page.evaluate("document.querySelector('#timeline video').duration")

    def x(time: float) -> float:
        return area["x"] + time / duration * area["width"]

    def drag(start: float, end: float) -> None:
        page.mouse.move(x(start), y)
        page.mouse.down()
        page.mouse.move(x((start + end) / 2), y, steps=4)
        page.mouse.move(x(end), y, steps=4)
        page.mouse.up()

    page.keyboard.down("Alt")
    drag(10.0, 14.0)
    expect(page.locator(".tl-said")).to_contain_text("New segment")
    page.keyboard.up("Alt")
    page.keyboard.press("5")
    saved(page)
    page.keyboard.down("Alt")
    drag(14.0, 16.0)
    saved(page)
    drag(13.0, 12.0)
    page.keyboard.up("Alt")
    saved(page)
    ((emotion, start, end),) = mine(page)
    assert emotion == "surprised"
    assert (start, end) == (pytest.approx(9.0, abs=0.15), pytest.approx(15.0, abs=0.15))


def test_several_degrees_intensity_and_a_note(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Degrees")
    page.keyboard.press("j")
    page.keyboard.press("2")
    page.locator(".tl-editor summary").click()
    page.get_by_label("Degree of happy").fill("0.7")
    page.get_by_label("Degree of sad").fill("0.3")
    page.get_by_label("intensity").fill("0.5")
    page.get_by_label("Note on this segment").fill("<b>sees the letter</b>")
    page.get_by_label("Note on this segment").press("Escape")
    expect(page.locator(".tl-said")).to_contain_text("happy 0.70 + sad 0.30")
    saved(page)
    page.reload()
    page.locator("#timeline .tl-open").wait_for()
    page.keyboard.press("j")
    expect(page.locator(".tl-said")).to_contain_text("happy 0.70 + sad 0.30")
    expect(page.get_by_label("Note on this segment")).to_have_value("<b>sees the letter</b>")
    expect(page.get_by_label("intensity")).to_have_value("0.5")


def test_a_lost_connection_loses_no_correction(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Offline")

    def cut(route: Route) -> None:
        route.abort("connectionrefused")

    page.route("**/component_server/", cut)
    page.keyboard.press("j")
    page.keyboard.press("3")
    expect(page.locator(".tl-saved")).to_contain_text("not saved (1): the studio does not answer")
    page.keyboard.press("1")
    kept = page.evaluate(
        "Object.entries(localStorage).filter(([key]) => key.startsWith('stf2m.outbox.')).map(e => e[1])"
    )
    assert '"angry":1' in kept[0]
    expect(page.get_by_role("button", name="Try again now")).to_be_visible()
    page.unroute("**/component_server/")
    saved(page)
    assert [emotion for emotion, _, _ in mine(page)] == ["angry"]
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('stf2m.outbox.'))") == []


def test_a_reload_before_the_answer_loses_no_correction_and_doubles_none(visit: OpenPage, clip: int):
    """The server has saved it, but the page never hears so and is loaded again: it sends it once more."""
    page = open_as(visit, clip, "Reload")

    def swallow(route: Route) -> None:
        if '"correct"' in (route.request.post_data or ""):
            route.fetch()
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/component_server/", swallow)
    page.keyboard.press("j")
    page.keyboard.press("4")
    expect(page.locator(".tl-saved")).to_contain_text("not saved (1)")
    page.unroute("**/component_server/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    page.locator("#timeline .tl-open").wait_for()
    saved(page)
    assert [emotion for emotion, _, _ in mine(page)] == ["sad"]


def test_after_a_long_rest_the_server_is_told_again_who_works_on_what(visit: OpenPage, clip: int):
    """Gradio forgets a page an hour after its connection broke, while a machine slept, say; its tabs would be empty."""
    page = open_as(visit, clip, "After lunch")
    page.clock.install()

    def tells(request: Request) -> bool:
        return "queue/join" in request.url and f'"clip":{clip},' in (request.post_data or "")

    with page.expect_request(tells):
        page.clock.fast_forward("30:00")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_two_windows_changing_one_segment_get_a_choice(visit: OpenPage, clip: int):
    first = open_as(visit, clip, "Twice")
    first.keyboard.press("j")
    first.keyboard.press("1")
    saved(first)
    second = open_as(visit, clip, "Twice")
    second.keyboard.press("j")
    second.keyboard.press("2")
    saved(second)
    first.keyboard.press("4")
    dialog = first.locator("dialog[open]")
    expect(dialog).to_contain_text("changed elsewhere meanwhile")
    expect(dialog.locator(".tl-version")).to_have_count(2)
    expect(dialog.locator(".tl-version").first).to_contain_text("happy")
    dialog.get_by_text("Save yours").click()
    saved(first)
    assert [emotion for emotion, _, _ in mine(second)] == ["sad"]


def test_the_keys_work_wherever_the_focus_is_and_typing_is_typing(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Keys")
    page.keyboard.press("j")
    page.keyboard.press("j")
    when = page.locator(".tl-when").inner_text()
    page.locator('[data-do="loop"]').click()
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.locator("#queue .qu-card").first.click()
    page.keyboard.press("Enter")
    expect(page.locator(".tl-when")).not_to_have_text(when)
    page.keyboard.press("k")
    expect(page.locator(".tl-said")).to_contain_text("You: ")
    expect(page.locator(".tl-when")).to_have_text(when)
    page.keyboard.press("2")
    page.locator(".tl-editor summary").click()
    note = page.get_by_label("Note on this segment")
    note.fill("")
    note.press_sequentially("jk 3")
    expect(page.locator(".tl-when")).to_have_text(when)
    expect(emotion_button(page, "happy")).to_have_attribute("aria-pressed", "true")
    note.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("next segment that needs attention")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="About").click()
    page.keyboard.press("3")
    page.get_by_role("tab", name="Annotate").click()
    expect(emotion_button(page, "happy")).to_have_attribute("aria-pressed", "true")
    page.locator("#timeline .tl").focus()
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('#timeline video').currentTime > 0.3")
    page.keyboard.press("Space")
    assert page.evaluate("document.querySelector('#timeline video').paused")


def test_a_phone_shows_video_timeline_and_labels_in_this_order(visit: OpenPage, clip: int):
    page = visit(f"?clip={clip}", viewport=PHONE, has_touch=True, is_mobile=True)
    page.locator("#timeline .tl-open").wait_for()
    expect(page.locator('#queue [aria-current="true"]')).to_have_count(1)
    assert page.evaluate("scrollY") == 0
    page.locator(".tl-area").tap()
    expect(page.locator(".tl-emotion").first).to_be_visible()
    tops = [
        page.locator(each).first.bounding_box()["y"] for each in (".tl-picture", ".tl-area", ".tl-emotion", ".qu-list")
    ]
    assert tops == sorted(tops)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="+ new").tap()
    expect(page.locator(".tl-said")).to_contain_text("New segment")
    page.locator(".tl-emotion").last.tap()
    saved(page)
    expect(page.locator(".tl-said")).to_contain_text("You: surprised")
    for button in page.locator(".tl-emotion, .tl-transport button:visible").all():
        assert button.bounding_box()["height"] >= 40


def test_names_are_text_and_never_markup(visit: OpenPage, app_url: str, tmp_path):
    page = visit()
    nasty = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    nasty.write_bytes(b"this is no video")
    page.on("dialog", lambda dialog: pytest.fail(f"A script ran: {dialog.message}"))
    page.locator("#queue .qu-head").wait_for()
    page.set_input_files("#queue input[type=file]", nasty)
    failed = page.locator("#queue .qu-failed")
    expect(failed).to_contain_text("<img src=x onerror=alert(1)>.mp4")
    failed.get_by_role("button", name="close").click()
    expect(failed).to_have_count(0)
    assert page.locator("#queue img").count() == 0


def test_clips_are_served_by_id_in_ranges(clip: int, app_url: str):
    with httpx.Client(base_url=app_url, timeout=PATIENCE_MS / 1000) as web:
        part = web.get(f"/clip/{clip}", headers={"Range": "bytes=100-199"})
        assert part.status_code == 206
        assert len(part.content) == 100
        assert part.headers["content-range"].startswith("bytes 100-199/")
        assert web.get(f"/clip/{clip}/thumbnail").headers["content-type"] == "image/jpeg"
        missing = web.get("/clip/9999")
        assert missing.status_code == 404
        assert missing.text == "There is no such clip, or it has been removed."
        assert web.post("/upload/never-announced", content=b"x").status_code == 404
        huge = web.post("/upload", json={"study": 1, "name": "huge.mp4", "size": 2**40})
        assert "larger than the limit of 1024 MiB" in huge.json()["refused"]
