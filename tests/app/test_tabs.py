"""What a served studio keeps of pages whose tabs are closed, with real connections."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from app.settings import Settings
from tests.serving import serving


@contextmanager
def _tab(client: httpx.Client, page: str) -> Iterator[None]:
    with client.stream("GET", f"/gradio_api/heartbeat/{page}") as answer:
        answer.raise_for_status()
        for _ in answer.iter_bytes():
            yield
            break


def test_pages_are_forgotten_an_hour_after_their_tab_was_closed(tmp_path: Path):
    (tmp_path / "demo-is-there").touch()
    with serving(Settings(home=tmp_path)) as served, httpx.Client(base_url=served.url, timeout=30) as client:
        pages = served.page.state_holder
        for page in ("closed", "open", "just closed"):
            assert pages[page]
        with _tab(client, "open"):
            with _tab(client, "closed"), _tab(client, "just closed"):
                pass
            until = time.monotonic() + 30
            while not all(pages.session_data[page].is_closed for page in ("closed", "just closed")):
                assert time.monotonic() < until, "the server sees that a tab was closed"
                time.sleep(0.02)
            pages.session_data["open"].is_closed = True  # as where a connection broke and was made again
            for page in ("closed", "open"):
                pages.time_last_used[page] = datetime.now() - timedelta(hours=1.1)
            with _tab(client, "comes"):
                pass
            assert not pages.session_data["open"].is_closed
        assert set(pages.session_data) == {"open", "just closed"}
        assert set(pages.time_last_used) == {"open", "just closed"}
