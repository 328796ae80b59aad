"""What a served studio keeps of pages whose tabs are closed, with real connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from app.settings import Settings
from tests.serving import serving


@asynccontextmanager
async def _tab(client: httpx.AsyncClient, page: str) -> AsyncIterator[None]:
    async with client.stream("GET", f"/gradio_api/heartbeat/{page}") as answer:
        answer.raise_for_status()
        async for _ in answer.aiter_bytes():
            yield
            break


def test_pages_are_forgotten_an_hour_after_their_tab_was_closed(tmp_path: Path):
    (tmp_path / "demo-is-there").touch()
    with serving(Settings(home=tmp_path)) as served:
        pages = served.page.state_holder

        async def visit() -> None:
            async with httpx.AsyncClient(base_url=served.url, timeout=30) as client:
                for page in ("closed", "open", "just closed"):
                    assert pages[page]
                async with _tab(client, "open"):
                    async with _tab(client, "closed"), _tab(client, "just closed"):
                        pass
                    while not pages.session_data["just closed"].is_closed:
                        await asyncio.sleep(0.01)
                    pages.session_data["open"].is_closed = True  # as where a connection broke and was made again
                    for page in ("closed", "open"):
                        pages.time_last_used[page] = datetime.now() - timedelta(hours=1.1)
                    async with _tab(client, "comes"):
                        pass
                    assert not pages.session_data["open"].is_closed

        asyncio.run(visit())
        assert set(pages.session_data) == {"open", "just closed"}
        assert set(pages.time_last_used) == {"open", "just closed"}
