"""Who asks: the HTTP request that is being answered here, be it an event of the page, a widget's call or an address."""

from contextvars import ContextVar

import gradio as gr
from gradio.context import LocalContext
from starlette.requests import Request

from annotations.records import AnnotationError

#: Set while one of the studio's own addresses answers; Gradio itself says it of its events.
_ADDRESSED: ContextVar[Request | None] = ContextVar("addressed", default=None)


async def remember(request: Request) -> None:
    """For the studio's own addresses, as a dependency: what they call knows who asks."""
    _ADDRESSED.set(request)


def request() -> Request | None:
    """The request that is being answered, None in work that nobody waits for."""
    asked = LocalContext.request.get(None)
    if isinstance(asked, gr.Request):
        asked = asked.request
    return asked or _ADDRESSED.get()


def annotator(told: object) -> int:
    """The id under which a page says that somebody does something.

    Raises :class:`annotations.records.AnnotationError` for anything else: what nobody does is the studio's own doing,
    and no page asks for that.
    """
    if type(told) is not int:
        raise AnnotationError("It is not known who does this; load the page again.")
    return told


def cookie(name: str) -> str | None:
    """A cookie of who asks."""
    asked = request()
    return asked.cookies.get(name) if asked else None


def user() -> str | None:
    """The name under which whoever asks has signed in."""
    asked = LocalContext.request.get(None)
    if isinstance(asked, gr.Request):
        return asked.username
    here = asked or _ADDRESSED.get()
    return signed_in(here) if here else None


def signed_in(asked: Request) -> str | None:
    """The same, by the cookie that Gradio gives to who has signed in."""
    return asked.app.tokens.get(token(asked))


def token(asked: Request) -> str | None:
    """The cookie of a login that goes on, else of one that is over, else None; Gradio has no public way to ask."""
    web = asked.app
    names = (f"access-token-{web.cookie_id}", f"access-token-unsecure-{web.cookie_id}")
    sent = [asked.cookies[name] for name in names if name in asked.cookies]
    return next((each for each in sent if each in web.tokens), next(iter(sent), None))
