"""The door of the demo: whoever comes gets a cookie, and nobody reaches what is another's, by whatever address.

It stands before Gradio, which knows pages only by names that browsers make up, and gives its files to whoever asks.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import label_files
from app.visitors import Visit, Visitors, VisitOver

COOKIE = "stf2m-visit"
#: Nothing of anybody's: the page's own scripts and styles, and whether the studio is well.
OPEN = re.compile(
    r"/(assets|static|svelte)/.*|/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt|plotly\.min\.js|healthz|user|login_check)/?"
    r"|/pwa_icon(/\d+)?|/gradio_api/(info|startup-events|app_id|user|token|login_check|theme\.css)/?"
)
#: What a page asks for on behalf of a visitor; everything else that Gradio can do is not needed and is not there.
OWN = re.compile(
    r"/clip/\d+(/thumbnail|/report)?|/study/\d+/rules\.\w+|/upload(/[\w-]+)?"
    r"|/gradio_api/(run/predict|queue/join|queue/data|component_server|upload|cancel|reset|heartbeat/\w+|file=.+)/?"
)
#: Those that carry JSON: read here before Gradio reads it.
JSON = re.compile(r"/gradio_api/(run/predict|queue/join|component_server|cancel|reset)/?")
#: The largest event of a page, bytes.
LARGEST = 4 * 2**20
#: A visit may bring in labels from so many files, and from so many bytes in all.
MOST_FILES, MOST_FILE_BYTES = 100, 128 * 2**20
_ENOUGH = f"This demo takes {MOST_FILES} files with labels a visit, {MOST_FILE_BYTES >> 20} MiB in all."
_FILE = "/gradio_api/file="
#: How Gradio marks a file in what an event gives out.
_IS_FILE = {"_type": "gradio.FileData"}


class Doorway:
    """ASGI middleware for demo mode."""

    def __init__(self, app: ASGIApp, visitors: Visitors) -> None:
        self._app = app
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return None  # the page needs no other kind of connection
        request = Request(scope, receive)
        path, method = scope["path"], scope["method"]
        if method == "OPTIONS" or OPEN.fullmatch(path) or (path == "/" and method == "HEAD"):
            return await self._app(scope, receive, send)
        visit = self._visitors.find(request.cookies.get(COOKIE))
        if path == "/" and method == "GET":
            return await self._page(visit, scope, receive, send)
        answer = self._refused(request, visit)
        if answer or visit is None:
            return await (answer or _forbidden())(scope, receive, send)
        if path.rstrip("/") == label_files.ROUTE and not self._may_send_file(visit, request):
            if "content-length" in request.headers:  # a browser listens to the answer when it has sent all that it has
                async for _ in request.stream():
                    pass
            return await PlainTextResponse(_ENOUGH, 429)(scope, receive, send)
        if path.startswith("/gradio_api/heartbeat/"):
            with self._visitors.tab(visit):
                return await self._app(scope, receive, send)
        if JSON.fullmatch(path):
            body = await _read(request)
            if body is None:
                return await JSONResponse({"detail": "This is too large for an event."}, 413)(scope, receive, send)
            if not self._may_send(visit, body):
                return await _forbidden()(scope, receive, send)
            receive = _again(body, receive)
        return await self._app(scope, receive, self._watched(path, visit, send))

    async def _page(self, visit: Visit | None, scope: Scope, receive: Receive, send: Send) -> None:
        if visit:
            return await self._app(scope, receive, send)
        secret = self._visitors.arrive()
        if secret is None:
            page = files("app").joinpath("full.html").read_text(encoding="utf-8")
            return await HTMLResponse(page, 503, {"Retry-After": "60"})(scope, receive, send)
        cookie = _cookie(secret, Request(scope), int(self._visitors.settings.visit_minutes * 60))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), (b"set-cookie", cookie)]}
            await send(message)

        return await self._app(scope, receive, send_with_cookie)

    def _refused(self, request: Request, visit: Visit | None) -> Response | None:
        """The answer to what may not be asked for; what is in the body is looked at later."""
        path = request.scope["path"]
        if not OWN.fullmatch(path):
            return JSONResponse({"detail": "Not Found"}, 404)
        if visit is None:  # a widget shows what it is refused in an answer, and takes anything else for none
            told = {"detail": str(VisitOver()), "refused": str(VisitOver())}
            return JSONResponse(told, 200 if path.startswith("/gradio_api/component_server") else 403)
        asked = parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        pages = asked.get("session_hash", [""] if path.startswith("/gradio_api/queue/data") else [])
        if path.startswith("/gradio_api/heartbeat/"):
            pages = [path.rstrip("/").rsplit("/", 1)[1]]
        if not all(self._visitors.owns(visit, page) for page in pages):
            return _forbidden()
        if path.startswith(_FILE) and os.path.abspath(path[len(_FILE) :]) not in visit.files:
            return _forbidden()
        return None

    def _may_send(self, visit: Visit, body: bytes) -> bool:
        """Whether an event is of the visitor's own page and speaks of their own files only."""
        event = event_of(body)
        if event is None:
            return False
        page, named = event
        return self._visitors.owns(visit, page) and named <= visit.files

    def _may_send_file(self, visit: Visit, request: Request) -> bool:
        """Whether a visit may send another file with labels; one of a size that nobody says counts as the largest."""
        length = request.headers.get("content-length")
        visit.label_files += 1
        visit.label_bytes += int(length) if length else label_files.largest(self._visitors.settings)
        return visit.label_files <= MOST_FILES and visit.label_bytes <= MOST_FILE_BYTES

    def _watched(self, path: str, visit: Visit, send: Send) -> Send:
        """What goes out to a visitor says which files are theirs."""
        if path.rstrip("/") == label_files.ROUTE:
            return _noting(send, lambda part: visit.files.update(_uploaded(part)))
        if path.startswith(("/gradio_api/queue/data", "/gradio_api/run/predict")):
            return _noting(send, lambda part: visit.files.update(_told(part)))
        return send


def event_of(body: bytes) -> tuple[str, set[str]] | None:
    """The page that an event is of, and every path that it names; None for what is no event."""
    try:
        event = json.loads(body)
        page = event.get("session_hash") if isinstance(event, dict) else None
        named = {str(each["path"]) for each in _mappings(event) if "path" in each}
    except (ValueError, RecursionError):
        return None
    return (page, named) if isinstance(page, str) else None


def _cookie(secret: str, request: Request, seconds: int) -> bytes:
    """A cookie that no script can read; on an encrypted page it works inside another page, as Spaces are shown.

    There the browser keeps one for each page around it (``Partitioned``, which also keeps other sites from using it).
    """
    encrypted = request.headers.get("x-forwarded-proto", request.url.scheme).startswith("https")
    reach = "SameSite=None; Secure; Partitioned" if encrypted else "SameSite=Lax"
    return f"{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; {reach}".encode("ascii")


def _forbidden() -> Response:
    return JSONResponse({"detail": "This is not yours to see."}, 403)


async def _read(request: Request) -> bytes | None:
    """The body of an event; None where it is larger than any is."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """The same body to be read once more."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return parts.pop() if parts else await receive()

    return receive_again


def _noting(send: Send, note: Callable[[bytes], object]) -> Send:
    async def send_noting(message: Message) -> None:
        if message["type"] == "http.response.body" and message.get("body"):
            note(message["body"])
        await send(message)

    return send_noting


def _uploaded(answer: bytes) -> list[str]:
    """The paths in Gradio's answer to an upload."""
    try:
        paths = json.loads(answer)
    except ValueError:
        return []
    return [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else []


def _told(part: bytes) -> list[str]:
    """The paths of the files that an event of the page gives out; Gradio sends each event's answer in one piece."""
    if b"gradio.FileData" not in part:
        return []
    answers = [line.removeprefix(b"data:") for line in part.splitlines() if line]
    found = [each for answer in answers for each in _mappings(json.loads(answer))]
    return [each["path"] for each in found if each.get("meta") == _IS_FILE and isinstance(each.get("path"), str)]


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping anywhere in a JSON value."""
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from _mappings(each)
