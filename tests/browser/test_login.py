"""Where the studio asks for a login, people annotate under the name they signed in with."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from app import look, page, server
from app.settings import Settings
from app.studio import Studio
from tests.browser.conftest import EMOTIONS

pytestmark = pytest.mark.browser


def test_who_signs_in_annotates_under_that_name(browser: Browser, tmp_path: Path):
    studio = Studio(Settings(home=tmp_path))
    studio.create_study("Field notes", EMOTIONS)
    demo = page.build(studio)
    web, url, _ = demo.launch(auth=("ana", "secret"), prevent_thread_lock=True, quiet=True, **look.launch_options())
    server.add_routes(web, studio)
    context = browser.new_context()
    try:
        shown = context.new_page()
        shown.goto(url)
        shown.get_by_label("username").fill("ana")
        shown.get_by_label("password").fill("secret")
        shown.get_by_role("button", name="Login").click()
        name = shown.locator("#annotator input, #annotator textarea").first
        expect(name).to_have_value("ana")
        expect(name).to_be_disabled()
        assert [each.name for each in studio.store.annotators()] == ["ana"]
    finally:
        context.close()
        demo.close()
        studio.store.close()
