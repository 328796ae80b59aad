"""Files on their way in: a page announces a file and streams its bytes; then its analysis is queued."""

import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from app.ingest import Upload, plain_name
from app.jobs import Job, PlainError, plainly
from app.studio import Studio
from stf2m.datasets.items import SOUND_FILES, VIDEO_FILES
from stf2m.probing import CONTAINER_FILES

#: An announced file whose bytes do not come within this time is forgotten, seconds.
PATIENCE_S = 3600.0
SUBTITLES = (".srt", ".vtt")


@dataclass(frozen=True)
class Announced:
    """A file that is about to arrive: for which study, under which name, with which words beside it."""

    study_id: int
    name: str
    subtitles: tuple[str, str] | None
    typed: str
    since: float


class Uploads:
    """Receives files in chunks, so that memory does not grow with them; they go when their analysis has ended."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._announced: dict[str, Announced] = {}
        self._received = 0
        self._lock = threading.Lock()

    def announce(
        self, study_id: int, name: str, size: int, subtitles: tuple[str, str] | None = None, typed: str = ""
    ) -> str:
        """Expect a file of ``size`` bytes; returns the secret under which it may be sent, once.

        ``subtitles`` is (file name, text). Raises :class:`app.jobs.PlainError` for a file that is too large or a
        subtitle file of another kind, :class:`annotations.records.NotFoundError` for an unknown study.
        """
        self._studio.study(study_id)
        settings = self._studio.settings
        if size > settings.max_bytes:
            raise self._too_large(name)
        if settings.mode == "demo" and self._received + len(self._announced) >= settings.max_uploads:
            raise PlainError(f"{Path(name).name} was not added: this demo takes {settings.max_uploads} videos a visit.")
        if subtitles and Path(subtitles[0]).suffix.lower() not in SUBTITLES:
            raise PlainError(f"{subtitles[0]} is not a subtitle file; SRT and VTT files are read.")
        token = secrets.token_urlsafe(24)
        now = time.monotonic()
        with self._lock:
            self._announced = {key: each for key, each in self._announced.items() if now - each.since < PATIENCE_S}
            self._announced[token] = Announced(study_id, plain_name(name), subtitles, typed, now)
        return token

    async def receive(self, token: str, chunks: AsyncIterator[bytes]) -> Job:
        """Write an announced file as it comes and queue its analysis.

        Raises ``KeyError`` for a file that was not announced and :class:`app.jobs.PlainError` for one that is too
        large or that the disk does not take; nothing is left of it then.
        """
        with self._lock:
            announced = self._announced.pop(token)
            self._received += 1
        folder = self._studio.files.incoming / f"upload-{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True)
            path = folder / f"clip{_suffix(announced.name)}"
            await self._write(path, announced.name, chunks)
            return self._studio.submit(
                announced.study_id, _upload(announced, path), lambda: shutil.rmtree(folder, ignore_errors=True)
            )
        except BaseException as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, OSError):
                raise PlainError(f"{announced.name} could not be kept: {plainly(error)}.") from error
            raise

    async def _write(self, path: Path, name: str, chunks: AsyncIterator[bytes]) -> None:
        size = 0
        with path.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > self._studio.settings.max_bytes:
                    raise self._too_large(name)
                file.write(chunk)

    def _too_large(self, name: str) -> PlainError:
        return PlainError(f"{Path(name).name} is larger than the limit of {self._studio.settings.max_megabytes:g} MiB.")


def _upload(announced: Announced, path: Path) -> Upload:
    subtitles = None
    if announced.subtitles:
        name, text = announced.subtitles
        subtitles = path.with_name(f"words{Path(name).suffix.lower()}")
        subtitles.write_text(text, encoding="utf-8")
    return Upload(path, announced.name, subtitles, announced.typed.strip() or None)


def _suffix(name: str) -> str:
    """Of media alone: by it, a browser would be told that a file is a page, and run what is in it."""
    suffix = Path(name).suffix.lower()
    return suffix if suffix in SOUND_FILES | VIDEO_FILES | CONTAINER_FILES else ".media"
