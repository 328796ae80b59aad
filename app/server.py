"""The studio's own addresses beside Gradio's: clips and their pictures by id, and files on their way in."""

import inspect
import mimetypes

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, Field, ValidationError

from annotations.records import NotFoundError, StoreError
from app import caller, label_files, taking_away
from app.bounds import RecordId
from app.jobs import PlainError
from app.studio import Studio
from app.uploads import Uploads

_MOST_WORDS = 4 * 2**20
_UNUSABLE = "The name of the file cannot be used: it has at most 500 characters, all of them real ones."
#: Whatever is in a file that somebody added: as a page of its own it may do nothing here.
_PRIVATE = {
    "Cache-Control": "private, max-age=3600",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


class File(BaseModel):
    """A file that a page wants to send: its name and size in bytes, and the words that come with it."""

    study: RecordId
    name: str = Field(min_length=1, max_length=500)
    size: int = Field(ge=0)
    subtitles: tuple[str, str] | None = None
    typed: str = Field(default="", max_length=1_000_000)


def add_routes(web: FastAPI, studio: Studio) -> None:
    """Put the studio's addresses before Gradio's, which answer everything else; works on a server that runs."""
    web.router.routes[:0] = routes(studio).routes


def routes(studio: Studio) -> APIRouter:
    """``/clip/{id}`` with byte ranges, ``/clip/{id}/thumbnail``, and where files come in: ``/upload`` and
    :data:`app.label_files.ROUTE`. For those who may see the page.
    """
    router = APIRouter(dependencies=[Depends(_signed_in), Depends(caller.remember)])

    @router.get("/clip/{clip_id}")
    def clip(clip_id: RecordId) -> Response:
        """The media of a clip; the response honours ranges, so that a browser can seek."""
        try:
            path = studio.media(clip_id)
        except NotFoundError:
            path = None
        if path is None:
            return PlainTextResponse("There is no such clip, or it has been removed.", 404)
        kind, _ = mimetypes.guess_type(path.name)
        if kind is None or not kind.startswith(("video/", "audio/")):
            return FileResponse(
                path, 200, {**_PRIVATE, "Content-Disposition": "attachment"}, "application/octet-stream"
            )
        return FileResponse(path, 200, _PRIVATE, kind)

    @router.get("/clip/{clip_id}/thumbnail")
    def thumbnail(clip_id: RecordId) -> Response:
        """A small picture of a clip."""
        try:
            path = studio.thumbnail(clip_id)
        except NotFoundError:
            path = None
        if path is None:
            return PlainTextResponse("There is no picture of this clip.", 404)
        return FileResponse(path, headers=_PRIVATE, media_type="image/jpeg")

    @router.post("/upload")
    async def announce(request: Request) -> Response:
        """Announce a file; answers with the token under which its bytes may be sent, or refuses in a sentence."""
        said = bytearray()
        async for chunk in request.stream():
            said += chunk
            if len(said) > _MOST_WORDS:
                return JSONResponse({"refused": "The words beside a video must be fewer: 4 MiB at most are read."})
        try:
            file = File.model_validate_json(bytes(said))
        except ValidationError:
            return JSONResponse({"refused": _UNUSABLE})
        return await run_in_threadpool(expect, file)

    def expect(file: File) -> Response:
        try:
            token = studio.once(Uploads).announce(file.study, file.name, file.size, file.subtitles, file.typed)
        except (PlainError, NotFoundError, StoreError) as refusal:
            return JSONResponse({"refused": str(refusal)})
        return JSONResponse({"token": token})

    @router.post("/upload/{token}")
    async def upload(token: str, request: Request) -> Response:
        """The bytes of a file that the page has announced; answers with the id and the key of its analysis."""
        try:
            job = await studio.once(Uploads).receive(token, request.stream())
        except KeyError:
            return JSONResponse({"refused": "This upload was not expected; choose the file again."}, 404)
        except PlainError as refusal:
            return JSONResponse({"refused": str(refusal)}, 413)
        return JSONResponse({"job": job.id, "key": job.key})

    router.include_router(label_files.routes())
    router.include_router(taking_away.routes(studio))
    return router


async def _signed_in(request: Request) -> None:
    """Where the studio asks for a login, let nobody else in: the same rule as for Gradio's own addresses."""
    web = request.app
    auth, dependency = getattr(web, "auth", None), getattr(web, "auth_dependency", None)
    if auth is None and dependency is None:
        return
    if dependency is not None:
        user = dependency(request)
        user = await user if inspect.isawaitable(user) else user
    else:
        user = caller.signed_in(request)
    if user is None:
        raise HTTPException(401, "Sign in to the studio first.")
