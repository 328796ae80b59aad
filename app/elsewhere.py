"""What the pages of other sites make a browser ask of a studio, in the name of whoever is signed in there."""

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

REFUSED = "The studio answers its own pages only, and this was asked by a page of another address."


class Elsewhere:
    """A middleware that refuses them: Gradio lets every site ask as a member, with the cookie of their login.

    Whoever is no browser says nothing of where it asks from, and is let through; so is a link to the studio.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request of the studio's own pages on."""
        if scope["type"] == "http" and _from_elsewhere(scope["method"], Headers(scope=scope)):
            await PlainTextResponse(REFUSED, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _from_elsewhere(method: str, headers: Headers) -> bool:
    """By what browsers say and no script can: ``Sec-Fetch-*`` and ``Origin``, which is compared with ``Host``.

    ``X-Forwarded-Host`` is not asked: any script may send one, as Gradio allows every header to every site.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site == "same-origin":  # also where a proxy has made another host of the one that the browser asked
        return False
    if origin is not None:
        return origin.partition("://")[2].lower() != headers.get("host", "").lower()
    mode, place = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return site == "cross-site" and (method, mode, place) != ("GET", "navigate", "document")
