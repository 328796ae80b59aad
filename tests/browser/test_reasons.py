"""Why this?, in a real Chromium: what pulled an answer there, the situation, and whether the rules can be trusted."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.page import go_to, open_as

pytestmark = pytest.mark.browser


def test_reasons_tell_the_situation_and_what_would_change_them_and_rules_are_put_to_the_test(
    visit: OpenPage, clip: int
) -> None:
    page = open_as(visit, clip, "Rosa")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".tl-quote")).to_contain_text(".")
    expect(page.locator(".tl-changed")).to_contain_text("would")
    expect(page.locator(".tl-behind")).to_contain_text("owards")
    go_to(page, "rules")
    page.locator("#trust-look").click()
    expect(page.locator("#trust-found section")).to_have_count(7)
    expect(page.locator("#trust-found [data-figure=fidelity]")).to_contain_text("aim ≥ 90%")
    expect(page.locator("#trust-found")).to_contain_text("sentences looked at closely")
