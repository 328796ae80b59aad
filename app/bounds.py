"""What a page may send and what the server may fetch: events of a sane size, and nothing from other machines."""

from typing import Annotated, NoReturn

from gradio import processing_utils
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import label_files

#: The number of a study or a clip in an address or a request, as large as a database's number can be.
RecordId = Annotated[int, Field(ge=1, lt=2**63)]
#: The largest body of anything but a file, bytes: an event or a widget's call with all that a person could write.
MOST_BYTES = 16 * 2**20
#: Where videos come in, which are counted there.
_VIDEOS = "/upload/"
#: What a browser writes around a file, bytes.
_AROUND = 2**16


class Bounded:
    """A middleware that refuses bodies beyond :data:`MOST_BYTES`, before they are in memory.

    A file with labels may have ``largest_file`` bytes.
    """

    def __init__(self, app: ASGIApp, largest_file: int) -> None:
        self._app = app
        self._largest_file = largest_file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: refuse it, or hand it on and count what comes."""
        if scope["type"] != "http" or scope["path"].startswith(_VIDEOS):
            await self._app(scope, receive, send)
            return
        most, around = MOST_BYTES, 0
        if scope["path"].rstrip("/") == label_files.ROUTE:
            most, around = self._largest_file, _AROUND
        too_large = f"This is too large to be worked with: at most {most / 2**20:g} MiB are taken at once."
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > most + around:
            await PlainTextResponse(too_large, 413)(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most + around:
                raise HTTPException(413, too_large)
            return message

        await self._app(scope, counted, send)


def fetch_nothing() -> None:
    """Have Gradio fetch no address that an event names in place of a file: what is uploaded comes from the browser.

    Gradio lets no event reach this network, but any other machine, and has no setting for none.
    """

    def refuse(url: str, *_: object, **__: object) -> NoReturn:
        raise ValueError("The studio fetches nothing from other machines; choose a file of your own.")

    processing_utils.async_ssrf_protected_get = refuse
    processing_utils.async_ssrf_protected_download = refuse
    processing_utils.ssrf_protected_download = processing_utils.save_url_to_cache = refuse
