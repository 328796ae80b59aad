"""Who closes the page in the middle of what it sends: that is no error of the studio."""

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

#: What nginx calls a request whose sender did not wait for the answer; it is what the metrics count.
GONE = 499


class Leaving:
    """ASGI middleware: such a request ends in silence, where the log would tell of an exception and alarm somebody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            await Response(status_code=GONE)(scope, receive, send)  # which nobody reads
