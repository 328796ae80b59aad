"""Clips labelled from nothing to finished by keyboard alone, and what the same labels cost elsewhere."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotations.records import AnnotationRecord
from annotations.store import Store
from tests.browser.conftest import ANALYSIS_MS, OpenPage
from tests.browser.page import open_as, plays_to, saved

pytestmark = pytest.mark.browser

#: What somebody hears in the 26 seconds: (start, end, key of the emotion, emotion).
PLAN = [
    (0.8, 3.4, "3", "neutral"), (3.6, 6.2, "2", "happy"), (6.6, 9.0, "5", "surprised"), (9.2, 12.4, "3", "neutral"),
    (12.8, 15.0, "1", "angry"), (15.2, 18.4, "4", "sad"), (18.8, 21.0, "2", "happy"), (21.4, 25.0, "3", "neutral"),
]  # fmt: skip


#: Notes where the clip is when a key goes down and when it goes up.
WATCH = """() => {
    const video = document.querySelector("#timeline video");
    window.held = [];
    for (const what of ["keydown", "keyup"]) addEventListener(what, () => window.held.push(video.currentTime), true);
}"""


class Keyboard:
    """Presses keys and counts them."""

    def __init__(self, page: Page):
        self.page, self.presses = page, 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.presses += 1

    def hold(self, key: str, start_s: float, end_s: float) -> None:
        """Hold a key while the clip plays from one moment to another."""
        plays_to(self.page, start_s)
        self.page.keyboard.down(key)
        self.presses += 1
        plays_to(self.page, end_s)
        self.page.keyboard.up(key)


def label_studio(segments: int) -> int:
    """The mouse actions that Label Studio's timeline takes: per segment choose a label, then click and drag (or, while
    it records, click the label again); at the end Submit. https://labelstud.io/tags/timelinelabels
    """
    return 2 * segments + 1


def labelled(home: Path, clip: int, name: str) -> list[AnnotationRecord]:
    """What a person said about a clip, by time; they must have finished it."""
    store = Store(f"sqlite:///{home / 'studio.sqlite3'}")
    try:
        person = store.annotator(name).id
        finished = [each for each in store.visits(1) if (each.clip_id, each.annotator_id) == (clip, person)]
        assert finished
        assert finished[0].finished
        return store.annotations(clip_id=clip, annotator_id=person)
    finally:
        store.close()


def test_suggestions_are_accepted_or_corrected_with_one_key_each(visit: OpenPage, clip: int, app_home: Path):
    keyboard = Keyboard(open_as(visit, clip, "One key each"))
    page = keyboard.page
    keyboard.press("j")
    for number in range(200):
        shown = page.locator(".tl-when").inner_text()
        # Every third suggestion is corrected, the others are accepted: one key either way, which also goes on.
        keyboard.press("Shift+Digit4" if number % 3 == 2 else "Enter")
        if "That was the last segment" in page.locator(".tl-message").inner_text():
            break
        expect(page.locator(".tl-when")).not_to_have_text(shown)
    saved(page)
    keyboard.press("f")
    expect(page.locator("[data-part=finish]")).to_have_text("finished ✓")
    there = labelled(app_home, clip, "One key each")
    print(f"{len(there)} segments answered: {keyboard.presses} key presses; elsewhere {label_studio(len(there))}")
    assert len(there) > 5
    assert keyboard.presses == len(there) + 2 < label_studio(len(there))


def test_a_key_pressed_before_the_page_without_a_dialog_is_drawn_is_not_lost(visit: OpenPage, clip: int):
    """A dialog that closes leaves the focus on its button until the next frame; a slow page takes a while for that."""
    page = open_as(visit, clip, "In a hurry")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("t")
    focused = page.evaluate(
        """() => {
            document.querySelector("[data-part=calibration]").close();
            const target = document.activeElement;
            const space = { key: " ", code: "Space", bubbles: true, cancelable: true };
            target.dispatchEvent(new KeyboardEvent("keydown", space));
            return target.textContent;
        }"""
    )
    assert focused == "Start"
    expect(page.locator("[data-part=play]")).to_have_attribute("aria-label", "Pause")


@pytest.mark.data
def test_a_real_clip_is_painted_while_it_plays(
    visit: OpenPage, app_home: Path, real_clips: dict[str, Path], record_property
):
    path = real_clips["public_speech_2.mp4"]
    page = visit("")
    page.locator("#queue .qu-card, #queue :text('No clips yet. Add a video')").first.wait_for()
    page.set_input_files("#queue [data-part=files]", [path])
    expect(page.locator("#timeline .tl-title h2")).to_have_text(path.name, timeout=ANALYSIS_MS)
    clip = int(page.evaluate("new URLSearchParams(location.search).get('clip')"))
    page.evaluate("document.querySelector('#timeline video').muted = true")
    keyboard = Keyboard(page)
    for key in ("t", "Escape"):  # paint, no reaction time
        keyboard.press(key)
    expect(page.locator("[data-part=calibration]")).to_be_hidden()
    for key in (">", ">", ">", "Space"):  # at double speed, play
        keyboard.press(key)
    expect(page.locator("[data-part=play]")).to_have_attribute("aria-label", "Pause")
    page.evaluate(WATCH)
    for start_s, end_s, key, _ in PLAN:
        keyboard.hold(key, start_s, end_s)
    held = page.evaluate("window.held")
    saved(page)
    keyboard.press("f")
    expect(page.locator("[data-part=finish]")).to_have_text("finished ✓")

    there = labelled(app_home, clip, "Guest")
    assert [each.emotion for each in there] == [emotion for *_, emotion in PLAN]
    for each, down_s, up_s in zip(there, held[::2], held[1::2], strict=True):
        assert (each.start_s, each.end_s) == (pytest.approx(down_s, abs=0.05), pytest.approx(up_s, abs=0.05))
    print(f"{len(there)} segments painted: {keyboard.presses} key presses; elsewhere {label_studio(len(there))}")
    record_property("key presses", keyboard.presses)
    record_property("Label Studio's mouse actions", label_studio(len(there)))
    assert keyboard.presses == len(PLAN) + 7 < label_studio(len(there))
