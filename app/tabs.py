"""What the server keeps of each open page, until some time after its tab was closed.

Gradio keeps all that a page was ever sent, and of a closed page forgets the values of its state alone. A studio that
runs for weeks would grow with every reload.
"""

from collections import Counter
from datetime import datetime, timedelta
from time import monotonic

from gradio.routes import App
from gradio.state_holder import StateHolder
from starlette.types import ASGIApp, Receive, Scope, Send

#: Where a page tells that it is open, for as long as it is, with its name behind it.
_HEARTBEAT = "/gradio_api/heartbeat/"
#: A page that has been closed for so long is forgotten: a laptop that slept over lunch finds it as it was. In a demo,
#: where a visit is short and memory is for all visitors, it is forgotten sooner.
KEPT, KEPT_IN_DEMO = timedelta(hours=1), timedelta(minutes=3)


class Tabs:
    """ASGI middleware that knows which pages are open; whenever one comes or goes, those long closed are forgotten.

    How long is counted from when a page was seen to be closed, or to ask something afterwards, and not by the time of
    day: where the clock goes back, pages would be kept for as long as it went.
    """

    def __init__(self, app: ASGIApp, kept: timedelta) -> None:
        self._app = app
        self._kept = kept
        self._open: Counter[str] = Counter()
        self._closed: dict[str, tuple[datetime, float]] = {}  # when Gradio saw each last, and the moment it had rest

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
            self._forget_closed(web.state_holder)

    def _forget_closed(self, pages: StateHolder) -> None:
        """An open page is not closed, whatever Gradio took for that when a connection broke."""
        now = monotonic()
        with pages.lock:
            for page, used in list(pages.time_last_used.items()):
                session = pages.session_data.get(page)
                if session is not None and page in self._open:
                    session.is_closed = False
                    self._closed.pop(page, None)
                    continue
                last, since = self._closed.get(page, (None, now))
                self._closed[page] = used, since if used == last else now
                if now - self._closed[page][1] > self._kept.total_seconds():
                    for kept in (pages.session_data, pages.time_last_used, self._closed):
                        kept.pop(page, None)
            for page in self._closed.keys() - pages.time_last_used.keys():  # Gradio itself keeps so many and no more
                del self._closed[page]
