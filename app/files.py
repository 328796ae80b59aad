"""Where a studio keeps a clip's files. A file leaves the server only by the clip's id, never by its path."""

import shutil
import uuid
from pathlib import Path

from PIL import Image

from annotations.records import ClipRecord
from app.incoming import Incoming
from stf2m.media import MediaInfo, frames, playable
from stf2m.weights import Progress

THUMBNAIL_WIDTH = 240


class ClipFiles:
    """The folders of one studio: ``clips/`` per clip, ``tracks/`` by content, ``models/`` per model version, and for
    what is on its way in ``incoming/``, where each process has a folder of its own.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.tracks = home / "tracks"
        self.models = home / "models"
        for folder in (home / "clips", self.tracks, self.models):
            folder.mkdir(parents=True, exist_ok=True)
        self._incoming = Incoming(home / "incoming")
        self.incoming = self._incoming.folder

    def close(self) -> None:
        """Nothing comes in any more."""
        self._incoming.close()

    def folder(self, study_id: int, sha256: str) -> Path:
        """The folder of a clip of a study; the same content gives the same folder."""
        return self.home / "clips" / f"{study_id}-{sha256[:16]}"

    def of(self, clip: ClipRecord) -> Path:
        """The folder of a clip."""
        return self.folder(clip.study_id, clip.sha256)

    def media(self, clip: ClipRecord) -> Path | None:
        """The file that browsers can play, None when it is gone."""
        return next(self.of(clip).glob("playable.*"), None) or next(self.of(clip).glob("original.*"), None)

    def thumbnail(self, clip: ClipRecord) -> Path | None:
        """A small picture of the clip, None when it has none."""
        path = self.of(clip) / "thumbnail.jpg"
        return path if path.is_file() else None

    def keep(self, path: Path, info: MediaInfo, study_id: int, sha256: str, progress: Progress | None = None) -> Path:
        """Copy a clip into its folder, with a version that browsers can play and a thumbnail. All or nothing."""
        folder = self.folder(study_id, sha256)
        staging = self.incoming / uuid.uuid4().hex
        staging.mkdir()
        try:
            original = staging / f"original{path.suffix.lower()}"
            shutil.copyfile(path, original)
            proxy = playable(path, staging, progress, until_s=info.duration_s)
            if proxy != path:
                proxy.rename(staging / f"playable{proxy.suffix}")
            if info.has_video:
                _thumbnail(path, min(info.duration_s / 2, 2.0), staging / "thumbnail.jpg")
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return folder

    def remove(self, clip: ClipRecord, *, tracks_too: bool) -> None:
        """Delete a clip's files; its tracks too unless another study holds the same content."""
        shutil.rmtree(self.of(clip), ignore_errors=True)
        if tracks_too:
            shutil.rmtree(self.tracks / clip.sha256, ignore_errors=True)


def _thumbnail(path: Path, at_s: float, target: Path) -> None:
    picture = next((picture for time_s, picture in frames(path) if time_s >= at_s), None)
    if picture is not None:
        image = Image.fromarray(picture)
        image.thumbnail((THUMBNAIL_WIDTH, THUMBNAIL_WIDTH))
        image.save(target, quality=80)
