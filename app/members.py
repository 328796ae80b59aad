"""Who has signed in to a team's studio stays so for as long as their account is what it was then."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app import caller
from app.accounts import Accounts

#: What the page's widgets are told, which show it; all else that is asked for gets Gradio's own answer, the login page.
SIGNED_OUT = "You are signed in no more. Sign in again in another tab of this browser, then try again here."


class Members:
    """ASGI middleware that ends a session at its next request when its account was removed or changed meanwhile."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self._app = app
        self._accounts = accounts
        self._salts: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request go on, as that of somebody who is signed in or of somebody who is not."""
        if scope["type"] == "http":
            holds = self._holds(caller.token(Request(scope)), scope["app"].tokens)
            if not holds and scope["path"].startswith("/gradio_api/component_server"):
                await JSONResponse({"refused": SIGNED_OUT})(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _holds(self, token: str | None, tokens: dict[str, str]) -> bool:
        """Whether a session goes on; Gradio forgets one that does not. Each password has a salt of its own."""
        if token not in tokens:
            return False
        account = self._accounts.all().get(tokens[token])
        if account and self._salts.setdefault(token, account.salt) == account.salt:
            return True
        tokens.pop(token, None)
        self._salts = {each: salt for each, salt in self._salts.items() if each in tokens}
        return False
