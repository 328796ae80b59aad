"""The real app on a free port with a home of its own, and a real Chromium that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from app.demo import DEMOS
from app.settings import Settings
from app.studio import Studio
from tests.browser import chromium

ROOT = Path(__file__).resolve().parents[2]
EMOTIONS = ("angry", "happy", "neutral", "sad", "surprised")
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
#: What starting the app, analysing a clip, and anything else may take on two cores that others use as well.
START_S = 300
ANALYSIS_MS = 300_000
PATIENCE_MS = 120_000

OpenPage = Callable[..., Page]
expect.set_options(timeout=PATIENCE_MS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str, app: subprocess.Popen[bytes]) -> bool:
    """Wait until the app answers; False when it has ended or takes longer than anybody would wait."""
    until = time.monotonic() + START_S
    while app.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/config", timeout=5).close()
            return True
        except OSError:
            time.sleep(0.3)
    return False


@pytest.fixture(scope="session")
def app_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the app keeps everything."""
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="session")
def app_url(app_home: Path, analysed_home: Path) -> Iterator[str]:
    """``python app.py`` with one empty study, answering at this address; it has analysed the demo clips before."""
    home = app_home
    shutil.copytree(analysed_home / "tracks", home / "tracks")
    studio = Studio(Settings(home=home))
    studio.create_study("Field notes", EMOTIONS)
    studio.store.close()
    (home / "demo-is-there").touch()
    port = _free_port()
    env = {**os.environ, "STF2M_HOME": str(home), "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    with (home / "app.log").open("w") as log:
        app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        assert _answers(url, app), (home / "app.log").read_text()
        yield url
    finally:
        app.terminate()
        app.wait(60)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = chromium.launch(playwright)
    yield started
    started.close()


class Windows:
    """Browsers of their own that later tests use again: what they had stored is gone then, but the scripts of the page,
    which take most of the time of a first visit, are still there.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._free: dict[str, list[BrowserContext]] = {}

    def page(self, **options) -> Page:
        """An empty page in a browser that no other open page shares."""
        options = {"viewport": DESKTOP, **options}
        free = self._free.get(repr(options))
        context = free.pop() if free else self._browser.new_context(**options)
        page = context.new_page()
        cleaner = context.new_cdp_session(page)
        cleaner.send("Storage.clearDataForOrigin", {"origin": self._url, "storageTypes": "cookies,local_storage"})
        cleaner.detach()
        page.on("close", lambda: self._free.setdefault(repr(options), []).append(context))
        return page


@pytest.fixture(scope="session")
def windows(browser: Browser, app_url: str) -> Windows:
    return Windows(browser, app_url)


@pytest.fixture
def visit(windows: Windows, app_url: str) -> Iterator[OpenPage]:
    """Open the studio in a browser of its own: ``visit("?clip=1", viewport=PHONE, color_scheme="dark")``.

    Fails the test where the page raised an error or asked anybody but the studio for anything.
    """
    pages: list[Page] = []
    wrong: list[str] = []

    def open_page(path: str = "", **options) -> Page:
        page = windows.page(**options)
        pages.append(page)
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: wrong.append(f"error in the page: {error}"))
        page.on("request", lambda request: wrong.append(request.url) if _outside(request.url, app_url) else None)
        page.goto(f"{app_url}/{path}")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert not wrong, wrong


@pytest.fixture(scope="session")
def clip(windows: Windows, app_url: str) -> int:
    """A demo clip that somebody uploaded through the page with its subtitles; its id, read from the address."""
    page = windows.page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(app_url)
    demo = DEMOS[0]
    page.get_by_text("No clips yet. Add a video").wait_for()
    page.set_input_files("#queue input[type=file]", [demo.path, *([demo.subtitles] if demo.subtitles else [])])
    page.locator("#queue .qu-job").get_by_text(demo.path.name).wait_for()
    page.locator("#timeline .tl-open").wait_for(timeout=ANALYSIS_MS)
    found = int(page.evaluate("new URLSearchParams(location.search).get('clip')"))
    page.close()
    return found


def _outside(url: str, own: str) -> bool:
    return not url.startswith((own, "data:", "blob:", "about:"))
