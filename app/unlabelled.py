"""The segments of a study that nobody has labelled: an adaptation learns from them as well where it is asked to."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annotations.records import AnnotationRecord, ClipRecord
from app.predictions import Predictions
from app.settings import Settings
from stf2m.encoded import Encoded
from stf2m.segments import Segment
from stf2m.weights import Progress

#: With more of them adapting would not be instant any more; so many are taken evenly from all clips.
MOST = 500


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """``n`` encoded segments without a label.

    ``identity`` is kept with the model version that learned from them, as plain JSON: how many they are (``segments``),
    the ``clips`` (ids) and the grid (``segment_s``, ``hop_s``) from which they are gathered again, and the ``sha256``
    of their clips' contents and times, which tells that they are the same ones.
    """

    encoded: Encoded
    identity: dict[str, Any]


def gather(
    clips: Sequence[ClipRecord],
    corrections: Sequence[AnnotationRecord],
    predictions: Predictions,
    settings: Settings,
    progress: Progress,
) -> Unlabelled:
    """Segments in which anything is seen or heard and whose middle lies in no correction, at most :data:`MOST`.

    They do not overlap, so that no moment counts several times. The same clips, corrections and settings give the same
    segments in the same order.
    """
    free: list[NDArray[np.intp]] = []
    for number, clip in enumerate(clips):
        progress(number / len(clips), f"Looking through {clip.name}")
        said = [(each.start_s, each.end_s) for each in corrections if each.clip_id == clip.id]
        there = np.asarray(predictions.encoded(clip).present.any(axis=1))
        free.append(_free(predictions.segments(clip), there, said))
    ends = np.cumsum([0, *map(len, free)])
    chosen = np.linspace(0, ends[-1] - 1, min(int(ends[-1]), MOST)).round().astype(int)
    kept = [
        rows[chosen[(first <= chosen) & (chosen < last)] - first]
        for rows, first, last in zip(free, ends[:-1], ends[1:], strict=True)
    ]
    parts = [predictions.encoded(clip)[rows] for clip, rows in zip(clips, kept, strict=True) if len(rows)]
    times = [
        (clip.sha256, [_times(predictions.segments(clip)[row]) for row in rows])
        for clip, rows in zip(clips, kept, strict=True)
    ]
    identity = {
        "segments": len(chosen),
        "clips": [clip.id for clip in clips],
        "segment_s": settings.segment_s,
        "hop_s": settings.hop_s,
        "sha256": hashlib.sha256(json.dumps(times).encode()).hexdigest(),
    }
    return Unlabelled(Encoded.concatenate(parts) if parts else predictions.model.encode([]), identity)


def _free(
    pieces: Sequence[Segment], present: NDArray[np.bool_], said: Sequence[tuple[float, float]]
) -> NDArray[np.intp]:
    """The numbers of the segments of one clip that may be taken, one after the other."""
    taken, until = [], 0.0
    for number, piece in enumerate(pieces):
        middle = (piece.start_s + piece.end_s) / 2
        if present[number] and piece.start_s >= until and not any(start <= middle <= end for start, end in said):
            taken.append(number)
            until = piece.end_s
    return np.array(taken, dtype=np.intp)


def _times(piece: Segment) -> tuple[float, float]:
    return round(piece.start_s, 3), round(piece.end_s, 3)
