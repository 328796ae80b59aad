"""The tabs beside Annotate in a real Chromium: one cursor in all plots, rules one can search, and the way back."""

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.page import go_to, open_as, saved

pytestmark = pytest.mark.browser

PLOTS = ".js-plotly-plot:visible"
#: For each plot over time of the open tab: where its cursor is and where the time belongs, in pixels of the plot.
CURSORS = """(time) => [...document.querySelectorAll('.js-plotly-plot')]
  .filter((plot) => plot.offsetParent && plot.layout?.meta?.follows === 'time')
  .map((plot) => {
    const axis = plot._fullLayout.xaxis;
    const line = plot.querySelector('.st-cursor-line');
    const at = !line || line.hidden ? null : line.getBoundingClientRect().left - plot.getBoundingClientRect().left;
    return [at, axis._offset + axis.d2p(time)];
  })"""
INK = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((v) => v > 0)"


def _views(page: Page) -> None:
    go_to(page, "views")
    expect(page.locator("#views-face-cues .js-plotly-plot")).to_be_visible()
    expect(page.locator("#player-views .st-cues span").first).to_be_visible()
    page.wait_for_function("document.querySelector('#player-views video').readyState >= 2")


def _seek(page: Page, time: float) -> None:
    page.evaluate("(time) => { document.querySelector('#player-views video').currentTime = time; }", time)
    _cursors_at(page, time)


def _cursors_at(page: Page, time: float) -> None:
    """Wait until the line of every plot, six at least, stands where the time belongs."""
    there = "found.length >= 6 && found.every(([at, wanted]) => Math.abs(at - wanted) < 2.5)"
    page.wait_for_function(f"(time) => {{ const found = ({CURSORS})(time); return {there}; }}", arg=time)


def test_one_cursor_follows_the_video_in_every_plot(visit: OpenPage, clip: int) -> None:
    """Seek and every line moves; click a plot and the video seeks; zoom one plot and all zoom; play and lines run."""
    page = visit(f"?clip={clip}")
    _views(page)
    _seek(page, 3.3)
    for drawn in (".st-face", ".st-stage"):
        page.wait_for_function(f"({INK})(document.querySelector('#player-views {drawn} canvas'))")
    expect(page.locator("#player-views .st-caption")).not_to_have_text(re.compile(r"^\s*$"))

    box = page.locator("#views-memberships .js-plotly-plot").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 60)
    page.wait_for_function("Math.abs(document.querySelector('#player-views video').currentTime - 3.3) > 1")
    time = page.evaluate("document.querySelector('#player-views video').currentTime")
    _cursors_at(page, time)

    page.evaluate("Plotly.relayout(document.querySelector('#views-shares .js-plotly-plot'), {'xaxis.range': [2, 6]})")
    page.wait_for_function(
        "document.querySelector('#views-face-cues .js-plotly-plot')._fullLayout.xaxis.range.join() === '2,6'"
    )
    section = page.locator("#views-face-others .js-plotly-plot")
    expect(section).to_be_hidden()
    page.get_by_role("button", name=re.compile(r"cues? that move")).first.click()
    expect(section).to_be_visible()
    page.wait_for_function(
        "document.querySelector('#views-face-others .js-plotly-plot')._fullLayout.xaxis.range.join() === '2,6'"
    )
    _seek(page, 3.0)
    line = "document.querySelector('#views-memberships .st-cursor-line').style.transform"
    before = page.evaluate(line)
    page.evaluate("document.querySelector('#player-views video').play()")
    page.wait_for_function(f"(before) => {line} !== before", arg=before)
    page.evaluate("document.querySelector('#player-views video').pause()")


def test_views_fit_a_phone_and_can_be_read_in_the_dark(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}", viewport=PHONE, color_scheme="dark")
    _views(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    sizes = page.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot text')]"
        ".map((text) => parseFloat(getComputedStyle(text).fontSize))"
    )
    assert sizes
    assert min(sizes) >= 12
    inks = page.evaluate(
        "[...document.querySelectorAll('.js-plotly-plot .xtick text')].map((text) => getComputedStyle(text).fill)"
    )
    assert all(min(map(int, ink[4:-1].split(","))) > 150 for ink in inks)
    words = page.evaluate(
        """[...document.querySelectorAll('#views-text-signal .textpoint text')].filter((text) => text.textContent)
           .map((text) => { const box = text.getBoundingClientRect(); return [box.left, box.right, box.top]; })"""
    )
    assert len(words) > 3
    for left, right, top in words:
        assert not any(left < other < right - 1 and abs(top - high) < 4 for other, _, high in words if other != left)


def test_a_rule_is_searched_for_and_leads_to_the_segments_that_fire_it_most_playing(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}")
    go_to(page, "rules")
    expect(page.locator("#rules-firing .js-plotly-plot")).to_be_visible()
    rules = page.locator("#rules-list li")
    expect(rules.first).to_be_visible()
    total = rules.count()
    cue = rules.first.locator("b").first.inner_text()
    page.locator("#rules-search input, #rules-search textarea").fill(cue)
    expect(page.locator("#rules-list .st-count")).to_contain_text(f"of {total} rules")
    assert all(cue in text for text in rules.all_inner_texts())
    expect(page.locator("#rules-membership .st-cursor-line span")).to_contain_text(":")
    expect(page.locator("#rules-meaning")).not_to_be_empty()
    rule = rules.first
    expect(rule.locator(".st-spark polyline")).to_have_count(1)
    page.evaluate("document.querySelector('#timeline video').muted = true")
    rule.get_by_text("where it fires most").click()
    moment = rule.locator(".st-moments button").first
    at = float(moment.get_attribute("data-at") or "nan")
    moment.click()
    expect(page.locator("#timeline .tl-play")).to_be_visible()
    page.wait_for_function(
        "(at) => Math.abs(document.querySelector('#timeline video').currentTime - at - 2) < 0.2", arg=at
    )


def test_adapt_compare_open_what_changed_and_go_back(visit: OpenPage, clip: int) -> None:
    """From somebody's own corrections, so that what others label on the clip leaves segments without a label."""
    other = open_as(visit, clip, "Bela")
    for key in ("j", "2"):
        other.keyboard.press(key)
    saved(other)
    page = open_as(visit, clip, "Adele")
    for key in ("2", "4", "1"):
        page.keyboard.press("j")
        page.keyboard.press(key)
    saved(page)
    go_to(page, "adapt")
    page.locator("#adapt-whose input").click()
    page.locator("#adapt-whose").get_by_role("option", name=re.compile("Adele")).click()
    expect(page.locator("#adapt-sentence")).to_contain_text("enough to adapt")
    versions = page.locator("#adapt-history tbody tr")
    expect(versions.first).to_be_visible()
    before = versions.count()
    also = page.get_by_label("Also learn from segments without a label")
    expect(also).to_be_checked()
    page.locator("#adapt-button").click()
    expect(versions).to_have_count(before + 1)
    report = page.locator("#adapt-report")
    expect(report).to_contain_text("right on corrections it had not seen")
    expect(report).to_contain_text(
        re.compile(r"3 corrections of Adele( and \d+ segments without a label)? in \d\.\d\d s")
    )
    expect(report).to_contain_text("segments without a label")
    expect(versions.first).to_contain_text("3 corrections of Adele")
    expect(page.locator("#model-version")).to_contain_text("adapted to")
    expect(page.locator("#adapt-timelines .js-plotly-plot")).to_be_visible()

    also.uncheck()
    page.locator("#adapt-button").click()
    expect(versions).to_have_count(before + 2)
    expect(report).to_contain_text(re.compile(r"learned from \d+ corrections of Adele in"))
    expect(report).not_to_contain_text("segments without a label")
    page.reload()
    go_to(page, "adapt")
    expect(also).not_to_be_checked()
    also.check()

    page.locator("#adapt-overview [data-go]").last.click()
    expect(page.locator("#tab-annotate-button")).to_have_attribute("aria-selected", "true")
    go_to(page, "adapt")
    expect(versions.first).to_contain_text("answers now")
    versions.last.get_by_role("button", name="Use this one").click()
    expect(versions.last).to_contain_text("answers now")
    expect(page.locator("#model-version")).to_contain_text("as shipped")


def test_about_says_what_it_is_not_and_data_brings_a_deleted_clip_back(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}")
    go_to(page, "about")
    expect(page.get_by_text("It cannot look into anybody.")).to_be_visible()
    expect(page.locator("#about-modalities")).to_contain_text("Face")
    expect(page.locator("#about-modalities")).to_contain_text("Apache-2.0")

    page.locator("#tab-data-button").click()
    card = page.locator(f"#data-clips [data-clip='{clip}']")
    expect(card).to_contain_text("ready")
    with page.expect_download() as download:
        page.locator("#data-download").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert {"clip", "start_s", "end_s", "emotion"} <= set(rows[0] if rows else ("clip", "start_s", "end_s", "emotion"))
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("button", name="Yes, delete").click()
    expect(page.locator("#data-said")).to_contain_text("is deleted")
    expect(card).to_have_count(0)
    page.locator("#data-said").get_by_role("button", name="Undo").click()
    expect(card).to_be_visible()
