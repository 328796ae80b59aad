"""Taking away in a real Chromium: emotions under the video, rules that fire, figures as files, and a report offline."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from PIL import Image
from playwright.sync_api import Browser, Download, Locator, Page, expect

from tests.browser.conftest import PHONE, ROOT, OpenPage
from tests.browser.page import go_to

pytestmark = pytest.mark.browser

AT = "(name) => document.querySelector(`#player-${name} video`).currentTime"
SEEKS = "([name, before]) => Math.abs(document.querySelector(`#player-${name} video`).currentTime - before) > 1"


def _plot(page: Page, name: str) -> Locator:
    found = page.locator(f"#{name} .js-plotly-plot")
    expect(found.locator(".st-cursor-line")).to_have_count(1)
    page.wait_for_function("(name) => document.querySelector(`#player-${name} video`).readyState >= 2", arg=_tab(name))
    return found


def _tab(name: str) -> str:
    return name.partition("-")[0]


def _touch_seeks(page: Page, name: str) -> None:
    """A touch in the middle of a figure over time leads the video there."""
    plot, before = _plot(page, name), page.evaluate(AT, _tab(name))
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    share = 0.75 if before < 10 else 0.3
    point = (box["x"] + share * box["width"], box["y"] + 0.4 * box["height"])
    page.touchscreen.tap(*point) if page.evaluate("matchMedia('(pointer: coarse)').matches") else page.mouse.click(
        *point
    )
    page.wait_for_function(SEEKS, arg=[_tab(name), before])


def _save(page: Page, name: str, kind: str) -> Download:
    button = page.locator(f"#{name} .st-save summary")
    button.click()
    with page.expect_download() as download:
        page.locator(f"#{name} .st-save").get_by_role("button", name=kind).click()
    return download.value


def test_emotions_and_rules_follow_the_video_and_every_figure_and_rule_can_be_taken_away(
    visit: OpenPage, clip: int, browser: Browser, tmp_path: Path
) -> None:
    page = visit(f"?clip={clip}")
    go_to(page, "views")
    _touch_seeks(page, "views-memberships")
    video, ribbon = (page.locator(each).bounding_box() for each in ("#player-views video", "#views-memberships"))
    assert video
    assert ribbon
    assert video["y"] + video["height"] <= ribbon["y"] < video["y"] + video["height"] + 160

    picture = _save(page, "views-memberships", "PNG")
    assert re.fullmatch(r"good-news-bad-news_views-memberships_model-\d+\.png", picture.suggested_filename)
    with Image.open(picture.path()) as image:
        assert min(image.size) > 500
        assert image.getpixel((2, 2))[:3] == (255, 255, 255), "for papers, whatever the page looks like"
    drawn = _save(page, "views-memberships", "SVG").path().read_text(encoding="utf-8")
    assert all(word in drawn for word in ("<svg", "time (s)", "degree", "unsure"))
    _save(page, "views-memberships", "HTML").save_as(tmp_path / "figure.html")

    with page.expect_download() as report:
        page.get_by_role("link", name="Report of this clip").click()
    expect(page.locator("#views-away output")).to_have_text("Saved.")
    assert re.fullmatch(r"good_news_bad_news_report_model-\d+\.html", report.value.suggested_filename)
    report.value.save_as(tmp_path / "report.html")

    page.locator("#tab-rules-button").click()
    _touch_seeks(page, "rules-firing")
    with page.expect_download() as rules:
        page.locator("#rules-away a", has_text="JSON").click()
    schema = json.loads((ROOT / "docs" / "rules.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(rules.value.path().read_text(encoding="utf-8")), schema)

    page.locator("#tab-data-button").click()
    for kind, part in (("CSV", "rule,"), ("LaTeX", "\\begin{longtable}")):
        with page.expect_download() as rules:
            page.locator("#data-rules a", has_text=kind).click()
        assert part in rules.value.path().read_text(encoding="utf-8")
    with page.expect_download() as again:
        page.locator(f"#data-clips [data-clip='{clip}']").get_by_role("link", name="Report of this clip").click()
    assert again.value.suggested_filename == report.value.suggested_filename
    _opened_offline(browser, tmp_path)


def _opened_offline(browser: Browser, folder: Path) -> None:
    """A saved figure and a report from the disk, without a network, on a phone in the dark."""
    context = browser.new_context(offline=True, viewport=PHONE, color_scheme="dark")
    wrong: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else wrong.append(asked.url))
    page.goto((folder / "figure.html").as_uri())
    expect(page.locator("#figure .scatterlayer .trace").first).to_be_attached()
    assert page.evaluate("getComputedStyle(document.querySelector('.main-svg')).backgroundColor") == "rgb(11, 15, 25)"
    page.goto((folder / "report.html").as_uri())
    expect(page.get_by_role("heading", name="good_news_bad_news.mp4")).to_be_visible()
    assert page.locator("article.reason").count() >= 3
    page.locator("a.block").last.click()
    expect(page.locator("article.reason").last).to_be_in_viewport()
    assert page.locator("svg.ribbon").count() == 3
    assert page.locator("svg.heat").count() > 3
    assert page.locator("img").count() == 0, "faces only where somebody asks for them"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert (folder / "report.html").stat().st_size < 2_000_000
    context.close()
    assert not wrong, wrong


def test_a_touch_on_the_emotions_and_on_the_rules_seeks_on_a_phone(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}", viewport=PHONE, has_touch=True, is_mobile=True)
    go_to(page, "views")
    _touch_seeks(page, "views-memberships")
    page.locator("#tab-rules-button").click()
    _touch_seeks(page, "rules-firing")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
