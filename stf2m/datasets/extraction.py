"""From an item of a data set to the track of one modality, by the very extractors that read people's clips."""

from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from stf2m import media
from stf2m.datasets.items import DatasetError, Item
from stf2m.tracks import RATE_HZ, FloatArray, Modality, Track, Word, absent

#: Sampling rate at which voices are read, Hz.
SOUND_RATE = 16000
#: Files that libsndfile reads by itself, bit for bit and faster than a container's decoder.
_PLAIN_SOUND = frozenset({".wav", ".flac", ".ogg"})


@cache
def extractor(modality: str) -> ModuleType:
    """The module of :mod:`stf2m.views` that makes the tracks of a modality."""
    return import_module(f"stf2m.views.{modality}")


def modality_of(name: str) -> Modality:
    """What the tracks of a modality look like."""
    return extractor(name).MODALITY


def extract(item: Item, modality: str) -> Track:
    """The track of one modality of one item; a file that cannot be read gives an absent track that says why.

    Raises :class:`stf2m.weights.WeightsUnavailableError` when the modality's weights can be had nowhere, and
    :class:`DatasetError` for tracks of another version of the extractor.
    """
    module = extractor(modality)
    try:
        match item.kind:
            case "sound":
                return module.extract_sound(read_sound(item.files[0]), SOUND_RATE)
            case "images":
                return _sequence([module.extract_image(read_image(file)) for file in item.files])
            case "text":
                return module.extract_sentence(item.text, item.duration_s or 3.0)
            case "tracks":
                return _stretch(_load(item, module.MODALITY), *(item.stretch or (0.0, float("inf"))))
            case "video":
                info = media.probe(item.files[0])
                if modality == "text":
                    return module.extract(item.files[0], info, None, typed=item.text or None)
                return module.extract(item.files[0], info, None)
    except (media.MediaError, OSError, soundfile.LibsndfileError) as error:
        return absent(module.MODALITY, 1, str(error))


def read_sound(file: Path) -> FloatArray:
    """A sound file as mono samples in −1…1 at 16 kHz, ``(samples,)``."""
    if file.suffix.lower() in _PLAIN_SOUND:
        wave, rate = soundfile.read(file, dtype="float32", always_2d=True)
        if rate == SOUND_RATE:
            return wave.mean(axis=1)
    chunks = [chunk for _, chunk in media.sound(file, SOUND_RATE)]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def read_image(file: Path) -> NDArray[np.uint8]:
    """A picture as RGB, ``(H, W, 3)``. Raises ``MediaError`` when it is not one."""
    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("RGB"))
    except UnidentifiedImageError as error:
        raise media.MediaError(f"{file.name} is not a picture.") from error


def _sequence(frames: list[Track]) -> Track:
    """Tracks of single frames as one track, one frame every ``1 / RATE_HZ`` seconds."""
    return Track(
        modality=frames[0].modality,
        values=np.concatenate([track.values for track in frames]),
        embedding=np.concatenate([track.embedding for track in frames]),
        cues=np.concatenate([track.cues for track in frames]),
        valid=np.concatenate([track.valid for track in frames]),
        note=next((track.note for track in frames if track.note), ""),
    )


def _load(item: Item, modality: Modality) -> Track:
    file = next(file for file in item.files if file.stem == modality.name)
    try:
        return Track.load(file, modality)
    except ValueError as error:
        raise DatasetError(f"{item.name}: {error} Make the bundle again with this version.") from error


def _stretch(track: Track, start_s: float, end_s: float) -> Track:
    """What a track says between two moments, as a track of its own."""
    frames = track.frames_between(start_s, min(end_s, len(track) / RATE_HZ))
    first_s = frames.start / RATE_HZ
    words = tuple(
        Word(word.text, max(word.start_s - first_s, 0.0), min(word.end_s, end_s) - first_s)
        for word in track.words
        if word.start_s < end_s and word.end_s > start_s
    )
    return Track(
        modality=track.modality,
        values=track.values[frames],
        embedding=track.embedding[frames],
        cues=track.cues[frames],
        valid=track.valid[frames],
        words=words,
        note=track.note,
    )


def seconds(track: Track) -> float:
    """How long a track is."""
    return len(track) / RATE_HZ
