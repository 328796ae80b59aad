"""The timeline of one clip as plain JSON values: what the widget draws."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from annotations.records import AnnotationRecord, ClipRecord, EmotionRecord, ModelVersionRecord, SuggestionRecord
from app.review import side_by_side
from app.support import made_of
from stf2m.tracks import RATE_HZ, Cue, Track

#: The thin lanes under the annotations: why somebody might hear or see an emotion here.
LANES = ("smile", "brow raise", "jaw drop", "pitch", "loudness", "word valence")
#: Keys for emotions: digits first, then letters that no command uses.
KEYS = "123456789abcdegqy"


def emotions(records: Sequence[EmotionRecord]) -> list[dict[str, str]]:
    """A study's emotions with their letter, colour and key."""
    keys = [*KEYS, *[""] * len(records)]
    return [
        {"name": record.name, "letter": record.letter, "key": key, "colour": record.colour}
        for record, key in zip(records, keys, strict=False)
    ]


def suggestion(record: SuggestionRecord) -> dict[str, Any]:
    """One stretch of the model's answer."""
    emotion = max(record.memberships, key=lambda name: record.memberships[name])
    return {
        "start_s": record.start_s,
        "end_s": record.end_s,
        "emotion": emotion,
        "degree": record.memberships[emotion],
        "memberships": dict(record.memberships),
        "uncertainty": record.uncertainty,
        "shares": dict(record.shares),
    }


def what_people_say(annotations: Sequence[AnnotationRecord]) -> list[dict[str, Any]]:
    """Stretches as suggestions to a reviewer: how far people agree, and what each of them says."""
    return [
        {
            "start_s": round(each.start_s, 3),
            "end_s": round(each.end_s, 3),
            "emotion": max(each.memberships, key=lambda name: each.memberships[name]),
            "degree": round(max(each.memberships.values()), 4),
            "memberships": {name: round(degree, 4) for name, degree in each.memberships.items()},
            "uncertainty": round(each.disagreement, 4),
            "said": {person: dict(degrees) for person, degrees in each.by_person.items()},
        }
        for each in side_by_side(annotations)
    ]


def annotation(record: AnnotationRecord, annotator_id: int | None) -> dict[str, Any]:
    """One person's annotation."""
    return {
        "id": record.id,
        "version": record.version,
        "annotator": record.annotator,
        "mine": record.annotator_id == annotator_id,
        "start_s": record.start_s,
        "end_s": record.end_s,
        "emotion": record.emotion,
        "degrees": dict(record.degrees),
        "intensity": record.intensity,
        "note": record.note,
        "painted": asdict(record.painted) if record.painted else None,
    }


def clip(record: ClipRecord) -> dict[str, Any]:
    """What the page needs to know of a clip; its media goes by its id."""
    return {
        "id": record.id,
        "name": record.name,
        "duration_s": record.duration_s,
        "media_url": f"/clip/{record.id}",
        "has_video": record.has_video,
        "has_sound": record.has_sound,
        "notes": list(record.notes),
    }


def version(record: ModelVersionRecord) -> dict[str, Any]:
    """A model version as people call it."""
    label = made_of(record).removeprefix("adapted to ")
    return {"id": record.id, "number": record.number, "kind": record.kind, "label": f"model {record.number} · {label}"}


def lanes(tracks: Mapping[str, Track]) -> list[dict[str, Any]]:
    """The thin lanes: the cues that explain most, where the clip has them."""
    found = [
        _lane(cue, track)
        for track in tracks.values()
        for cue in track.modality.cues
        if cue.name in LANES and track.valid.any()
    ]
    return sorted(found, key=lambda lane: LANES.index(lane["name"]))


def words(tracks: Mapping[str, Track]) -> list[dict[str, Any]]:
    """The words of a clip with their times in seconds."""
    return [
        {"text": word.text, "start_s": round(word.start_s, 3), "end_s": round(word.end_s, 3)}
        for track in tracks.values()
        for word in track.words
    ]


def rounded(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    """Names to values with four digits; unknown values are left out, JSON knows no NaN."""
    return {
        name: round(float(value), 4) for name, value in zip(names, values, strict=True) if math.isfinite(float(value))
    }


def _lane(cue: Cue, track: Track) -> dict[str, Any]:
    values = np.where(track.valid, track.cue(cue.name), np.nan)
    known = values[np.isfinite(values)]
    low, high = cue.typical
    return {
        "name": cue.name,
        "modality": track.modality.name,
        "unit": cue.unit,
        "meaning": cue.meaning,
        "low": float(min(low, known.min())) if len(known) else low,
        "high": float(max(high, known.max())) if len(known) else high,
        "rate_hz": RATE_HZ,
        "values": [round(float(value), 3) if math.isfinite(value) else None for value in values],
    }
