"""Files with labels on their way in: what Gradio's upload button sends, until its event has read it.

They come to Gradio's address, but Gradio does not take them: it would take a thousand at once, keep what is no file in
memory however long it is, and leave what was broken off on the disk for good.
"""

import secrets
import shutil
import time
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from gradio.utils import get_upload_folder
from starlette.datastructures import UploadFile

from annotations import formats
from app.ingest import plain_name
from app.jobs import plainly
from app.settings import Settings

#: Where the button sends them, as Gradio wants it.
ROUTE = "/gradio_api/upload"
#: The event follows at once and deletes what it has read; what is older has been forgotten, seconds.
KEPT_S = 1800.0
#: How often it is looked for that, seconds.
LOOK_S = 300.0
_LONGEST_NAME = 200  # bytes


def largest(settings: Settings) -> int:
    """The largest file with labels that is taken, bytes."""
    return min(formats.LARGEST, settings.max_bytes)


def folder() -> Path:
    """Where they wait, in the folder from which Gradio lets an event read."""
    path = Path(get_upload_folder()) / "stf2m-labels"
    path.mkdir(parents=True, exist_ok=True)
    return path


def routes() -> APIRouter:
    """The address to which the button sends; how much may be sent there is for :class:`app.bounds.Bounded` to say."""
    router = APIRouter()

    @router.post(ROUTE)
    async def upload(request: Request) -> Response:
        """Take one file; answers, as Gradio does, with a list of its path. What breaks off leaves nothing."""
        try:
            async with request.form(max_files=1, max_fields=1) as form:
                sent = form.get("files")
                if not isinstance(sent, UploadFile):
                    return PlainTextResponse("There is no file in this.", 400)
                return JSONResponse([str(await run_in_threadpool(_keep, sent))])
        except OSError as error:
            return PlainTextResponse(f"The file could not be kept: {plainly(error)}.", 507)

    return router


def _keep(sent: UploadFile) -> Path:
    """Under its own name, which people are told, in a folder that nobody can guess."""
    name = plain_name((sent.filename or "").replace("\\", "/")).encode()[-_LONGEST_NAME:].decode(errors="ignore")
    place = folder() / secrets.token_hex(16)
    place.mkdir()
    try:
        path = place / ("labels" if name in ("", "..") else name)
        with path.open("wb") as file:
            shutil.copyfileobj(sent.file, file)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return path


def sweep() -> None:
    """Delete what no event has asked for, and what Gradio and the events left where the others were."""
    for each in folder().iterdir():
        try:
            if time.time() - each.stat().st_mtime > KEPT_S:
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        except FileNotFoundError:
            continue  # a studio beside this one was faster
