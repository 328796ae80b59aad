"""The researcher's road on a recording of a real person: rules, terms, reasons, what if, adapting, edits, trust."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.ingest import Upload
from app.serving import Served
from app.settings import Settings
from app.studio import Studio
from tests.browser.conftest import DESKTOP, EMOTIONS, PATIENCE_MS
from tests.browser.page import go_to, saved
from tests.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.data]

SPEECH, SMILE = "public_speech_1.mp4", "happy.mp4"


@pytest.fixture(scope="module")
def study(real_clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A study of two recordings, one long with words, one short."""
    settings = Settings(home=tmp_path_factory.mktemp("real"))
    studio = Studio(settings)
    (settings.home / "demo-is-there").touch()
    made = studio.create_study("Recordings", EMOTIONS)
    for name in (SPEECH, SMILE):
        studio.ingest(made.id, Upload(real_clips[name], name))
    studio.store.close()
    with serving(settings) as served:
        yield served


@pytest.fixture
def page(study: Served, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, accept_downloads=True)
    page = context.new_page()
    wrong: list[str] = []
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{study.url}?clip=1")
    page.locator("#timeline .tl-open").wait_for()
    page.evaluate("document.querySelectorAll('video').forEach((video) => { video.muted = true; })")
    yield page
    context.close()
    assert not wrong, wrong


def _tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}-button").click()


def test_rules_of_a_recording_are_browsed_and_their_terms_and_firing_seen(page: Page) -> None:
    go_to(page, "rules")
    rules, count = page.locator("#rules-list .st-rules li"), page.locator("#rules-list .st-count")
    expect(rules.first).to_contain_text(re.compile(r"if .+ is (low|medium|high).* then \w+\s\d\.\d\d", re.IGNORECASE))
    expect(rules.first).to_contain_text(re.compile(r"weight [\d.]+% of all firing"))
    expect(rules.first).to_contain_text(re.compile(r"\d+ of the \d+ segments here"))
    total = int(re.findall(r"\d+", count.inner_text())[-1])
    expect(rules.locator(".st-spark polyline")).to_have_count(total)
    for place, choice in (("modality", "face"), ("emotion", "happy")):
        page.locator(f"#rules-{place} input").click()
        page.locator(f"#rules-{place}").get_by_role("option", name=choice, exact=True).click()
        expect(count).to_have_text(re.compile(rf"^\d+ of {total} rules$"))
    page.locator("#rules-order input").click()
    page.locator("#rules-order").get_by_role("option").last.click()
    expect(rules.first).to_be_visible()

    curves = page.locator("#rules-membership .js-plotly-plot")
    page.locator("#rules-terms input").fill("smile (face)")
    page.locator("#rules-terms input").press("Enter")
    expect(page.locator("#rules-meaning")).to_contain_text("corners of the mouth")
    page.wait_for_function(
        """() => { const plot = document.querySelector('#rules-membership .js-plotly-plot');
           return plot?.layout?.meta?.cue === 'smile' && plot.data.some((trace) => trace.type === 'bar')
             && plot.data.filter((trace) => trace.meta?.term).length === 3; }"""
    )
    expect(curves.locator(".st-cursor-line span")).to_contain_text(re.compile(r"low|medium|high"))

    plot = page.locator("#rules-firing .js-plotly-plot")
    page.wait_for_function("document.querySelector('#player-rules video').readyState >= 2")
    before = page.evaluate("document.querySelector('#player-rules video').currentTime")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.4 * box["height"])
    page.wait_for_function(
        "(was) => Math.abs(document.querySelector('#player-rules video').currentTime - was) > 1", arg=before
    )
    page.get_by_text("where it fires most").first.click()
    moment = page.locator(".st-moments[open] button").first
    at = float(moment.get_attribute("data-at") or "nan")
    moment.click()
    page.wait_for_function("(at) => document.querySelector('#timeline video').currentTime >= at - 0.1", arg=at)


def test_a_recordings_answers_are_explained_questioned_and_edited(page: Page) -> None:
    page.locator("#timeline .tl").focus()
    for key in ("2", "4", "1"):
        page.keyboard.press("j")
        page.keyboard.press(key)
    saved(page)
    page.keyboard.press("j")
    expect(page.locator(".tl-quote")).to_contain_text(re.compile(r"\w+ .*\."))
    expect(page.locator(".tl-share-word").first).to_contain_text("%")
    expect(page.locator(".tl-behind")).to_contain_text("owards")
    expect(page.locator(".tl-changed")).to_contain_text("would")
    page.locator(".tl-why-not select").select_option(index=1)
    expect(page.locator(".tl-why-not").get_by_role("status")).to_have_text(re.compile(r"would"))
    page.get_by_text("What if …").click()
    slider = page.locator(".tl-what-if input").first
    slider.press("Home" if slider.evaluate("(one) => one.value - one.min > one.max - one.value") else "End")
    expect(page.locator(".tl-what-if [role=status]")).to_have_text(re.compile(r"^Then: \w+ [01]\.\d\d\.$"))

    _tab(page, "adapt")
    page.locator("#adapt-button").click()
    expect(page.locator("#adapt-rules")).to_contain_text("What happened to the rules")
    expect(page.locator("#adapt-rules .st-moved li").first.locator("svg circle.st-was").first).to_be_visible()

    _tab(page, "rules")
    page.locator("#rules-write textarea, #rules-write input").fill(
        "IF brow lowerer is high AND loudness is high THEN angry"
    )
    page.locator("#rules-look").click()
    expect(page.locator("#rules-effect")).to_contain_text(re.compile(r"\d+ → \d+\s*of the study's \d+ corrections"))
    page.locator("#rules-keep").click()
    expect(page.locator("#rules-list .st-rules li").first).to_contain_text("written by Guest")
    page.locator("#rules-said .st-takeback").click()
    expect(page.locator("#rules-list .st-rules")).not_to_contain_text("written by Guest")

    page.locator("#trust-look").click()
    expect(page.locator("#trust-found section")).to_have_count(7)
    with page.expect_download() as rules:
        page.locator("#rules-away a", has_text="LaTeX").click()
    assert "longtable" in rules.value.path().read_text(encoding="utf-8")

    _tab(page, "views")
    expect(page.locator("#views-memberships .js-plotly-plot .st-cursor-line")).to_have_count(1)
    with page.expect_download() as report:
        page.get_by_role("link", name="Report of this clip").click()
    told = report.value.path().read_text(encoding="utf-8")
    assert SPEECH in told
    assert "of the evidence" in told
