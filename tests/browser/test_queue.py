"""The order of work in a real Chromium: reasons, finding an emotion, progress, and clips in bulk."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.demo import DEMOS
from app.settings import Settings
from app.studio import Studio
from app.widgets import queue
from tests.browser.conftest import EMOTIONS, OpenPage
from tests.browser.page import done, eventually

pytestmark = pytest.mark.browser

MakeStudy = Callable[[str, int], int]


@pytest.fixture(scope="module")
def studio(app_home: Path, app_url: str) -> Studio:
    """The studio that the app serves, for what a test prepares behind the page."""
    return Studio(Settings(home=app_home))


@pytest.fixture
def make_study(studio: Studio, clip: int) -> MakeStudy:
    """Make a study of its own with some clips, all copies of the one that was analysed; returns its id."""

    def make(name: str, clips: int) -> int:
        study, source = studio.create_study(name, EMOTIONS), studio.clip(clip)
        for number in range(1, clips + 1):
            twin = studio.store.add_clip(
                study.id,
                f"{study.id:04x}{number:012x}{0:048x}",
                f"part {number}.mp4",
                duration_s=source.duration_s,
                has_video=True,
                has_sound=True,
            )
            shutil.copytree(studio.files.of(source), studio.files.of(twin))
            shutil.copytree(studio.files.tracks / source.sha256, studio.files.tracks / twin.sha256)
            studio.store.set_clip_status(twin.id, "ready")
        return study.id

    return make


def _open(visit: OpenPage, study: int, name: str, **options) -> Page:
    page = visit(f"?study={study}", **options)
    page.locator("#timeline .tl-open").wait_for()
    field = page.locator("#annotator input, #annotator textarea").first
    field.fill(name)
    field.press("Enter")
    expect(page.locator(".tl-name-mine")).to_have_text(name)
    expect(page.locator("#queue .qu-lead").first).to_be_visible()
    return page


def _names(page: Page) -> list[str]:
    return page.locator("#queue .qu-card .qu-name").all_text_contents()


def _card(page: Page, name: str):
    return page.locator("#queue .qu-item", has=page.get_by_role("button", name=f"{name} finished"))


def _wait_for_time(page: Page, condition: str) -> None:
    page.wait_for_function(f"(time => {condition})(document.querySelector('#timeline video').currentTime)")


def test_a_reason_opens_its_clip_at_the_moment_it_is_about(visit: OpenPage, make_study: MakeStudy, studio: Studio):
    study = make_study("Reasons", 2)
    page = _open(visit, study, "Reason")
    last = studio.clips(study, studio.annotator("Reason").id).cards[1]
    spots = next(reason for reason in last.reasons if reason.kind == "unsure").spots
    assert len(spots) > 1
    reason = _card(page, last.name).locator('[data-kind="unsure"]')
    for spot in (*spots, spots[0]):
        reason.click()
        expect(page.locator("#timeline [data-part=name]")).to_have_text(last.name)
        _wait_for_time(page, f"Math.abs(time - {spot.start_s}) < 0.1")
        assert page.evaluate("document.querySelector('#timeline video').paused")


def test_an_emotion_is_found_in_all_clips_and_played_by_keys(visit: OpenPage, make_study: MakeStudy, studio: Studio):
    study = make_study("Finding", 3)
    page = _open(visit, study, "Finder")
    page.get_by_role("button", name="Find an emotion").click()
    page.locator("#queue select").select_option("sad")
    moments, looking = studio.find_emotion(study, "sad", by_people=False)
    while looking:
        moments, looking = studio.find_emotion(study, "sad", by_people=False)
    expect(page.locator(".qu-moment")).to_have_count(len(moments))
    expect(page.locator(".qu-found")).to_contain_text(f"{len(moments)} moments in 3 clips")
    page.locator(".qu-moment").first.focus()
    page.keyboard.press("Enter")
    for at, key in enumerate(["ArrowDown", "ArrowDown", "Alt+ArrowUp"]):
        number = [0, 1, 2][at]
        expect(page.locator("#timeline [data-part=name]")).to_have_text(moments[number].clip)
        expect(page.locator(".qu-moment").nth(number)).to_have_attribute("aria-current", "true")
        _wait_for_time(page, f"time > {moments[number].start_s} && time < {moments[number].end_s}")
        page.keyboard.press(key)
    expect(page.locator(".qu-moment").nth(1)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="labelled by people").click()
    expect(page.locator(".qu-found")).to_have_text("Nobody has labelled anything sad yet.")
    page.get_by_role("button", name="Find an emotion").click()
    expect(page.locator("#queue .qu-card")).to_have_count(3)


def test_the_focus_stays_while_cards_change(visit: OpenPage, make_study: MakeStudy, studio: Studio):
    study = make_study("Focus", 3)
    page = _open(visit, study, "Focus")
    second = studio.clips(study, studio.annotator("Focus").id).cards[1]
    _card(page, second.name).locator(".qu-card").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#timeline [data-part=name]")).to_have_text(second.name)
    page.keyboard.press("Tab")
    expect(_card(page, second.name).locator(".qu-lead")).to_be_focused()
    page.get_by_role("button", name=f"{second.name} finished").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#queue .qu-progress")).to_have_text("1 of 3 clips finished")
    expect(page.get_by_role("button", name=f"{second.name} finished")).to_be_focused()


def test_progress_filters_and_names(visit: OpenPage, make_study: MakeStudy):
    page = _open(visit, make_study("Progress", 12), "Progress")
    progress = page.locator("#queue .qu-progress")
    expect(progress).to_have_text("0 of 12 clips finished")
    _card(page, "part 7.mp4").hover()
    page.get_by_role("button", name="part 7.mp4 finished").click()
    expect(progress).to_have_text("1 of 12 clips finished")
    opened = page.locator('#queue .qu-item:has([aria-current="true"])')
    opened.get_by_role("button", name="finished").click()
    expect(page.locator("#timeline [data-part=finish]")).to_have_text("finished ✓")
    expect(progress).to_have_text("2 of 12 clips finished")
    page.locator("#timeline .tl").focus()
    page.keyboard.press("Control+z")
    expect(progress).to_have_text("1 of 12 clips finished")
    page.get_by_role("button", name="finished 1", exact=True).click()
    assert _names(page) == ["part 7.mp4"]
    page.get_by_role("button", name="to do 11").click()
    expect(page.locator("#queue .qu-card")).to_have_count(11)
    page.get_by_role("button", name="disagreements 0").click()
    expect(page.locator("#queue .qu-empty")).to_have_text("No clip fits.")
    page.get_by_role("button", name="all 12").click()
    page.get_by_label("Find clips by name").fill("PART 1")
    assert sorted(_names(page)) == ["part 1.mp4", "part 10.mp4", "part 11.mp4", "part 12.mp4"]
    page.reload()
    expect(progress).to_have_text("1 of 12 clips finished")


def test_a_person_goes_on_where_they_left_off_on_any_machine(visit: OpenPage, make_study: MakeStudy, studio: Studio):
    study = make_study("Resume", 3)
    third = studio.store.clips(study)[2]
    page = visit(f"?study={study}")
    page.locator("#timeline .tl-open").wait_for()
    studio.store.visit(third.id, studio.annotator("Guest").id, 12.5)
    elsewhere = visit(f"?study={study}")
    expect(elsewhere.locator("#timeline [data-part=name]")).to_have_text(third.name)
    _wait_for_time(elsewhere, "Math.abs(time - 12.5) < 0.1")


def test_page_down_goes_on_from_a_clip_that_the_list_has_left_out_since(visit: OpenPage, make_study: MakeStudy):
    page = _open(visit, make_study("Stepping", 6), "Stepper")
    order, name = _names(page), page.locator("#timeline [data-part=name]")
    page.get_by_role("button", name="to do 6").click()
    page.locator("#queue .qu-card").nth(1).click()
    expect(name).to_have_text(order[1])
    page.locator("#timeline .tl").focus()
    page.keyboard.press("f")
    expect(page.locator("#queue .qu-card")).to_have_count(5)
    page.keyboard.press("PageDown")
    expect(name).to_have_text(order[2])
    page.keyboard.press("PageUp")
    expect(name).to_have_text(order[0])
    page.keyboard.press("PageDown")
    expect(name).to_have_text(order[2])
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")  # before the one in between has come
    expect(name).to_have_text(order[4])
    _card(page, order[4]).get_by_role("button", name=f"Remove {order[4]}").click()
    expect(page.locator("#queue .qu-card")).to_have_count(4)
    page.keyboard.press("PageDown")
    expect(name).to_have_text(order[5])


def test_the_mix_is_the_study_s_and_orders_the_queue_at_once(visit: OpenPage, make_study: MakeStudy, studio: Studio):
    study = make_study("Mix", 9)
    page = _open(visit, study, "Mixer")
    page.get_by_role("button", name="Order", exact=True).click()
    for reason in ("never looked at", "modalities contradict each other", "emotion changes here", "random check"):
        page.get_by_label(reason).fill("0")
    expect(page.locator('#queue .qu-lead[data-kind="unsure"]')).to_have_count(9)
    eventually(lambda: studio.study(study).settings.mix["new"], 0)
    second = _open(visit, study, "Other")
    second.get_by_role("button", name="Order", exact=True).click()
    expect(second.locator(".qu-slider", has_text="never looked at").locator(".qu-amount")).to_have_text("none")
    expect(second.locator(".qu-slider", has_text="model unsure").locator(".qu-amount")).to_have_text("normal")


def test_several_clips_are_removed_and_one_undo_brings_them_back(visit: OpenPage, make_study: MakeStudy):
    page = _open(visit, make_study("Removing", 5), "Remover")
    order = _names(page)
    page.get_by_role("button", name="select", exact=True).click()
    page.locator("#queue .qu-card").nth(1).click()
    page.locator("#queue .qu-card").nth(3).click(modifiers=["Shift"])
    expect(page.locator(".qu-selected")).to_contain_text("3 chosen")
    page.locator(".qu-selected").get_by_role("button", name="remove").click()
    expect(page.locator(".tl-message")).to_contain_text(
        "Removed 3 clips with their annotations; Ctrl+Z brings them back."
    )
    expect(page.locator("#queue .qu-card")).to_have_count(2)
    assert _names(page) == [order[0], order[4]]
    page.locator("#timeline .tl").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("#queue .qu-card")).to_have_count(5)


def test_a_folder_is_added_and_what_is_no_new_video_is_listed_at_the_end(visit: OpenPage, clip: int, tmp_path: Path):
    demo = DEMOS[0].path
    week = tmp_path / "week"
    (week / "monday").mkdir(parents=True)
    shutil.copy(demo, week / "copy.mp4")
    shutil.copy(demo, week / "monday" / "copy.mp4")
    (week / "empty.mp4").touch()
    (week / "letter.mp4").write_text("Dear Sir or Madam")
    (week / "notes.txt").write_text("not a video")
    (week / ".hidden").touch()
    page = visit()
    page.locator("#timeline .tl-open").wait_for()
    page.get_by_role("button", name="Add", exact=True).click()
    page.set_input_files("#queue [data-part=folder]", week)
    told = page.locator("#queue .qu-failed")
    expect(told).to_contain_text("5 files not added")
    lines = told.locator("li")
    for sentence in (
        "Left out: notes.txt (not a video, or subtitles without a video of that name).",
        "letter.mp4 is not a video",
        "empty.mp4",
        f"week – copy.mp4 is already here as {demo.name}.",
        f"monday – copy.mp4 is already here as {demo.name}.",
    ):
        expect(lines.filter(has_text=sentence)).to_have_count(1)
    expect(page.get_by_role("button", name="open it")).to_have_count(2)
    expect(page.locator("#queue .qu-job")).to_have_count(1)
    colleague = visit()
    colleague.locator("#timeline .tl-open").wait_for()
    expect(colleague.locator("#queue .qu-job")).to_have_count(0)
    page.reload()
    expect(told).to_contain_text("4 files not added")
    told.get_by_role("button", name="close").click()
    expect(told).to_have_count(0)
    page.reload()
    page.locator("#timeline .tl-open").wait_for()
    expect(page.locator("#queue .qu-job")).to_have_count(0)


def test_one_video_that_is_there_already_is_opened_instead(visit: OpenPage, clip: int, tmp_path: Path):
    twin = shutil.copy(DEMOS[0].path, tmp_path / "talk.mp4")
    page = visit()
    page.locator("#timeline .tl-open").wait_for()
    page.evaluate("document.dispatchEvent(new CustomEvent('stf2m:closed', {detail: {}}))")
    expect(page.locator("#timeline .tl-open")).to_be_hidden()
    page.set_input_files("#queue input[type=file]", twin)
    expect(page.locator("#timeline [data-part=name]")).to_have_text(DEMOS[0].path.name)
    expect(page.locator("#timeline .tl-open")).to_be_visible()
    expect(page.locator("#timeline video")).to_have_attribute("src", re.compile(r"/clip/\d+$"))
    expect(page.locator("#queue .qu-known")).to_contain_text(f"talk.mp4 is already here as {DEMOS[0].path.name}.")


def test_subtitles_go_with_the_video_of_their_name_in_their_folder(browser: Browser):
    script = (Path(queue.__file__).parent / "js" / "sending.js").read_text()
    page = browser.new_page()
    sorted_out = page.evaluate(
        """([script, files]) => {
          const { sortOut } = Function(script + "; return { sortOut };")();
          const { videos, leftOut } = sortOut(files.map(([folder, name]) => ({ folder, file: new File([], name) })));
          return [videos.map((each) => [each.name, each.words && each.words.name]), leftOut];
        }""",
        [script, [["a", "one.mp4"], ["a", "one.en.SRT"], ["b", "one.mp4"], ["b", "two.webm"], ["b", "two.vtt"],
                  ["b", "part 10.mp4"], ["b", "part 9.mp4"],
                  ["b", "stray.srt"], ["b", "photo.jpg"], ["b", ".DS_Store"]]],
    )  # fmt: skip
    page.close()
    assert sorted_out == [
        [["a – one.mp4", "one.en.SRT"], ["b – one.mp4", None], ["part 9.mp4", None], ["part 10.mp4", None],
         ["two.webm", "two.vtt"]],
        ["photo.jpg", "stray.srt"],
    ]  # fmt: skip


def test_labels_are_edited_and_everything_follows(visit: OpenPage, make_study: MakeStudy, studio: Studio):
    study = make_study("Labels", 1)
    who = studio.annotator("Editor").id
    (there,) = studio.store.clips(study)
    studio.labels.correct(there.id, who, 1.0, 3.0, {"happy": 1.0})
    page = _open(visit, study, "Editor")
    page.get_by_role("button", name="Labels", exact=True).click()
    form = page.locator("#labels .lb")
    form.get_by_label("Name of happy").fill("joyful")
    form.get_by_label("Name of happy").press("Enter")
    expect(form.locator(".lb-said")).to_contain_text("happy is called joyful now. 1 annotation follows.")
    expect(page.locator("#queue select option")).to_have_text(["angry", "joyful", "neutral", "sad", "surprised"])
    form.get_by_label("Name of sad").fill("angry")
    form.get_by_label("Name of sad").press("Enter")
    expect(form.locator(".lb-bad")).to_contain_text("angry")
    expect(form.get_by_label("Name of sad")).to_have_value("sad")
    form.get_by_label("Make angry a part of").select_option("sad")
    expect(form.locator(".lb-row")).to_have_count(4)
    form.get_by_role("button", name="Undo").click()
    expect(form.locator(".lb-row")).to_have_count(5)
    form.get_by_label("Name of a new emotion").fill("<b>smug</b>")
    form.get_by_role("button", name="Add").click()
    expect(form.get_by_label("Name of <b>smug</b>")).to_be_visible()
    form.locator("summary").first.click()
    form.get_by_label("Colour 9, #332288").first.click()
    expect(form.locator(".lb-said")).to_contain_text("angry has another colour.")
    form.get_by_label("Label first, then reveal").check()
    form.get_by_label("Close").click()
    page.locator("#timeline .tl").focus()
    page.keyboard.press("j")
    expect(page.locator(".tl-emotion")).to_have_count(6)
    expect(page.locator('.tl-emotion[data-emotion="joyful"]')).to_be_visible()
    assert studio.store.annotations(study_id=study)[0].degrees == {"joyful": 1.0}
    eventually(lambda: studio.study(study).settings.mode, "label first")
    assert studio.study(study).emotions[0].colour == "#332288"
    for _ in range(3):
        page.keyboard.press("Control+z")
        done(page)
    expect(page.locator('.tl-emotion[data-emotion="happy"]')).to_be_visible()
    expect(page.locator(".tl-emotion")).to_have_count(5)
