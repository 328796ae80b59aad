"""A team's studio: people annotate under the name they signed in with, for as long as they have an account."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from app.accounts import Accounts
from app.members import SIGNED_OUT
from app.serving import Served
from app.settings import Settings
from tests.browser.conftest import PATIENCE_MS
from tests.browser.page import saved
from tests.serving import serving

pytestmark = pytest.mark.browser
PASSWORD = "correct horse"


@pytest.fixture
def team(analysed_home: Path, tmp_path: Path) -> Iterator[Served]:
    home = tmp_path / "team"
    shutil.copytree(analysed_home, home)
    (home / "demo-is-there").touch()
    Accounts(home).add("ana", "annotator", PASSWORD)
    with serving(Settings(home=home, mode="team")) as served:
        yield served


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    context.close()


def _sign_in(page: Page) -> None:
    page.get_by_label("username").fill("ana")
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Login").click()


def test_who_signs_in_annotates_under_that_name_until_the_account_is_gone(team: Served, page: Page):
    page.goto(team.url)
    _sign_in(page)
    name = page.locator("#annotator input, #annotator textarea").first
    expect(name).to_have_value("ana")
    expect(name).to_be_disabled()
    page.locator("#timeline .tl-open").wait_for()
    page.locator("#timeline .tl").focus()
    page.keyboard.press("j")
    page.keyboard.press("2")
    saved(page)
    assert [each.annotator for each in team.studio.store.annotations(clip_id=1)] == ["ana"]

    accounts = Accounts(team.studio.settings.home)
    accounts.remove("ana")
    page.keyboard.press("j")
    page.keyboard.press("1")
    expect(page.locator(".tl-saved")).to_contain_text(SIGNED_OUT)
    assert page.request.get(f"{team.url}clip/1").status == 401
    assert len(team.studio.store.annotations(clip_id=1)) == 1

    accounts.add("ana", "annotator", PASSWORD)
    other = page.context.new_page()
    other.goto(team.url)
    _sign_in(other)
    other.get_by_role("link", name="Sign out").wait_for()
    page.get_by_role("button", name="try again").click()
    saved(page)
    assert len(team.studio.store.annotations(clip_id=1)) == 2, "what was refused meanwhile is not lost"

    other.get_by_role("link", name="Sign out").click()
    other.get_by_role("button", name="Login").wait_for()
    assert page.request.get(f"{team.url}clip/1").status == 401
