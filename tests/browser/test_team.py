"""The Team tab in a real Chromium: how far two people agree, and what the model of each says."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, OpenPage
from tests.browser.page import call_oneself, go_to, saved

pytestmark = pytest.mark.browser


def _label(page: Page, name: str, *keys: str) -> None:
    """As this annotator, go from one segment that needs attention to the next and give each an emotion."""
    call_oneself(page, name)
    page.locator("#timeline .tl").focus()
    for key in keys:
        page.keyboard.press("j")
        page.keyboard.press(key)
    saved(page)


def _team(page: Page) -> None:
    go_to(page, "team")
    expect(page.locator("#team-progress")).to_contain_text(re.compile("Clip by clip|Nobody"))


def test_two_people_see_where_they_agree_and_whose_model_says_what(visit: OpenPage, clip: int) -> None:
    ana, bob = visit(f"?clip={clip}"), visit(f"?clip={clip}")
    _label(ana, "Team Ana", "2", "4", "1", "2")
    _label(bob, "Team Bob", "4", "2", "1", "4")
    _team(bob)
    rows = bob.locator("#team-progress tbody").first.locator("tr")
    expect(rows.filter(has_text="Team Ana")).to_contain_text("1 of")
    expect(bob.locator("#team-agreement")).to_contain_text("Gwet's AC1")
    expect(bob.locator("#team-pairs")).to_contain_text("Team Ana and Team Bob")
    expect(bob.locator("#team-accepted tr", has_text="Team Bob").first).to_contain_text(re.compile(r"\d of 4"))
    expect(bob.locator("#team-windows .js-plotly-plot")).to_be_visible()

    for place, name in (("team-one", "Team Ana"), ("team-other", "Team Bob")):
        bob.locator(f"#{place} input").click()
        bob.locator(f"#{place}").get_by_role("option", name=name).click()
    bob.locator("#team-compare").click()
    expect(bob.locator("#team-compared")).to_contain_text("the two models answer the same")
    expect(bob.locator("#team-confusion .js-plotly-plot")).to_be_visible()
    expect(bob.locator("#team-rules .st-moved li").first).to_contain_text(re.compile(r"\d\.\d\d → \d\.\d\d"))
    first = bob.locator("#team-stretches [data-at]").first
    at = float(first.get_attribute("data-at") or "nan")
    first.click()
    expect(bob.locator("#tab-annotate-button")).to_have_attribute("aria-selected", "true")
    bob.wait_for_function("(at) => Math.abs(document.querySelector('#timeline video').currentTime - at) < 0.3", arg=at)


def test_the_team_fits_a_phone_in_the_dark(visit: OpenPage, clip: int) -> None:
    page = visit(f"?clip={clip}", viewport=PHONE, color_scheme="dark")
    page.locator("#timeline .tl-open").wait_for()
    _team(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
