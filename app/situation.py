"""The situation at a moment of a clip, in sentences: who is seen, whether anybody speaks, the words around.

Read from the tracks alone, and told only where it matters: a modality is told of when it is not there, or when it has
some say in the answer.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from stf2m.tracks import Track, Word

#: From this share of the evidence on a modality matters.
MATTERS = 0.1
#: Where less of a stretch than this shows a modality, that is told.
WHOLE = 0.8
#: Words are near up to so many seconds before or after a stretch; of them so many are quoted.
NEAR_S, QUOTED = 3.0, 8

_ABSENT = {
    "face": "No face is seen here, so the face says nothing.",
    "voice": "Nobody speaks here, so the voice says nothing.",
    "text": "No words are near, so they say nothing.",
}
_IN_PART = {
    "face": "A face is seen in {seen:.1f} of these {whole:.1f} s.",
    "voice": "Somebody speaks in {seen:.1f} of these {whole:.1f} s.",
}
_NUMBERS = {2: "Two", 3: "Three", 4: "Four"}


def missing(track: Track) -> str:
    """Why a modality says nothing at a moment: the whole clip has none of it, or only this moment."""
    if track.valid.any():
        return _ABSENT.get(track.modality.name, f"Nothing of the {track.modality.name} can be measured here.")
    return track.note or f"Nothing of the {track.modality.name} can be measured here."


def told(there: Mapping[str, Track], start_s: float, end_s: float) -> list[str]:
    """The situation between two moments as the tracks show it of the modalities that are there and matter."""
    sentences = [_in_part(name, track, start_s, end_s) for name, track in there.items() if name in _IN_PART]
    if "face" in there:
        sentences.append(_faces(there["face"], start_s, end_s))
    if "text" in there:
        sentences.append(_said(there["text"].words, start_s, end_s))
    return [sentence for sentence in sentences if sentence]


def _in_part(name: str, track: Track, start_s: float, end_s: float) -> str:
    share = float(track.valid[track.frames_between(start_s, end_s)].mean())
    whole = end_s - start_s
    return "" if share >= WHOLE else _IN_PART[name].format(seen=share * whole, whole=whole)


def _faces(track: Track, start_s: float, end_s: float) -> str:
    """How many faces there are most of the time; nothing is said of tracks that do not record it."""
    if "faces" not in track.detail:
        return ""
    frames = track.frames_between(start_s, end_s)
    counts = np.asarray(track.detail["faces"][frames], int)[track.valid[frames]]
    usual = int(np.median(counts)) if len(counts) else 0
    if usual < 2:
        return ""
    return f"{_NUMBERS.get(usual, str(usual))} faces are in the picture; the most prominent one is read."


def _said(words: Sequence[Word], start_s: float, end_s: float) -> str:
    inside = [word for word in words if word.start_s < end_s and word.end_s > start_s]
    before = [word for word in words if start_s - NEAR_S <= word.end_s <= start_s]
    after = [word for word in words if end_s <= word.start_s <= end_s + NEAR_S]
    if inside:
        return f"The words here: {_quoted(inside[:QUOTED], len(inside) > QUOTED)}."
    if before:
        return f"Right after the words {_quoted(before[-QUOTED:])}."
    return f"Right before the words {_quoted(after[:QUOTED])}." if after else ""


def _quoted(words: Sequence[Word], cut: bool = False) -> str:
    return f"“{' '.join(word.text for word in words)}{' …' if cut else ''}”"
