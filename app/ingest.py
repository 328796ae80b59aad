"""From an uploaded file to a clip of a study: analysed, playable, and in the database only when all of it worked."""

import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from annotations.records import ClipRecord
from annotations.store import Store
from app.files import ClipFiles
from app.jobs import PlainError
from app.predictions import Predictions
from app.settings import Settings
from stf2m import clips, sandbox
from stf2m.clips import Words
from stf2m.media import MediaError
from stf2m.tracks import Track
from stf2m.views.text import SubtitleError
from stf2m.weights import Progress

_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINER = "\N{ZERO WIDTH JOINER}"  # of which emoji are made


class ClipRefused(PlainError):  # noqa: N818 - what happened, in a person's words
    """A file that cannot become a clip; the message is one plain sentence with its name and the reason."""


class AlreadyHere(ClipRefused):
    """A file whose content is a clip of the study already; ``there`` is that clip's id."""

    def __init__(self, name: str, clip: ClipRecord) -> None:
        super().__init__(f"{name} is already here{'' if name == clip.name else f' as {clip.name}'}.")
        self.there = clip.id


def plain_name(name: str) -> str:
    """The last part of a file's name on one line, without characters that are not seen or turn others round."""
    return "".join(
        each for each in Path(name).name if unicodedata.category(each) not in _UNSEEN or each == _JOINER
    ).strip()


@dataclass(frozen=True)
class Upload:
    """A video file with what comes beside it: a subtitle file or typed words, or neither."""

    path: Path
    name: str
    subtitles: Path | None = None
    typed: str | None = None


class Ingest:
    """Adds clips to studies and reads their tracks again later."""

    def __init__(self, settings: Settings, files: ClipFiles, store: Store) -> None:
        self._settings = settings
        self._files = files
        self._store = store
        sandbox.warm()

    def add(self, study_id: int, upload: Upload, predictions: Predictions, progress: Progress) -> ClipRecord:
        """Analyse a file and add it to a study. Raises :class:`ClipRefused`; the database is left as it was then."""
        name = plain_name(upload.name) or upload.path.name
        clip = self._analyse(study_id, upload, name, lambda share, stage: progress(0.9 * share, stage))
        progress(0.9, "Preparing playback")
        folder = self._keep(study_id, upload.path, name, clip, lambda share, stage: progress(0.9 + 0.07 * share, stage))
        if upload.subtitles:
            shutil.copyfile(upload.subtitles, folder / f"words{upload.subtitles.suffix.lower()}")
        elif upload.typed:
            (folder / "words.txt").write_text(upload.typed, encoding="utf-8")
        record = self._store.add_clip(
            study_id,
            clip.sha256,
            name,
            duration_s=clip.info.duration_s,
            has_video=clip.info.has_video,
            has_sound=clip.info.has_sound,
            notes=[note.replace(upload.path.name, name) for note in clip.notes],
        )
        progress(0.97, "Asking the model")
        self._forget_answers(record, predictions)
        return self.finish(record, predictions)

    def _keep(self, study_id: int, path: Path, name: str, clip: clips.Clip, progress: Progress) -> Path:
        try:
            return self._files.keep(path, clip.info, study_id, clip.sha256, progress)
        except MediaError as error:
            raise ClipRefused(str(error).replace(path.name, name)) from error

    def _forget_answers(self, clip: ClipRecord, predictions: Predictions) -> None:
        """A clip that was taken out and is back may have other words than before: what was said of it holds no more."""
        predictions.forget(clip)
        for version in self._store.model_versions(clip.study_id):
            if self._store.suggestions(clip.id, version.id):
                self._store.put_suggestions(clip.id, version.id, [])

    def finish(self, clip: ClipRecord, predictions: Predictions) -> ClipRecord:
        """Encode a clip's segments and call it ready; also for one cut off by the end of the studio."""
        predictions.encoded(clip)
        return self._store.set_clip_status(clip.id, "ready")

    def tracks(self, clip: ClipRecord) -> dict[str, Track]:
        """The tracks of a clip: from the cache, or extracted anew where an extractor has changed since."""
        folder = self._files.of(clip)
        original = next(folder.glob("original.*"), None)
        if original is None:
            raise ClipRefused(f"The file of {clip.name} is gone; upload it again.")
        subtitles = next((path for path in folder.glob("words.*") if path.suffix != ".txt"), None)
        typed = folder / "words.txt"
        words = self._words(subtitles, typed.read_text(encoding="utf-8") if typed.is_file() else None)
        try:
            return dict(clips.analyse(original, words=words, cache=self._files.tracks).tracks)
        except (MediaError, SubtitleError) as error:
            raise ClipRefused(str(error).replace(original.name, clip.name)) from error

    def _analyse(self, study_id: int, upload: Upload, name: str, progress: Progress) -> clips.Clip:
        try:
            sha256 = clips.content_hash(upload.path)
            twin = next((clip for clip in self._store.clips(study_id) if clip.sha256 == sha256), None)
            if twin and twin.status == "ready" and upload.path.stat().st_size:
                raise AlreadyHere(name, twin)
            clip = clips.analyse(
                upload.path,
                words=self._words(upload.subtitles, upload.typed),
                progress=progress,
                cache=self._files.tracks,
                max_seconds=self._settings.max_seconds,
                max_bytes=self._settings.max_bytes,
            )
        except (MediaError, SubtitleError) as error:
            raise ClipRefused(str(error).replace(upload.path.name, name)) from error
        except FileNotFoundError as error:
            raise ClipRefused(f"{name} did not arrive; upload it again.") from error
        if not clip.modalities:
            reasons = " ".join(track.note for track in clip.tracks.values() if track.note)
            shutil.rmtree(self._files.tracks / clip.sha256, ignore_errors=True)
            raise ClipRefused(f"{name} has nothing in it that could be analysed. {reasons}")
        return clip

    def _words(self, subtitles: Path | None, typed: str | None) -> Words:
        whisper = Path(self._settings.whisper) if self._settings.whisper else None
        return Words(subtitles, typed, whisper, self._settings.language)
