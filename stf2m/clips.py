"""One call from a video file to its tracks: the first half of the road of the data."""

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stf2m import media
from stf2m.tracks import RATE_HZ, Modality, Track, absent
from stf2m.views import face, text, voice
from stf2m.weights import Progress, WeightsUnavailableError

#: The part of the work that each modality takes, for one progress bar over all.
_EFFORT = {"face": 0.6, "voice": 0.25, "text": 0.15}


@dataclass(frozen=True, eq=False)
class Clip:
    """An analysed video file: what it is and one track per modality (absent ones say why in their note)."""

    path: Path
    info: media.MediaInfo
    sha256: str
    tracks: Mapping[str, Track]

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know about this clip, each one sentence: the file's notes, then the modalities'.

        Where the file has no picture or no sound, its own note says what is missing because of it.
        """
        told = {"face"} if not self.info.has_video else set()
        told |= {"voice", "text"} if not self.info.has_sound else set()
        tracks = [track for name, track in self.tracks.items() if track.valid.any() or name not in told]
        return (*self.info.notes, *(track.note for track in tracks if track.note))

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that are there at any moment of the clip."""
        return tuple(name for name, track in self.tracks.items() if track.valid.any())


@dataclass(frozen=True)
class Words:
    """Where the words of a clip come from: a subtitle file, a typed text, or else speech recognition.

    ``whisper`` is the folder of another CTranslate2 Whisper (None: the packaged English one).
    """

    subtitles: Path | None = None
    typed: str | None = None
    whisper: Path | None = None
    language: str = "en"

    @classmethod
    def beside(cls, video: Path) -> "Words":
        """The subtitles (.srt, .vtt) of the same name in the same folder, where there are any."""
        files = (video.with_suffix(suffix) for suffix in (".srt", ".vtt"))
        return cls(subtitles=next((file for file in files if file.is_file()), None))

    def fingerprint(self) -> str:
        """A short hash of the source, so that new subtitles are not answered from the cache."""
        subtitles = self.subtitles.read_bytes() if self.subtitles else b""
        parts = [subtitles, (self.typed or "").encode(), str(self.whisper or "").encode(), self.language.encode()]
        return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:12]


def analyse(
    path: Path,
    *,
    words: Words = Words(),
    progress: Progress | None = None,
    cache: Path | None = None,
    max_seconds: float = 3600.0,
    max_bytes: int = 2**30,
) -> Clip:
    """Read a video file and make the track of each modality.

    ``cache`` is a folder for tracks, kept by the file's content and the extractors' versions. Raises
    :class:`stf2m.media.MediaError` with one plain sentence for a file that cannot be analysed, and
    :class:`stf2m.views.text.SubtitleError` for subtitles that cannot be read.
    """
    info = media.probe(path, max_seconds=max_seconds, max_bytes=max_bytes)
    sha256 = content_hash(path)
    folder = cache / sha256 if cache else None
    extractors = {
        "face": (face.MODALITY, "", lambda report: face.extract(path, info, report)),
        "voice": (voice.MODALITY, "", lambda report: voice.extract(path, info, report)),
        "text": (
            text.MODALITY,
            words.fingerprint(),
            lambda report: text.extract(
                path, info, report, words.subtitles, words.typed, words.whisper, words.language
            ),
        ),
    }
    tracks: dict[str, Track] = {}
    done = 0.0
    for name, (modality, source, extract) in extractors.items():
        report = _part(progress, done, _EFFORT[name], name)
        tracks[name] = _cached(folder, modality, source) or _extract(extract, report, modality, info, folder, source)
        done += _EFFORT[name]
    return Clip(path, info, sha256, tracks)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _extract(
    extract: Callable[[Progress], Track],
    report: Progress,
    modality: Modality,
    info: media.MediaInfo,
    folder: Path | None,
    source: str,
) -> Track:
    report(0.0, f"Reading the {modality.name}")
    try:
        track = extract(report)
    except WeightsUnavailableError as error:
        # Not cached: the weights may be there next time.
        return absent(modality, math.ceil(info.duration_s * RATE_HZ), str(error))
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        track.save(_file(folder, modality, source))
    return track


def _cached(folder: Path | None, modality: Modality, source: str) -> Track | None:
    if folder is None or not (file := _file(folder, modality, source)).is_file():
        return None
    try:
        return Track.load(file, modality)
    except ValueError:
        return None


def _file(folder: Path, modality: Modality, source: str) -> Path:
    return folder / f"{'-'.join(filter(None, (modality.name, modality.version, source)))}.npz"


def _part(progress: Progress | None, start: float, length: float, name: str) -> Progress:
    def report(share: float, stage: str) -> None:
        if progress:
            progress(start + length * share, stage or name)

    return report
