"""What the server keeps of each open page, until some time after its tab was closed.

Gradio keeps all that a page was ever sent, and of a closed page forgets the values of its state alone. A studio that
runs for weeks would grow with every reload.
"""

from collections import Counter
from datetime import datetime, timedelta

from gradio.routes import App
from gradio.state_holder import StateHolder
from starlette.types import ASGIApp, Receive, Scope, Send

#: Where a page tells that it is open, for as long as it is, with its name behind it.
_HEARTBEAT = "/gradio_api/heartbeat/"
#: A page that has been closed for so long is forgotten: a laptop that slept over lunch finds it as it was. In a demo,
#: where a visit is short and memory is for all visitors, it is forgotten sooner.
KEPT, KEPT_IN_DEMO = timedelta(hours=1), timedelta(minutes=3)


class Tabs:
    """ASGI middleware that knows which pages are open; whenever another one comes, closed ones are forgotten."""

    def __init__(self, app: ASGIApp, kept: timedelta) -> None:
        self._app = app
        self._kept = kept
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and count the pages that say that they are open."""
        if scope["type"] != "http" or not scope["path"].startswith(_HEARTBEAT):
            await self._app(scope, receive, send)
            return
        page = scope["path"].removeprefix(_HEARTBEAT)
        self._open[page] += 1
        web = scope["app"]
        assert isinstance(web, App)
        self._forget_closed(web.state_holder)
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[page] -= 1
            self._open += Counter()  # without those that are not open

    def _forget_closed(self, pages: StateHolder) -> None:
        """An open page is not closed, whatever Gradio took for that when a connection broke."""
        now = datetime.now()
        with pages.lock:
            for page, used in list(pages.time_last_used.items()):
                session = pages.session_data.get(page)
                if session is not None and page in self._open:
                    session.is_closed = False
                elif now - used > self._kept:
                    pages.session_data.pop(page, None)
                    pages.time_last_used.pop(page, None)
