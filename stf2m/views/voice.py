"""The voice of a clip: mel bands, prosody in natural units, and what Whisper's encoder hears.

Sound is read in blocks of a few seconds, so memory does not grow with the length of a clip beyond its track.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stf2m import media
from stf2m.tracks import RATE_HZ, BoolArray, FloatArray, Modality, Track, absent
from stf2m.views import hearing, prosody
from stf2m.views.pitch import FFT, FRAME_HZ, RUMBLE_HZ, SOUND_HZ, frames_of, full_scale_sine, power_spectrum
from stf2m.weights import Progress

BANDS = 80
_GROUPS = 8

MODALITY = Modality(
    name="voice",
    sites=tuple(f"mel bands {first + 1}–{first + 10}" for first in range(0, BANDS, BANDS // _GROUPS)),
    channels=BANDS // _GROUPS,
    embedding=hearing.SIZE,
    cues=prosody.CUES,
    version="2",
)

NO_SOUND = "This clip has no sound."
NO_VOICE = "Nobody speaks in this clip."

_BLOCK_S, _CONTEXT_S = 5.0, 1.0
_FLOOR_DB = -120.0
#: Less voice than this in a whole clip is nobody speaking, seconds.
LEAST_VOICE_S = 0.2


def extract(path: Path, info: media.MediaInfo, progress: Progress | None = None) -> Track:
    """The voice track of a video or sound file.

    Raises :class:`stf2m.weights.WeightsUnavailableError` when the encoder's weights can be had nowhere.
    """
    frames = _frames(info)
    if not info.has_sound:
        return absent(MODALITY, frames, NO_SOUND)
    return _track(_sound(path), frames, progress)


def extract_sound(wave: NDArray[np.floating], rate: int) -> Track:
    """The voice track of a mono waveform ``(n,)`` in −1..1 at any sample rate, Hz. Raises as :func:`extract`."""
    if wave.ndim != 1 or rate <= 0:
        raise ValueError("Sound must be one channel, (n,), at a positive sample rate.")
    frames = int(np.ceil(len(wave) / rate * RATE_HZ - 1e-6))
    return _track([_resampled(np.asarray(wave, np.float32), rate)], frames, None)


def activity(path: Path, info: media.MediaInfo) -> tuple[BoolArray, FloatArray]:
    """When somebody speaks, ``(T,)``, and how loud in dB, ``(T,)``, NaN in pauses: prosody without the encoder."""
    frames = _frames(info)
    if not info.has_sound:
        return np.zeros(frames, bool), np.full(frames, np.nan, np.float32)
    heard: list[prosody.Fine] = []
    for block in _blocks(_sound(path), frames):
        windows = frames_of(block.samples)[block.wanted(FRAME_HZ)]
        heard.append(prosody.measure(windows, power_spectrum(windows)))
    if not heard:
        return np.zeros(frames, bool), np.full(frames, np.nan, np.float32)
    cues, valid = prosody.describe(prosody.Fine.join(heard), frames)
    return valid, cues[:, MODALITY.cue_names.index("loudness")]


@dataclass(frozen=True, eq=False)
class _Block:
    """A stretch of sound with some more on both sides.

    ``samples`` begin at track frame ``origin``; what is wanted are the track frames ``first`` to ``end``.
    """

    samples: FloatArray
    origin: int
    first: int
    end: int

    def wanted(self, rate: int) -> slice:
        """The wanted stretch in frames at ``rate`` Hz that begin with ``samples``."""
        return slice(*(round((at - self.origin) * rate / RATE_HZ) for at in (self.first, self.end)))

    def repeats(self, other: "_Block") -> bool:
        """Whether it sounds exactly like another one: a long silence is listened to once."""
        return self.wanted(1000) == other.wanted(1000) and np.array_equal(self.samples, other.samples)


class _Told(NamedTuple):
    """What was heard in a block: mel bands in dB ``(t, 80)``, the encoder's answer ``(t, E)``, prosody."""

    block: _Block
    mel: FloatArray
    embedding: FloatArray
    fine: prosody.Fine


def _told(block: _Block, listener: hearing.Listener, bands: FloatArray) -> _Told:
    windows = frames_of(block.samples)
    power = power_spectrum(windows)
    mel = _decibels(_on_grid(power @ bands, FRAME_HZ, block))
    heard = listener.hear(block.samples, block.wanted(SOUND_HZ).start, block.end - block.first)
    wanted = block.wanted(FRAME_HZ)
    return _Told(block, mel, heard, prosody.measure(windows[wanted], power[wanted]))


def _frames(info: media.MediaInfo) -> int:
    return int(np.ceil(info.duration_s * RATE_HZ - 1e-6))


def _sound(path: Path) -> Iterator[FloatArray]:
    return (samples for _, samples in media.sound(path, SOUND_HZ))


def _track(chunks: Iterable[FloatArray], frames: int, progress: Progress | None) -> Track:
    listener = hearing.listener(progress)
    bands = _mel_bands()
    fine: list[prosody.Fine] = []
    mel = np.full((frames, BANDS), _FLOOR_DB, np.float32)
    embedding = np.zeros((frames, MODALITY.embedding), np.float32)
    told: _Told | None = None
    for block in _blocks(chunks, frames):
        if told is None or not block.repeats(told.block):
            told = _told(block, listener, bands)
        mel[block.first : block.end], embedding[block.first : block.end] = told.mel, told.embedding
        fine.append(told.fine)
        if progress:
            progress(block.end / max(frames, 1), "Listening to the voice")
    if not fine:
        return absent(MODALITY, frames, NO_VOICE)
    cues, valid = prosody.describe(prosody.Fine.join(fine), frames)
    if valid.sum() < LEAST_VOICE_S * RATE_HZ:
        return absent(MODALITY, frames, NO_VOICE)
    return Track(
        modality=MODALITY,
        values=np.clip((mel + 70) / 50, -1, 1.4).astype(np.float32).reshape(frames, _GROUPS, -1),
        embedding=embedding,
        cues=cues,
        valid=valid,
        detail={"mel": mel.astype(np.float16)},
    )


def _blocks(chunks: Iterable[FloatArray], frames: int) -> Iterator[_Block]:
    """Cut a stream of samples into blocks of 5 s with a second more on both sides.

    The last block reaches back as far as the others are long. Blocks cover at most ``frames`` track frames.
    """
    per_frame = round(SOUND_HZ / RATE_HZ)
    step, context = round(_BLOCK_S * RATE_HZ), round(_CONTEXT_S * RATE_HZ)
    held, origin, first = np.zeros(0, np.float32), 0, 0
    for chunk in chunks:
        held = np.concatenate([held, np.clip(np.nan_to_num(chunk, posinf=0, neginf=0), -1, 1)])
        while origin * per_frame + len(held) >= (first + step + context) * per_frame and first + step <= frames:
            start = max(first - context, origin)
            samples = held[(start - origin) * per_frame : (first + step + context - origin) * per_frame]
            yield _Block(samples, start, first, first + step)
            first += step
            keep = max(first - step - context, origin)
            held, origin = held[(keep - origin) * per_frame :], keep
        if first + step > frames and origin * per_frame + len(held) >= frames * per_frame:
            break
    end = min(origin + -(-len(held) // per_frame), frames)
    if end > first:
        start = max(min(first - context, end - step - 2 * context), origin)
        yield _Block(held[(start - origin) * per_frame : (end - origin) * per_frame], start, first, end)


def _on_grid(fast: FloatArray, rate: int, block: _Block) -> FloatArray:
    """Means of frames at ``rate`` Hz ``(n, D)`` around each wanted track frame, ``(end - first, D)``."""
    per_frame = rate / RATE_HZ
    centres = np.arange(block.first - block.origin, block.end - block.origin) * per_frame
    starts = np.clip(np.round(centres - per_frame / 2 + 0.01), 0, len(fast) - 1).astype(int)
    ends = np.maximum(np.round(centres + per_frame / 2 + 0.01).astype(int), starts + 1)
    return np.stack([fast[start:end].mean(axis=0) for start, end in zip(starts, ends, strict=True)])


def _mel_bands() -> FloatArray:
    """Triangles evenly spaced in mel (O'Shaughnessy 1987) from 60 Hz to 8 kHz, ``(513, 80)``.

    They sum to 1 at every frequency and turn a power spectrum into power, where a full-scale sine has 1.
    """
    hz = np.linspace(0, SOUND_HZ / 2, FFT // 2 + 1)
    mel, low = (2595 * np.log10(1 + each / 700) for each in (hz, np.float64(RUMBLE_HZ)))
    centres = np.linspace(low, mel[-1], BANDS)
    heights = np.maximum(0, 1 - np.abs(mel[:, None] - centres) / (centres[1] - centres[0]))
    return (heights / full_scale_sine()).astype(np.float32)


def _decibels(power: FloatArray) -> FloatArray:
    return np.maximum(10 * np.log10(np.maximum(power, 1e-12)), _FLOOR_DB)


def _resampled(wave: FloatArray, rate: int) -> FloatArray:
    if rate == SOUND_HZ:
        return wave
    from scipy.signal import resample_poly

    divisor = int(np.gcd(rate, SOUND_HZ))
    return resample_poly(wave, SOUND_HZ // divisor, rate // divisor).astype(np.float32)
