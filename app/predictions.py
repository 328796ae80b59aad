"""What the model says about a study's clips: encoded once per clip, then predicted by any model version at once."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from annotations.records import ClipRecord, ModelVersionRecord, SuggestionRecord
from annotations.store import Store
from app.files import ClipFiles
from app.recent import Recent
from app.settings import Settings
from app.timeline import rounded
from stf2m import segments
from stf2m.adaptation import AdaptedModel, Prediction
from stf2m.encoded import Encoded
from stf2m.model import STF2M
from stf2m.people import Own
from stf2m.segments import Segment, Views
from stf2m.timeline import Moments, join, over_time
from stf2m.tracks import Track

#: What is held in memory of clips at most, bytes each. Speech of a minute has 8 MB of tracks, so that those of two
#: clips of an hour stay; 1.6 MB of encoded segments; 11 kB for each stretch that was corrected and 14 kB for what one
#: version says. Any of it is read from the disk again, or made: milliseconds, but of an hour's tracks.
TRACKS, ENCODED, STRETCHES, MOMENTS = 2**30, 2**29, 2**26, 2**26


class Predictions:
    """The shipped model, its adapted versions, and what each says about each clip.

    Of clips whose files are still the very ones of the ``origin`` that a studio was copied from, tracks, encoded
    segments and what the origin's versions say are in memory once for all copies.
    """

    def __init__(
        self,
        settings: Settings,
        files: ClipFiles,
        read_tracks: Callable[[ClipRecord], dict[str, Track]],
        origin: "Predictions | None" = None,
    ):
        self.model = STF2M.load(Path(settings.checkpoint) if settings.checkpoint else None)
        self.checkpoint = self.model.fingerprint()
        self._settings = settings
        self._files = files
        self._read_tracks = read_tracks
        self._origin = origin
        self._tracks: Recent[str, dict[str, Track]] = Recent(
            TRACKS, lambda of: sum(each.nbytes for each in of.values())
        )
        self._own: Recent[str, dict[str, Own]] = Recent(256)
        self._encoded: Recent[str, Encoded] = Recent(ENCODED, lambda encoded: encoded.nbytes)
        self._stretches: Recent[tuple[str, tuple[Segment, ...]], Encoded] = Recent(STRETCHES, lambda of: of.nbytes)
        self._moments: Recent[tuple[str, str], Moments] = Recent(MOMENTS, lambda moments: moments.nbytes)
        self._versions: Recent[str, AdaptedModel] = Recent(16)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the modalities, in the order of every share."""
        return tuple(modality.name for modality in self.model.modalities)

    @property
    def known_emotions(self) -> tuple[str, ...]:
        """The emotions that the shipped model can suggest before any correction."""
        return self.model.memory.emotions if self.model.memory else ()

    def base(self, emotions: Sequence[str]) -> AdaptedModel:
        """The shipped model for some emotions, adapted to nothing; not taught where it knows fewer than two of them."""
        return self.model.adapt(self.model.encode([]), np.zeros((0, len(emotions))), emotions)

    def tracks(self, clip: ClipRecord) -> dict[str, Track]:
        """The tracks of a clip by modality."""
        if origin := self._shared(clip):
            return origin.tracks(clip)
        return self._tracks.get_or_make(self._key(clip), lambda: self._read_tracks(clip))

    def forget(self, clip: ClipRecord) -> None:
        """Drop what is held in memory about a clip."""
        about = self._key(clip)
        for of_clip in (self._tracks, self._own, self._encoded):
            of_clip.forget(lambda key: key == about)
        for of_parts in (self._moments, self._stretches):
            of_parts.forget(lambda key: key[0] == about)

    def segments(self, clip: ClipRecord) -> list[Segment]:
        """The segments a clip is cut into by the settings."""
        return segments.cut(clip.duration_s, self._settings.segment_s, self._settings.hop_s)

    def encoded(self, clip: ClipRecord) -> Encoded:
        """The encoded segments of a clip, kept beside it on disk for this checkpoint."""
        if origin := self._shared(clip):
            return origin.encoded(clip)
        return self._encoded.get_or_make(self._key(clip), lambda: self._encode_clip(clip))

    def encode(self, clip: ClipRecord, pieces: list[Segment]) -> Encoded:
        """Encode any stretches of a clip, a correction's for instance: once, for every adaptation asks for all
        corrections again.

        A clip is taken to show one person. What is their own is found in the whole clip, so that a stretch is encoded
        alike, whatever it is encoded with.
        """
        if origin := self._shared(clip):
            return origin.encode(clip, pieces)
        return self._stretches.get_or_make((self._key(clip), tuple(pieces)), lambda: self._encode(clip, pieces))

    def adapted(self, version: ModelVersionRecord) -> AdaptedModel:
        """The model of a version, read from its file, whose name says what is in it."""
        if self._origin and (self._origin._files.models / version.file).is_file():
            return self._origin.adapted(version)
        return self._versions.get_or_make(
            version.file, lambda: AdaptedModel.from_bytes(self.content(version), self.model)
        )

    def content(self, version: ModelVersionRecord) -> bytes:
        """The file of a version, which may be of another checkpoint."""
        return (self._files.models / version.file).read_bytes()

    def keep(self, adapted: AdaptedModel) -> str:
        """Write an adapted model to the models folder, named by its content; returns the file's name."""
        content = adapted.to_bytes()
        name = f"{hashlib.sha256(content).hexdigest()[:24]}.safetensors"
        partial = self._files.models / f"{name}.partial"
        partial.write_bytes(content)
        partial.replace(self._files.models / name)
        return name

    def predict(self, clip: ClipRecord, version: ModelVersionRecord) -> tuple[list[Segment], Prediction, Encoded]:
        """Degrees, uncertainty, shares and firing for every segment of a clip."""
        encoded = self.encoded(clip)
        return self.segments(clip), self.adapted(version).predict(encoded), encoded

    def over_time(self, clip: ClipRecord, version: ModelVersionRecord) -> Moments:
        """The degrees of a clip moment by moment, without overlap, in the order of the version's emotions."""
        if origin := self.origin_of(clip, version):
            return origin.over_time(clip, version)
        return self._moments.get_or_make((self._key(clip), version.file), lambda: self._over_time(clip, version))

    def between(self, clip: ClipRecord, version: ModelVersionRecord, start_s: float, end_s: float) -> dict[str, float]:
        """The mean degrees between two moments of a clip; empty where nothing is known there."""
        moments = self.over_time(clip, version)
        lengths = np.clip(np.minimum(moments.edges[1:], end_s) - np.maximum(moments.edges[:-1], start_s), 0, None)
        lengths[np.isnan(moments.memberships).any(axis=1)] = 0.0
        if not lengths.sum():
            return {}
        degrees = lengths @ np.nan_to_num(moments.memberships) / lengths.sum()
        return rounded(self.adapted(version).emotions, degrees)

    def suggestions(self, clip: ClipRecord, version: ModelVersionRecord) -> list[SuggestionRecord]:
        """The timeline of a clip: neighbouring moments of one emotion joined."""
        adapted = self.adapted(version)
        if not adapted.taught:
            return []
        emotions = adapted.emotions
        return [
            SuggestionRecord(
                clip_id=clip.id,
                model_version_id=version.id,
                start_s=round(stretch.start_s, 3),
                end_s=round(stretch.end_s, 3),
                memberships=rounded(emotions, stretch.memberships),
                uncertainty=round(stretch.uncertainty, 4),
                shares=rounded(self.sources, stretch.shares),
            )
            for stretch in join(self.over_time(clip, version), emotions)
        ]

    def kept_suggestions(self, clip: ClipRecord, version: ModelVersionRecord, store: Store) -> list[SuggestionRecord]:
        """The timeline of a clip as the database keeps it, from its first showing on."""
        kept = store.suggestions(clip.id, version.id)
        if not kept:
            kept = self.suggestions(clip, version)
            store.put_suggestions(clip.id, version.id, kept)
        return kept

    def differences(
        self, clip: ClipRecord, before: ModelVersionRecord, after: ModelVersionRecord
    ) -> list[tuple[float, float, str, str]]:
        """Where two versions differ on a clip: ``(start_s, end_s, before, after)``, neighbours of one kind joined."""
        was, was_emotions = self.over_time(clip, before), self.adapted(before).emotions
        now, now_emotions = self.over_time(clip, after), self.adapted(after).emotions
        joined: list[tuple[float, float, str, str]] = []
        for piece, (start_s, end_s) in enumerate(pairwise(now.edges.tolist())):
            if np.isnan(now.memberships[piece]).any():
                continue
            first = was_emotions[int(was.memberships[piece].argmax())]
            second = now_emotions[int(now.memberships[piece].argmax())]
            if joined and joined[-1][1:] == (start_s, first, second):
                joined[-1] = (joined[-1][0], end_s, first, second)
            elif first != second:
                joined.append((start_s, end_s, first, second))
        return joined

    def origin_of(self, clip: ClipRecord, version: ModelVersionRecord) -> "Predictions | None":
        """The origin where what a version says of a clip is the same there."""
        origin = self._shared(clip)
        return origin if origin and (origin._files.models / version.file).is_file() else None

    def _shared(self, clip: ClipRecord) -> "Predictions | None":
        """The origin where a clip's file is still a link to its own; with other words a clip is a new file."""
        if self._origin is None:
            return None
        own = next(self._files.of(clip).glob("original.*"), None)
        former = own and self._origin._files.of(clip) / own.name
        there = own and former and former.is_file() and own.samefile(former)
        return self._origin if there else None

    def _over_time(self, clip: ClipRecord, version: ModelVersionRecord) -> Moments:
        pieces, prediction, encoded = self.predict(clip, version)
        known = np.any(encoded.present, axis=1)
        return over_time(pieces, known, prediction.memberships, prediction.uncertainty, prediction.shares)

    def _views(self, clip: ClipRecord, pieces: list[Segment]) -> list[Views]:
        tracks = self.tracks(clip)
        return [segments.views(tracks, piece) for piece in pieces]

    def _encode(self, clip: ClipRecord, pieces: list[Segment]) -> Encoded:
        own = self._own.get_or_make(self._key(clip), lambda: self._find_own(clip))
        return self.model.encode(self._views(clip, pieces), own=own)

    def _find_own(self, clip: ClipRecord) -> dict[str, Own]:
        return self.model.own(self._views(clip, self.segments(clip)), self.encoded(clip))

    def _encode_clip(self, clip: ClipRecord) -> Encoded:
        path = self._encoded_file(clip)
        if path.is_file():
            try:
                return Encoded.load(path)
            except ValueError:
                path.unlink(missing_ok=True)
        views = self._views(clip, self.segments(clip))
        encoded = self.model.encode(views, people=[clip.sha256] * len(views))  # one person in all of them
        encoded.save(path)
        return encoded

    def _encoded_file(self, clip: ClipRecord) -> Path:
        cut = f"{self._settings.segment_s:g}-{self._settings.hop_s:g}"
        return self._files.of(clip) / f"encoded-{self.checkpoint}-{cut}.npz"

    @staticmethod
    def _key(clip: ClipRecord) -> str:
        return f"{clip.study_id}-{clip.sha256}"
