"""Why this?, in a real Chromium: what pulled an answer there, why not, what if, and whether rules can be trusted, which
are found by what they speak of and pinned.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.page import go_to, open_as

pytestmark = pytest.mark.browser


def test_reasons_follow_sliders_and_rules_are_put_to_the_test_filtered_and_pinned(visit: OpenPage, clip: int) -> None:
    page = open_as(visit, clip, "Rosa")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".tl-quote")).to_contain_text(".")
    expect(page.locator(".tl-changed")).to_contain_text("would")
    expect(page.locator(".tl-behind")).to_contain_text("owards")
    expect(page.locator(".tl-share-word").first).to_contain_text("%")

    why_not = page.locator(".tl-why-not")
    why_not.locator("select").select_option(index=2)
    expect(why_not.get_by_role("status")).to_have_text(
        re.compile(r"^(It would be|No change of one or two signs would)")
    )

    page.get_by_text("What if …").click()
    followed, reasons = page.locator(".tl-what-if [role=status]"), page.locator(".tl-why .tl-reasons").first
    measured = reasons.inner_text()
    slider = page.locator(".tl-what-if input").first
    slider.press("Home" if slider.evaluate("(one) => one.value - one.min > one.max - one.value") else "End")
    expect(followed).to_have_text(re.compile(r"^Then: \w+ [01]\.\d\d\.$"))
    expect(reasons).not_to_have_text(measured, use_inner_text=True)
    page.get_by_role("button", name="as measured").click()
    expect(followed).to_be_empty()
    expect(reasons).to_have_text(measured, use_inner_text=True)

    go_to(page, "rules")
    page.locator("#trust-look").click()
    expect(page.locator("#trust-found section")).to_have_count(7)
    expect(page.locator("#trust-found [data-figure=fidelity]")).to_contain_text("aim ≥ 90%")
    expect(page.locator("#trust-found")).to_contain_text("sentences looked at closely")

    page.locator("#rules-modality input").click()
    page.get_by_role("option", name="voice", exact=True).click()
    expect(page.locator("#rules-list .st-count")).to_have_text(re.compile(r"^\d+ of \d+ rules$"))
    first = page.locator("#rules-list .st-rules li").first
    first.locator("[data-edit=pin]").first.click()
    expect(page.locator("#rules-effect")).to_contain_text("Pinned IF")
    page.locator("#rules-keep").click()
    expect(first.locator(".st-mark").first).to_have_text("pinned")
    page.locator("#rules-said .st-takeback").click()
    expect(first.locator(".st-mark")).to_have_count(0)
