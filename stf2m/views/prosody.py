"""Prosody: from fine measurements of sound (one every 10 ms) to when somebody speaks and how, on the tracks' grid.

Everything is measured where there is a voice; a number that cannot be measured at a moment is NaN there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from stf2m.tracks import RATE_HZ, BoolArray, Cue, FloatArray
from stf2m.views.pitch import FFT, FRAME_HZ, SOUND_HZ, Candidates, best_path, candidates, mean_square

#: What is measured of a voice. The order is that of the last axis of the voice track's cues.
CUES: tuple[Cue, ...] = (
    Cue("pitch", "Hz", (80, 400), "How high the voice is."),
    Cue("pitch variation", "semitones", (0, 6), "How much the pitch moves within two seconds."),
    Cue("pitch rise", "semitones/s", (-20, 20), "Whether the pitch climbs (above 0) or falls (below 0) just now."),
    Cue("loudness", "dB", (-60, -10), "How loud the voice is; 0 is the loudest a recording can hold."),
    Cue("loudness variation", "dB", (2, 14), "How much the loudness moves within two seconds."),
    Cue("speaking rate", "syllables/s", (2, 7), "How fast syllables follow each other while the person speaks."),
    Cue("brightness", "Hz", (300, 1800), "Where the middle of the voice's sound lies, from dull to bright."),
    Cue(
        "sharpness",
        "dB",
        (-25, 5),
        "How strong the voice is above 1000 Hz against below; shouting is sharp.",
    ),
    Cue(
        "voice clarity",
        "dB",
        (0, 25),
        "How much of the sound is tone; hoarse and breathy voices are low.",
    ),
    Cue("voice tremble", "%", (1, 8), "How much the pitch shakes around its course, a few times a second."),
    Cue("voicing", "0–1", (0.3, 1), "How much of the speech is voiced and not whispered or hissed."),
    Cue("pauses", "0–1", (0, 0.8), "How much of the three seconds around is silent."),
)

Floats = NDArray[np.floating]

_BAND_HZ = 1000.0
_TOP_HZ = 5000.0
_LEAST_DB = -70.0  # quieter than this is no speech
_RANGE_DB = 35.0  # speech is at most this much quieter than the loudest voice of the clip
_ABOVE_NOISE_DB = 3.0
_KERNEL_S = 0.06  # shortest stretch of voice that counts
_BRIDGE_S = 0.2  # consonants and stops inside speech
_EDGE_S = 0.06
_HANGOVER_S = 0.3
_TONE_FRAMES, _TONE_SEMITONES = 31, 0.1


@dataclass(frozen=True, eq=False)
class Fine:
    """Measurements every 10 ms: mean square, power below and above 1 kHz, the spectrum's centre, pitch candidates.

    All ``(F,)``, the candidates ``(F, K)``.
    """

    square: FloatArray
    low: FloatArray
    high: FloatArray
    centre_hz: FloatArray
    hz: FloatArray
    strength: FloatArray
    peak: FloatArray

    @classmethod
    def join(cls, parts: Sequence["Fine"]) -> "Fine":
        """Consecutive stretches put together."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))

    def __getitem__(self, frames: slice) -> "Fine":
        return Fine(*(getattr(self, each.name)[frames] for each in fields(self)))


def measure(frames: FloatArray, power: FloatArray) -> Fine:
    """Measure windows of sound ``(F, 688)`` with power spectra ``(F, 513)``, both from :mod:`stf2m.views.pitch`."""
    hz = np.arange(power.shape[1]) * SOUND_HZ / FFT
    found = candidates(frames, power)
    total = np.maximum(power.sum(axis=1), 1e-12)
    return Fine(
        square=mean_square(power),
        low=power[:, hz < _BAND_HZ].sum(axis=1),
        high=power[:, (hz >= _BAND_HZ) & (hz < _TOP_HZ)].sum(axis=1),
        centre_hz=(power @ hz.astype(np.float32)) / total,
        hz=found.hz,
        strength=found.strength,
        peak=found.peak,
    )


def describe(fine: Fine, frames: int) -> tuple[FloatArray, BoolArray]:
    """The cues ``(T, Q)`` in the order of ``CUES`` and when somebody speaks ``(T,)``, for ``frames`` = T."""
    hz, strength = best_path(Candidates(fine.hz, fine.strength, fine.peak))
    level = 10 * np.log10(np.maximum(fine.square, 1e-12))
    voice = voiced(hz, level)
    active = _widened(_bridged(voice, _BRIDGE_S), _EDGE_S)
    semitones = 12 * np.log2(np.where(voice, hz, 1.0))
    grid = Grid(frames)

    near = grid.sums(0.1, voice)
    clear = np.clip(grid.sums(0.1, voice, strength) / np.maximum(near, 1), 0.01, 0.9999)
    bright = grid.sums(0.1, voice, fine.centre_hz) / np.maximum(near, 1)
    sharp = grid.sums(0.1, voice, fine.high) / np.maximum(grid.sums(0.1, voice, fine.low), 1e-12)
    heard = grid.sums(0.1, active)
    power = grid.sums(0.1, active, fine.square) / np.maximum(heard, 1)
    spoken, around = grid.sums(1.0, active), grid.sums(1.5, np.ones_like(active))
    here = grid.sums(0.05, voice)

    values = {
        "pitch": (2 ** (grid.sums(0.05, voice, semitones) / np.maximum(here, 1) / 12), here >= 2),
        "pitch variation": grid.deviation(1.0, voice, semitones),
        "pitch rise": grid.slope(0.25, voice, semitones),
        "loudness": (10 * np.log10(np.maximum(power, 1e-12)), heard >= 3),
        "loudness variation": grid.deviation(1.0, active, level),
        "speaking rate": (grid.sums(1.0, syllables(level, voice)) / np.maximum(spoken / FRAME_HZ, 0.5), spoken > 0),
        "brightness": (bright, near >= 3),
        "sharpness": (10 * np.log10(np.maximum(sharp, 1e-6)), near >= 3),
        "voice clarity": (10 * np.log10(clear / (1 - clear)), near >= 3),
        "voice tremble": _tremble(grid, voice, semitones),
        "voicing": (grid.sums(1.0, voice) / np.maximum(spoken, 1), spoken > 0),
        "pauses": (1 - grid.sums(1.5, active) / np.maximum(around, 1), around > 0),
    }
    valid = grid.sums(0.05, _widened(active, _HANGOVER_S - _EDGE_S)) > 0
    columns = [np.where(known & valid, value, np.nan) for value, known in (values[cue.name] for cue in CUES)]
    return np.stack(columns, axis=1).astype(np.float32), valid


def voiced(hz: Floats, level_db: Floats) -> BoolArray:
    """Which frames ``(F,)`` carry a voice: periodic, loud enough for this clip, long enough, and no steady tone."""
    periodic = ~np.isnan(hz)
    if not periodic.any():
        return periodic
    loud = float(np.quantile(level_db[periodic], 0.95))
    noise = float(np.quantile(level_db, 0.1))
    threshold = max(loud - _RANGE_DB, _LEAST_DB)
    if noise < loud - 10:
        threshold = max(threshold, noise + _ABOVE_NOISE_DB)
    voice = periodic & (level_db > threshold)
    voice &= ~_steady(voice, hz)
    return _without_short(voice, _KERNEL_S)


def syllables(level_db: Floats, voice: BoolArray) -> BoolArray:
    """Which frames are the nuclei of syllables: voiced peaks of the intensity with dips of 2 dB between them.

    N. H. de Jong and T. Wempe (2009), *Praat script to detect syllable nuclei and measure speech rate automatically*,
    Behavior Research Methods 41, 385–390.
    """
    from scipy.ndimage import gaussian_filter1d
    from scipy.signal import find_peaks

    nuclei = np.zeros(len(level_db), bool)
    if voice.any():
        smooth = gaussian_filter1d(level_db, 2.0)
        loud = float(np.quantile(level_db[voice], 0.99))
        peaks, _ = find_peaks(smooth, height=loud - 25, prominence=2.0)
        nuclei[peaks[voice[peaks]]] = True
    return nuclei


class Grid:
    """Sums of fine measurements (100 Hz) in windows around every frame of a track (10 Hz)."""

    def __init__(self, frames: int) -> None:
        self._centres = np.round(np.arange(frames) * (FRAME_HZ / RATE_HZ)).astype(np.intp)

    def sums(self, half_s: float, mask: BoolArray, values: Floats | None = None) -> NDArray[np.float64]:
        """The sum of ``values`` (default 1) over the frames of ``mask`` within ``half_s`` seconds, ``(T,)``."""
        chosen = mask.astype(np.float64) if values is None else np.where(mask, values, 0).astype(np.float64)
        total = np.concatenate([[0.0], np.cumsum(chosen)])
        half = round(half_s * FRAME_HZ)
        first = np.clip(self._centres - half, 0, len(mask))
        return total[np.clip(self._centres + half, 0, len(mask))] - total[first]

    def deviation(self, half_s: float, mask: BoolArray, values: Floats) -> tuple[NDArray[np.float64], BoolArray]:
        """The standard deviation of ``values`` in the window, and where there is enough (0.2 s) to tell."""
        count = self.sums(half_s, mask)
        mean = self.sums(half_s, mask, values) / np.maximum(count, 1)
        variance = self.sums(half_s, mask, np.square(values)) / np.maximum(count, 1) - mean**2
        return np.sqrt(np.maximum(variance, 0)), count >= 0.2 * FRAME_HZ

    def slope(self, half_s: float, mask: BoolArray, values: Floats) -> tuple[NDArray[np.float64], BoolArray]:
        """The slope per second of the straight line through ``values``, and where there is enough (0.2 s) to tell."""
        seconds = np.arange(len(mask)) / FRAME_HZ
        count = self.sums(half_s, mask)
        t, y = (self.sums(half_s, mask, each) / np.maximum(count, 1) for each in (seconds, values))
        both = self.sums(half_s, mask, seconds * values) / np.maximum(count, 1) - t * y
        spread = self.sums(half_s, mask, seconds**2) / np.maximum(count, 1) - t**2
        return both / np.maximum(spread, 1e-4), count >= 0.2 * FRAME_HZ


def _tremble(grid: Grid, voice: BoolArray, semitones: Floats) -> tuple[NDArray[np.float64], BoolArray]:
    """Root mean square deviation of the pitch from its mean over 0.21 s, per cent, where the voice does not break."""
    inside = _moving_mean(voice.astype(np.float64), 21) > 1 - 1e-6
    away = np.where(inside, semitones - _moving_mean(np.where(voice, semitones, 0), 21), 0)
    count = grid.sums(0.5, inside)
    square = grid.sums(0.5, inside, away**2) / np.maximum(count, 1)
    return 100 * (2 ** (np.sqrt(square) / 12) - 1), count >= 0.1 * FRAME_HZ


def _steady(voice: BoolArray, hz: Floats) -> BoolArray:
    """Frames of tones that hold their pitch within 0.1 semitones for 0.3 s: hum, beeps, notes; no speaker does."""
    whole = _moving_mean(voice.astype(np.float64), _TONE_FRAMES) > 1 - 1e-6
    semitones = 12 * np.log2(np.where(voice, hz, 100.0).astype(np.float64) / 100)
    mean = _moving_mean(semitones, _TONE_FRAMES)
    variance = _moving_mean(semitones**2, _TONE_FRAMES) - mean**2
    return _widened(whole & (variance < _TONE_SEMITONES**2), _TONE_FRAMES // 2 / FRAME_HZ)


def _moving_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The mean over ``width`` (odd) frames around each, zeros beyond the ends."""
    total = np.cumsum(np.concatenate([np.zeros(width // 2 + 1), values, np.zeros(width // 2)]))
    return (total[width:] - total[:-width]) / width


def _runs(mask: BoolArray) -> NDArray[np.intp]:
    """The stretches of True as rows (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def _without_short(mask: BoolArray, least_s: float) -> BoolArray:
    kept = mask.copy()
    for first, end in _runs(mask):
        kept[first:end] = end - first >= round(least_s * FRAME_HZ)
    return kept


def _bridged(mask: BoolArray, longest_s: float) -> BoolArray:
    filled = mask.copy()
    for first, end in _runs(~mask):
        if first > 0 and end < len(mask) and end - first <= round(longest_s * FRAME_HZ):
            filled[first:end] = True
    return filled


def _widened(mask: BoolArray, by_s: float) -> BoolArray:
    wide = mask.copy()
    by = round(by_s * FRAME_HZ)
    for first, end in _runs(mask):
        wide[max(first - by, 0) : end + by] = True
    return wide
