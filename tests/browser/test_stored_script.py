"""Whatever people can write has script in it here: no page of the studio runs it or makes an element of it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from annotations.interchange import FileClip, FileLabel, StudyFile
from app.demo import DEMOS
from app.ingest import Upload
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from tests.browser.chromium import launch
from tests.browser.conftest import DESKTOP, PATIENCE_MS
from tests.browser.page import go_to, saved
from tests.pages import beginning
from tests.serving import serving

pytestmark = pytest.mark.browser

#: Leaves text, attributes in either quote, a script block and a style, and says so where it gets out.
EVIL = "</script></style>'\"><img src=x-evil onerror=ran=1><svg onload=ran=1><a href=javascript:ran=1>"
#: Elements that only :data:`EVIL` could have made.
MADE = "[src='x-evil'], svg[onload], a[href^='javascript']"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, int]]:
    """A studio in which study, emotions, people, files, words, notes and a term are all script; and its clip's id."""
    folder = tmp_path_factory.mktemp("attacked")
    beginning(DEMOS[0].path, folder / "a.mp4", 8.0)
    settings = Settings(home=folder / "home")
    studio = Studio(settings)
    (settings.home / "demo-is-there").touch()
    who = studio.annotator(f"Ana {EVIL}").id
    study = studio.create_study(f"Study {EVIL}", [f"joy {EVIL}", f"woe {EVIL}"])
    clip = studio.ingest(study.id, Upload(folder / "a.mp4", f"clip {EVIL}.mp4", typed=f"Good {EVIL} news"))
    for at, emotion in enumerate([*study.emotion_names] * 2):
        studio.labels.correct(clip.id, who, 2.0 * at, 2.0 * at + 1.5, {emotion: 1.0}, note=f"note {EVIL}")
    other = FileLabel(
        FileClip(clip.name, clip.sha256, clip.duration_s), f"Ben {EVIL}", 0.2, 1.4, {"sad": 1.0}, None, EVIL
    )
    studio.store.import_file(study.name, StudyFile(("sad",), (other.clip,), (other,)))
    studio.adapt(study.id, who)
    studio.store.close()
    with serving(settings) as served:
        yield served, clip.id


def _harmless(page: Page) -> None:
    assert page.evaluate("typeof ran") == "undefined", "a script that somebody wrote has run"
    assert page.locator(MADE).count() == 0, "an element that somebody wrote is there"


def _shows(page: Page, place: str) -> None:
    """What is attacked is on the screen, as the text that it is."""
    expect(page.locator(place).first).to_contain_text("<img src=x-evil onerror=ran=1>")
    _harmless(page)


def test_script_in_all_that_people_write_is_text_on_every_page_and_in_the_report(
    attacked: tuple[Served, int], playwright, tmp_path: Path
) -> None:
    served, clip = attacked
    browser = launch(playwright)
    page = browser.new_page(viewport=DESKTOP, accept_downloads=True)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{served.url}?clip={clip}")
    page.locator("#timeline .tl-open").wait_for()
    name = page.locator("#annotator input, #annotator textarea").first
    name.fill(f"Eve {EVIL}")
    name.press("Enter")
    _shows(page, ".tl-name-mine")
    _shows(page, "#queue")
    page.locator("#timeline .tl").focus()
    for key in ("j", "1", "j"):
        page.keyboard.press(key)
    saved(page)
    expect(page.locator(".tl-quote")).to_contain_text(".")
    page.keyboard.press("h")
    _shows(page, "#timeline dialog[open]")
    page.keyboard.press("Escape")
    _shows(page, "#timeline")
    _harmless(page)

    go_to(page, "views")
    expect(page.locator("#views-memberships .js-plotly-plot")).to_be_visible()
    expect(page.locator("#views-text-signal .js-plotly-plot")).to_be_visible()
    _harmless(page)
    page.locator("#views-memberships .js-plotly-plot").hover()
    _harmless(page)
    with page.expect_download() as report:
        page.get_by_role("link", name="Report of this clip").click()
    report.value.save_as(tmp_path / "report.html")

    page.locator("#tab-rules-button").click()
    expect(page.locator("#rules-list .st-rules li").first).to_be_visible()
    _shows(page, "#rules-list")
    write = page.locator("#rules-write textarea, #rules-write input")
    write.fill(f"IF {EVIL} is high THEN joy")
    page.locator("#rules-look").click()
    expect(page.locator("#rules-said")).not_to_be_empty()
    _harmless(page)
    cue = page.locator("#rules-terms input")
    cue.fill("loudness (voice)")
    cue.press("Enter")
    page.locator("#rules-called textarea, #rules-called input").fill("loud <img src=x-evil onerror=ran=1>")
    page.locator("#rules-rename").click()
    expect(page.locator("#rules-effect, #rules-said").filter(has_text=re.compile("loud|word")).first).to_be_visible()
    _harmless(page)

    page.locator("#tab-adapt-button").click()
    expect(page.locator("#adapt-history tbody tr").first).to_be_visible()
    _shows(page, "#adapt-rules")

    page.locator("#tab-team-button").click()
    _shows(page, "#team-progress")
    expect(page.locator("#team-agreement")).not_to_be_empty()
    page.get_by_text("Who did what").click()
    _shows(page, "#audit-list")

    page.locator("#tab-data-button").click()
    _shows(page, "#data-clips")
    page.locator("#tab-about-button").click()
    expect(page.locator("#about-modalities")).to_contain_text("Face")
    _harmless(page)

    page.goto((tmp_path / "report.html").as_uri())
    _shows(page, "h1")
    _harmless(page)
    browser.close()


def test_a_video_that_is_called_a_page_plays_and_is_none(attacked: tuple[Served, int], playwright) -> None:
    """As older studios kept it: what no player looks at in it is a page with a script."""
    served, clip = attacked
    (media,) = served.studio.files.of(served.studio.store.clip(clip)).glob("original.*")
    script = b"<script>ran=1</script>"
    page_in_it = (8 + len(script)).to_bytes(4, "big") + b"free" + script
    called = media.rename(media.with_name("original.html"))
    called.write_bytes(called.read_bytes() + page_in_it)
    browser = launch(playwright)
    try:
        page = browser.new_page(viewport=DESKTOP, accept_downloads=True)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{served.url}?clip={clip}")
        page.locator("#timeline .tl-open").wait_for()
        page.locator("#timeline .tl").focus()
        page.keyboard.press("Space")
        page.wait_for_function("document.querySelector('#timeline video').currentTime > 0.3")
        with page.expect_download():
            page.evaluate("clip => { location = `/clip/${clip}`; }", clip)
        _harmless(page)
    finally:
        browser.close()
        called.rename(media)
