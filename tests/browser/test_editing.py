"""Editing without a mouse, painting while the clip plays, labels before suggestions, review, history."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotations.store import Store
from tests.browser.conftest import OpenPage
from tests.browser.page import done, kept, open_as, plays_to, press_until, saved, seek

pytestmark = pytest.mark.browser


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def labels(home: Path, clip: int, name: str) -> list[tuple[str, float, float]]:
    return [(each.emotion, each.start_s, each.end_s) for each in kept(home, clip, name)]


def make_segment(page: Page, start_s: float, end_s: float, key: str) -> None:
    seek(page, start_s)
    press(page, "Insert")
    seek(page, end_s)
    press(page, "o", key)
    saved(page)


def test_segments_are_split_merged_trimmed_and_nudged_by_key_and_each_is_one_undo(
    visit: OpenPage, clip: int, app_home: Path
):
    page = open_as(visit, clip, "Editor")
    make_segment(page, 10.0, 14.0, "2")
    seek(page, 12.0)
    press(page, "s")
    expect(page.locator(".tl-message")).to_contain_text("Split at 00:12.00")
    saved(page)
    assert labels(app_home, clip, "Editor") == [("happy", 10.0, 12.0), ("happy", 12.0, 14.0)]
    press(page, "Control+z")
    expect(page.locator(".tl-message")).to_contain_text("Undone")
    done(page)
    assert labels(app_home, clip, "Editor") == [("happy", 10.0, 14.0)]

    page.locator("#timeline .tl").focus()
    make_segment(page, 20.0, 22.0, "4")
    press(page, "x")
    expect(page.locator(".tl-when")).to_have_text("20.1 – 22.1 s")
    press(page, "Shift+Z")
    expect(page.locator(".tl-when")).to_have_text("19.1 – 21.1 s")
    seek(page, 19.5)
    press(page, "i")
    expect(page.locator(".tl-when")).to_have_text("19.5 – 21.1 s")
    saved(page)
    page.get_by_label("Previous segment").click()
    press_until(page, "k", lambda: "10.0 – 14.0" in page.locator(".tl-when").inner_text())
    press(page, "m")
    expect(page.locator(".tl-message")).to_contain_text("Merged: happy, 10.0 – 21.1 s")
    saved(page)
    assert labels(app_home, clip, "Editor") == [("happy", 10.0, 21.1)]
    press(page, "Control+z")
    expect(page.locator(".tl-message")).to_contain_text("Undone")
    done(page)
    assert sorted(labels(app_home, clip, "Editor")) == [("happy", 10.0, 14.0), ("sad", 19.5, 21.1)]


def test_painting_takes_off_the_reaction_time_and_keeps_the_raw_times(
    visit: OpenPage, clip: int, app_home: Path, app_url: str
):
    page = open_as(visit, clip, "Painter")
    press(page, "t")
    page.get_by_label("Reaction time in seconds").fill("0.30")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-part=calibration]")).to_be_hidden()
    expect(page.locator("[data-part=paint]")).to_have_attribute("aria-pressed", "true")
    page.evaluate("document.querySelector('#timeline video').muted = true")
    seek(page, 18.0)
    press(page, "Space")
    plays_to(page, 18.5)
    page.keyboard.down("4")
    plays_to(page, 18.9)
    page.keyboard.down("2")
    plays_to(page, 19.8)
    page.keyboard.up("2")
    plays_to(page, 20.2)
    press(page, "Space")  # stopping the clip ends what is still held
    saved(page)
    page.keyboard.up("4")
    sad, happy = kept(app_home, clip, "Painter")
    assert (sad.emotion, happy.emotion) == ("sad", "happy")
    for each in (sad, happy):
        assert each.painted is not None
        assert each.painted.reaction_s == pytest.approx(0.3)
        assert each.start_s == pytest.approx(each.painted.start_s - 0.3)
        assert each.end_s == each.painted.end_s
    assert sad.start_s < happy.start_s < happy.end_s < sad.end_s
    press(page, "j")
    press_until(page, "k", page.locator(".tl-painted").is_visible)
    page.get_by_role("button", name="use the key's time").click()
    saved(page)
    raw = {each.painted.start_s for each in (sad, happy) if each.painted}
    assert raw & {start for _, start, _ in labels(app_home, clip, "Painter")}


def test_the_reaction_time_is_measured_in_ten_seconds(visit: OpenPage, clip: int):
    """Ten seconds of the page's own clock, which stands still unless the test moves it."""
    page = open_as(visit, clip, "Quick")
    page.clock.install()
    page.locator("[data-part=cues] summary").click()
    page.locator("[data-part=reaction]").click()
    page.clock.pause_at(page.evaluate("Math.random = () => 0.5, Date.now()") + 1000)
    page.get_by_role("button", name="Start", exact=True).click()
    for _ in range(7):
        expect(page.locator(".tl-go")).to_have_count(0)
        page.clock.run_for(1500)  # the disc changes after 1.2 s
        expect(page.locator(".tl-go")).to_have_count(1)
        press(page, "Space")
    expect(page.locator("[data-part=calibration] [role=status]")).to_contain_text("the middle one of 7")
    measured = float(page.get_by_label("Reaction time in seconds").input_value())
    assert measured == pytest.approx(0.3, abs=0.03)
    page.clock.resume()
    page.get_by_role("button", name="Save", exact=True).click()
    done(page)
    page.reload()
    expect(page.locator("[data-part=reaction]")).to_contain_text(f"{measured:.2f} s")


def test_any_earlier_state_of_a_segment_is_brought_back_from_its_history(visit: OpenPage, clip: int, app_home: Path):
    page = open_as(visit, clip, "Historian")
    press(page, "j", "2")
    saved(page)
    press(page, "5")
    saved(page)
    press(page, "h")
    lines = page.locator("[data-part=histories] li")
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("Historian made it")
    lines.nth(1).get_by_role("button", name="Bring back happy").click()
    expect(lines).to_have_count(3)
    expect(lines.first).to_contain_text("brought an earlier state back")
    press(page, "Escape", "Delete")
    saved(page)
    assert labels(app_home, clip, "Historian") == []
    press(page, "h")
    page.get_by_role("button", name="Bring back surprised").first.click()
    done(page)
    press(page, "Escape")
    assert [emotion for emotion, _, _ in labels(app_home, clip, "Historian")] == ["surprised"]


def test_where_labels_come_first_the_model_shows_only_after_them(
    visit: OpenPage, clip: int, app_home: Path, app_url: str
):
    store = Store(f"sqlite:///{app_home / 'studio.sqlite3'}")
    study = store.clip(clip).study_id
    store.change_settings(study, mode="label first")
    try:
        page = open_as(visit, clip, "Unled")
        press(page, "j")
        expect(page.locator(".tl-said")).to_contain_text("Not labelled yet")
        expect(page.locator(".tl-degree").first).to_have_text("")
        expect(page.locator(".tl-quote")).to_have_count(0)
        press(page, "v")
        expect(page.locator(".tl-message")).to_contain_text("Label first")
        press(page, "1")
        saved(page)
        expect(page.locator(".tl-said")).to_contain_text("You: angry · suggested:")
        (first,) = kept(app_home, clip, "Unled")
        assert first.answers is not None
        assert not first.answers.shown
        press(page, "v")
        expect(page.locator("[data-part=reveal]")).to_be_hidden()
        press(page, "j", "j", "j", "Enter")
        saved(page)
        shown = [
            each.answers.shown for each in store.annotations(clip_id=clip) if each.annotator == "Unled" and each.answers
        ]
        assert sorted(shown) == [False, True]
    finally:
        store.change_settings(study, mode="suggestions first")
        store.close()


def test_a_reviewer_settles_what_people_say_differently(visit: OpenPage, clip: int, app_home: Path):
    store = Store(f"sqlite:///{app_home / 'studio.sqlite3'}")
    one, other = store.annotator("Rater one").id, store.annotator("Rater two").id
    made = [
        store.annotate(clip, one, 24.0, 26.0, {"happy": 1.0}),
        store.annotate(clip, other, 24.0, 26.1, {"happy": 0.6, "sad": 0.4}),
        store.annotate(clip, one, 27.0, 29.0, {"angry": 1.0}),
        store.annotate(clip, other, 27.0, 29.0, {"sad": 1.0}, note="cries"),
    ]
    try:
        page = open_as(visit, clip, "Reviewer")
        press(page, "r")
        expect(page.locator(".tl-name-mine")).to_have_text("consensus")
        expect(page.locator(".tl-name-suggested")).to_have_text("people")
        seek(page, 27.5)
        press(page, "j", "k")
        press_until(page, "n", lambda: "27.0 –" in page.locator(".tl-when").inner_text())
        expect(page.locator(".tl-said")).to_contain_text("People differ here.")
        expect(page.locator(".tl-person")).to_contain_text(["Rater one", "Rater two"])
        page.get_by_role("button", name="Take what Rater two says").click()
        saved(page)
        (settled,) = store.annotations(clip_id=clip, annotator_id=store.consensus().id)
        assert (settled.emotion, settled.start_s, settled.annotator) == ("sad", 27.0, "Consensus")
        assert store.history(settled.id)[0].actor == "Reviewer"
        press(page, "r")
        expect(page.locator(".tl-name-mine")).to_have_text("Reviewer")
        expect(page.locator(".tl-name-other", has_text="Consensus")).to_be_visible()
    finally:
        for each in [*made, *store.annotations(clip_id=clip, annotator_id=store.consensus().id)]:
            store.remove(each.id, each.version, each.annotator_id)
        store.close()


def test_finished_clips_and_the_place_on_a_clip_are_remembered(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Finisher")
    with page.expect_response(lambda answer: bool(re.search(r"position_s\W+9", answer.request.post_data or ""))):
        seek(page, 9.0)
    press(page, "f")
    expect(page.locator("[data-part=finish]")).to_have_text("finished ✓")
    page.reload()
    expect(page.locator("[data-part=now]")).to_have_text("00:09.00")
    expect(page.locator("[data-part=finish]")).to_have_attribute("aria-pressed", "true")
    page.locator("#timeline .tl").focus()
    press(page, "Control+z")
    expect(page.locator("[data-part=finish]")).to_have_text("finish")


def test_all_that_the_model_is_sure_of_is_accepted_at_once_and_undone_at_once(
    visit: OpenPage, clip: int, app_home: Path
):
    page = open_as(visit, clip, "Truster")
    press(page, "Shift+Enter")
    expect(page.locator(".tl-message")).to_contain_text(re.compile("Accepted .* sure of"))
    done(page)
    assert labels(app_home, clip, "Truster")
    press(page, "Control+z")
    expect(page.locator(".tl-message")).to_contain_text("Undone")
    done(page)
    assert labels(app_home, clip, "Truster") == []


def test_the_threshold_of_hatching_is_a_slider_for_the_whole_study(visit: OpenPage, clip: int):
    page = open_as(visit, clip, "Doubter")
    page.locator("[data-part=cues] summary").click()
    slider = page.get_by_label("Hatch suggestions from this uncertainty on")
    slider.fill("100")
    expect(page.locator("[data-part=threshold-value]")).to_have_text("100 %")
    done(page)
    other = open_as(visit, clip, "Another")
    expect(other.locator("[data-part=threshold-value]")).to_have_text("100 %")
    press(other, "n")
    expect(other.locator(".tl-message")).to_contain_text("Nothing on this clip needs attention")
    slider.fill("60")
    expect(page.locator("[data-part=threshold-value]")).to_have_text("60 %")


def test_an_emotion_is_found_by_its_name(visit: OpenPage, clip: int, app_home: Path):
    page = open_as(visit, clip, "Finder")
    press(page, "j", "/")
    page.keyboard.type("sur")
    expect(page.locator(".tl-emotion:visible")).to_have_count(1)
    press(page, "Enter")
    saved(page)
    assert [emotion for emotion, _, _ in labels(app_home, clip, "Finder")] == ["surprised"]
