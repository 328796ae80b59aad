"""What a served studio keeps of pages whose tabs are closed, with real connections."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from gradio.state_holder import StateHolder

from app import tabs
from app.settings import Settings
from tests.serving import serving


@contextmanager
def _tab(client: httpx.Client, page: str) -> Iterator[None]:
    with client.stream("GET", f"/gradio_api/heartbeat/{page}") as answer:
        answer.raise_for_status()
        for _ in answer.iter_bytes():
            yield
            break


def test_pages_are_forgotten_an_hour_after_their_tab_was_closed_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    later = 0.0
    monkeypatch.setattr(tabs, "monotonic", lambda: time.monotonic() + later)
    (tmp_path / "demo-is-there").touch()
    with serving(Settings(home=tmp_path)) as served, httpx.Client(base_url=served.url, timeout=30) as client:
        pages = served.page.state_holder
        for page in ("closed", "asks again", "open", "just closed"):
            assert pages[page]
            pages.time_last_used[page] = datetime.now() + timedelta(hours=2)  # after which the clock went back
        with _tab(client, "open"):
            _opened_and_closed(client, pages, "closed", "asks again")
            later = 3500.0
            assert pages["asks again"]
            _opened_and_closed(client, pages, "just closed")
            pages.session_data["open"].is_closed = True  # as where a connection broke and was made again
            assert set(pages.session_data) == {"closed", "asks again", "open", "just closed"}
            later = 3700.0
            with _tab(client, "comes"):
                pass
            assert not pages.session_data["open"].is_closed
        assert set(pages.session_data) == {"asks again", "open", "just closed"}
        assert set(pages.time_last_used) == {"asks again", "open", "just closed"}


def _opened_and_closed(client: httpx.Client, pages: StateHolder, *names: str) -> None:
    for name in names:
        with _tab(client, name):
            pass
    until = time.monotonic() + 30
    while not all(pages.session_data[name].is_closed for name in names):
        assert time.monotonic() < until, "the server sees that a tab was closed"
        time.sleep(0.02)
