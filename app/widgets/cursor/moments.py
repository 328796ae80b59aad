"""What a clip's tracks say at every moment, packed small for the page: face, cues, blendshapes and words."""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from app.figures.cues import liveliest
from stf2m.tracks import RATE_HZ, Track
from stf2m.views import face

#: A page asks for this many seconds at a time, so that an hour of video costs no more than a minute of it.
CHUNK_S = 60.0
#: As many cues and blendshapes as fit beside the face: those that move most.
BARS = 10


def chunk(tracks: Mapping[str, Track], start_s: float) -> dict[str, Any]:
    """The frames from ``start_s`` on for :data:`CHUNK_S` seconds, as JSON values.

    ``points``: base64 of little-endian uint16 ``(F, L, 2)``, 65535 for the picture's far edge, all 65535 where no
    face is seen. ``cues``: one list of F values each, null where unknown; ``bars`` names those to show beside the face.
    ``blendshapes``: 0–1, F values each.
    """
    frames = slice(round(start_s * RATE_HZ), round((start_s + CHUNK_S) * RATE_HZ))
    return {
        "start_s": start_s,
        "end_s": start_s + CHUNK_S,
        "rate_hz": RATE_HZ,
        "points": _points(tracks["face"], frames),
        "cues": [cue for track in tracks.values() for cue in _cues(track, frames)],
        "bars": liveliest(tracks["face"], BARS) if tracks["face"].valid.any() else [],
        "blendshapes": _blendshapes(tracks["face"], frames),
        "words": [
            [word.text, round(word.start_s, 2), round(word.end_s, 2)]
            for track in tracks.values()
            for word in track.words
            if word.start_s < start_s + CHUNK_S and word.end_s > start_s
        ],
    }


def _points(track: Track, frames: slice) -> str:
    if "landmarks" not in track.detail or not track.valid.any():
        return ""
    landmarks = track.detail["landmarks"][frames].astype(np.float32)
    seen = track.valid[frames, None, None] & np.isfinite(landmarks)
    packed = np.where(seen, np.clip(np.nan_to_num(landmarks), 0, 1) * 65534, 65535)
    return base64.b64encode(np.round(packed).astype("<u2").tobytes()).decode()


def _cues(track: Track, frames: slice) -> list[dict[str, Any]]:
    values = np.where(track.valid[frames, None], track.cues[frames], np.nan)
    return [
        {
            "name": cue.name,
            "unit": cue.unit,
            "meaning": cue.meaning,
            "modality": track.modality.name,
            "low": cue.typical[0],
            "high": cue.typical[1],
            "values": [round(float(value), 3) if np.isfinite(value) else None for value in column],
        }
        for cue, column in zip(track.modality.cues, values.T, strict=True)
    ]


def _blendshapes(track: Track, frames: slice) -> list[dict[str, Any]]:
    if not track.valid[frames].any():
        return []
    values = np.where(track.valid[frames, None], track.embedding[frames, : len(face.BLENDSHAPES)], 0.0)
    moving = [index for index in np.argsort(-values.std(axis=0)) if not face.BLENDSHAPES[index].startswith("_")]
    return [
        {"name": _words(face.BLENDSHAPES[index]), "values": np.round(values[:, index].astype(float), 2).tolist()}
        for index in sorted(moving[:BARS])
    ]


def _words(name: str) -> str:
    """``mouthSmileLeft`` → ``mouth smile left``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
