"""The demo in two browsers at once: each has a studio of its own, and neither reaches what is the other's."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.serving import Served, serve
from app.settings import Settings
from app.studio import Studio
from app.visitors import Visitors
from tests.browser.conftest import PATIENCE_MS
from tests.browser.page import saved

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(analysed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A demo for two visitors at a time."""
    home = tmp_path_factory.mktemp("demo")
    shutil.copytree(analysed_home, home / "demo")
    (home / "demo" / "demo-is-there").touch()
    served = serve(Settings(home=home, mode="demo", max_visitors=2), quiet=True)
    yield served
    served.page.close()
    served.studio.store.close()


@pytest.fixture
def browsers(browser: Browser) -> Iterator[list[BrowserContext]]:
    contexts = [browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True) for _ in range(3)]
    yield contexts
    for each in contexts:
        each.close()


def _come(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url}?clip=1")
    page.locator("#timeline .tl-open").wait_for()
    return page


def _label_as(page: Page, name: str) -> None:
    field = page.locator("#annotator input, #annotator textarea").first
    field.fill(name)
    field.press("Enter")
    expect(page.locator(".tl-name-mine")).to_have_text(name)
    page.locator("#timeline .tl").focus()
    page.keyboard.press("j")
    page.keyboard.press("2")
    saved(page)


def test_visitors_do_not_meet(demo: Served, browsers: list[BrowserContext]):
    _end_all_visits(demo)
    ana, ben, third = browsers
    first = _come(ana, demo.url)
    expect(first.locator(".st-demo")).to_contain_text("This studio is yours alone")
    first.locator("#queue [data-part=add]").click()
    expect(first.locator("#queue [data-part=limits]")).to_contain_text("5 videos, each up to 2 min and 64 MB")
    _label_as(first, "Ana")

    second = _come(ben, demo.url)
    expect(second.locator(".tl-name-mine")).to_have_text("Guest")
    assert _studio(demo.visitors, ben).store.annotations(clip_id=1) == []
    assert [each.annotator for each in _studio(demo.visitors, ana).store.annotations(clip_id=1)] == ["Ana"]
    assert [each.name for each in _studio(demo.visitors, ben).store.annotators()] == ["Guest"]
    assert demo.studio.store.annotators() == []

    first.reload()
    expect(first.locator(".tl-name-mine")).to_have_text("Ana")
    media = next(demo.studio.files.home.glob("visits/*/studio.sqlite3"))
    for path in (media, demo.studio.files.home / "studio.sqlite3"):
        assert ben.request.get(f"{demo.url}gradio_api/file={path}").status == 403

    full = third.new_page()
    answer = full.goto(demo.url)
    assert answer is not None
    assert answer.status == 503
    expect(full.get_by_role("heading")).to_have_text("The demo is full")


def test_a_page_belongs_to_one_visitor(demo: Served, browsers: list[BrowserContext]):
    """What a browser could make up by hand: another's page, another's upload, no cookie at all."""
    _end_all_visits(demo)
    ana, ben, nobody = browsers
    behind_tls = nobody.request.get(demo.url, headers={"x-forwarded-proto": "https"})
    assert "HttpOnly; SameSite=None; Secure; Partitioned" in behind_tls.headers["set-cookie"]
    _end_all_visits(demo)
    for each in (ana, ben):
        assert each.request.get(demo.url).ok
    api = f"{demo.url}gradio_api"
    widget = next(number for number, each in demo.page.blocks.items() if getattr(each, "elem_id", "") == "queue")
    call = {"session_hash": "anaspage", "component_id": widget, "fn_name": "jobs", "data": {"study": 1}}
    assert ana.request.post(f"{api}/component_server", data=call).json() == {"study": 1, "jobs": []}
    assert ben.request.post(f"{api}/component_server", data=call).status == 403
    assert ben.request.get(f"{api}/queue/data?session_hash=anaspage").status == 403
    assert "visit to this demo is over" in nobody.request.post(f"{api}/component_server", data=call).json()["refused"]
    file = {"name": "labels.csv", "mimeType": "text/csv", "buffer": b"a,b\n"}
    path = ana.request.post(f"{api}/upload", multipart={"files": file}).json()[0]
    body = {"fn_index": 0, "session_hash": "benspage", "data": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    assert ben.request.post(f"{api}/queue/join", data=body).status == 403
    assert ben.request.post(f"{api}/queue/join", data={**body, "data": [{"path": "/etc/passwd"}]}).status == 403
    assert ben.request.get(f"{api}/file={path}").status == 403
    assert ben.request.get(f"{api}/file=http://127.0.0.1:1/x").status == 403
    assert ben.request.get(f"{api}/deep_link?session_hash=anaspage").status == 404
    cookie = next(each for each in ana.cookies(demo.url) if each["name"] == "stf2m-visit")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


def _end_all_visits(demo: Served) -> None:
    """As if an hour had passed."""
    assert demo.visitors is not None
    for visit in demo.visitors._visits.values():
        visit.begun -= 3600.0
    demo.visitors.sweep()


def _studio(visitors: Visitors | None, context: BrowserContext) -> Studio:
    assert visitors is not None
    cookie = next(each["value"] for each in context.cookies() if each["name"] == "stf2m-visit")
    visit = visitors.find(cookie)
    assert visit is not None
    assert visit.studio is not None
    return visit.studio
