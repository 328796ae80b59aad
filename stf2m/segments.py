"""Segments and views: a clip cut in time, and one modality of one such piece.

The fine grain of the method: one answer per segment of a clip, by default 2.0 s long, one every 0.5 s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from stf2m.tracks import BoolArray, FloatArray, Track

SEGMENT_S = 2.0
HOP_S = 0.5


@dataclass(frozen=True, order=True)
class Segment:
    """A stretch of a clip, ``start_s`` to ``end_s`` in seconds. Raises ``ValueError`` unless it has a length."""

    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.start_s < self.end_s:
            raise ValueError(f"A segment must end after it starts, not {self.start_s}–{self.end_s} s.")


@dataclass(frozen=True, eq=False)
class View:
    """One modality of one segment: the matching frames of its track.

    ``values`` ``(T, S, C)``, ``embedding`` ``(T, E)``, ``valid`` ``(T,)``, ``cues`` ``(Q,)``: the mean of each
    cue over the frames in which it could be measured, in its own unit, NaN where it never could. The last ``learned``
    numbers of the embedding come from our own model (see :class:`stf2m.tracks.Modality`).
    """

    modality: str
    values: FloatArray
    embedding: FloatArray
    valid: BoolArray
    cues: FloatArray
    learned: int = 0

    def borrowed(self) -> "View":
        """The view without what our own model has learned."""
        kept = self.embedding.shape[1] - self.learned
        return replace(self, embedding=self.embedding[:, :kept], learned=0)


#: All views of one segment by modality; a modality that is not there has no entry.
Views = Mapping[str, View]


def cut(duration_s: float, length_s: float = SEGMENT_S, hop_s: float = HOP_S) -> list[Segment]:
    """Cut a clip into overlapping segments that cover it from 0 to ``duration_s``.

    A clip shorter than one segment is one segment. The last segment ends with the clip.
    Raises ``ValueError`` unless every argument is positive.
    """
    if min(duration_s, length_s, hop_s) <= 0:
        raise ValueError("Duration, length and hop must be positive, in seconds.")
    starts = np.arange(0, max(duration_s - length_s, 0) + 1e-9, hop_s)
    segments = [Segment(float(start), float(min(start + length_s, duration_s))) for start in starts]
    if segments[-1].end_s < duration_s - 1e-6:
        segments.append(Segment(max(duration_s - length_s, 0.0), duration_s))
    return segments


def view(track: Track, segment: Segment, least_valid: float = 0.25) -> View | None:
    """The view of a track in a segment, or None where under ``least_valid`` of its frames are valid."""
    frames = track.frames_between(segment.start_s, segment.end_s)
    valid = track.valid[frames]
    if not len(valid) or not valid.any() or valid.mean() < least_valid:
        return None
    cues = mean_cues(track, frames)
    modality = track.modality
    return View(modality.name, track.values[frames], track.embedding[frames], valid, cues, modality.learned)


def views(tracks: Mapping[str, Track], segment: Segment) -> dict[str, View]:
    """The views of all modalities that are there in a segment."""
    found = {name: view(track, segment) for name, track in tracks.items()}
    return {name: each for name, each in found.items() if each is not None}


def mean_cues(track: Track, frames: slice) -> FloatArray:
    """Each cue's mean over the valid frames in which it could be measured, ``(Q,)``, NaN where it never could."""
    cues = np.where(track.valid[frames, None], track.cues[frames], np.nan)
    known = ~np.isnan(cues)
    count = known.sum(axis=0)
    total = np.where(known, cues, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
