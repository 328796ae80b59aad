"""Pitch of a voice: autocorrelation candidates every 10 ms and the cheapest path through them.

The method and its constants are those of P. Boersma (1993), *Accurate short-term analysis of the fundamental
frequency and the harmonics-to-noise ratio of a sampled sound*, IFA Proceedings 17, 97–110: the autocorrelation of a
windowed frame is divided by that of the window, which makes the height of its peak the share of periodic power.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stf2m.tracks import FloatArray

#: Samples per second of all sound here, Hz.
SOUND_HZ = 16000
#: Frames per second of pitch and of every other fine measurement of sound, Hz.
FRAME_HZ = 100
#: Lowest and highest pitch that is looked for, Hz.
FLOOR_HZ, CEILING_HZ = 70.0, 650.0
#: What is slower is no voice and is taken out, Hz.
RUMBLE_HZ = 60.0

_HOP = SOUND_HZ // FRAME_HZ
_FRAME = 688  # three periods of the lowest pitch
#: Length of the Fourier transforms, samples.
FFT = 1024
_OVERSAMPLE = 2
_CANDIDATES = 6
_OCTAVE_COST = 0.03  # three times the paper's: noise then seldom makes the pitch fall by an octave
_OCTAVE_JUMP_COST = 0.35
_VOICED_UNVOICED_COST = 0.14
_VOICING_THRESHOLD = 0.45
_SILENCE_THRESHOLD = 0.03


@dataclass(frozen=True, eq=False)
class Candidates:
    """Possible pitches of every frame, best first.

    ``hz`` and ``strength`` ``(F, K)``: the pitch and the normalised autocorrelation there (0 where there are fewer than
    K); ``peak`` ``(F,)``: the largest absolute sample of the frame.
    """

    hz: FloatArray
    strength: FloatArray
    peak: FloatArray


def frames_of(sound: FloatArray, length: int = _FRAME) -> FloatArray:
    """Windows of ``length`` samples centred on every 10 ms of ``sound`` ``(n,)``: ``(F, length)``, zeros outside."""
    count = len(sound) // _HOP + 1
    padded = np.zeros((count - 1) * _HOP + length, np.float32)
    before = length // 2
    kept = sound[: len(padded) - before]
    padded[before : before + len(kept)] = kept
    return np.lib.stride_tricks.sliding_window_view(padded, length)[::_HOP]


def power_spectrum(frames: FloatArray) -> FloatArray:
    """Power of Hann-windowed frames ``(F, 688)`` at every multiple of 15.6 Hz ``(F, 513)``, rumble taken out."""
    level = frames - frames.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(level * _WINDOW, FFT, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    power[:, : int(RUMBLE_HZ * FFT / SOUND_HZ)] = 0
    return power.astype(np.float32, copy=False)


def mean_square(power: FloatArray) -> FloatArray:
    """The mean square of the samples behind each power spectrum, ``(F,)`` (Parseval's theorem)."""
    return power.sum(axis=1) / np.float32(2 * full_scale_sine())


def full_scale_sine() -> float:
    """The sum of the power spectrum of a sine of amplitude 1."""
    return float(FFT / 4 * np.square(_WINDOW).sum())


def candidates(frames: FloatArray, power: FloatArray) -> Candidates:
    """Pitch candidates of frames ``(F, 688)`` whose power spectra are ``power`` ``(F, 513)``."""
    rate = SOUND_HZ * _OVERSAMPLE
    shortest, longest = int(rate / CEILING_HZ), int(rate / FLOOR_HZ) + 1
    correlation = np.fft.irfft(power, FFT * _OVERSAMPLE, axis=1)[:, : longest + 2]
    whole = np.maximum(correlation[:, :1], 1e-12)
    correlation = correlation / whole / _WINDOW_CORRELATION[: longest + 2]

    middle = correlation[:, shortest : longest + 1]
    left, right = correlation[:, shortest - 1 : longest], correlation[:, shortest + 1 : longest + 2]
    is_peak = (middle > left) & (middle >= right) & (middle > 0)
    lags = np.arange(shortest, longest + 1)
    favoured = np.where(is_peak, middle - _OCTAVE_COST * np.log2(FLOOR_HZ * lags / rate), 0).astype(np.float32)
    best = _largest(favoured, _CANDIDATES)

    a, b, c = (np.take_along_axis(part, best, 1) for part in (left, middle, right))
    curvature = np.minimum(a - 2 * b + c, -1e-9)
    shift = np.clip(0.5 * (a - c) / curvature, -0.5, 0.5)
    found = np.take_along_axis(is_peak, best, 1)
    strength = np.clip(b - 0.25 * (a - c) * shift, 0, 1)
    return Candidates(
        hz=np.where(found, rate / (lags[best] + shift), 0).astype(np.float32),
        strength=np.where(found, strength, 0).astype(np.float32),
        peak=np.abs(frames).max(axis=1),
    )


def best_path(found: Candidates) -> tuple[FloatArray, FloatArray]:
    """The pitch over time, Hz, NaN where the sound is not voiced ``(F,)``, and its strength 0–1 ``(F,)``.

    The path of least cost by the Viterbi algorithm: strong candidates, few octave jumps, few changes of voicing.
    Where a frame is unvoiced, its strength is that of its best candidate.
    """
    frames = len(found.peak)
    if not frames:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    hz, gain = _states(found)
    score, came_from = gain[0], np.zeros(gain.shape, np.int8)
    states = np.arange(gain.shape[1])
    for frame, cost in enumerate(_jump_costs(hz), start=1):
        through = score - cost
        came_from[frame] = through.argmax(axis=1)
        score = through[states, came_from[frame]] + gain[frame]
    path = np.zeros(frames, np.intp)
    path[-1] = score.argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]

    chosen = np.take_along_axis(hz, path[:, None], 1)[:, 0]
    strength = np.where(path == 0, found.strength[:, 0], found.strength[np.arange(frames), path - 1])
    return np.where(chosen > 0, chosen, np.nan).astype(np.float32), strength.astype(np.float32)


def _largest(values: FloatArray, count: int) -> NDArray[np.intp]:
    """Where the ``count`` largest values of each row are, largest first, ``(F, count)``; ``values`` are used up."""
    rows = np.arange(len(values))
    found = np.empty((len(values), count), np.intp)
    for place in range(count):
        found[:, place] = values.argmax(axis=1)
        values[rows, found[:, place]] = -1
    return found


def _jump_costs(hz: FloatArray, block: int = 2000) -> Iterator[FloatArray]:
    """What it costs to come to each state (row) of a frame from each of the frame before, ``(K + 1, K + 1)``."""
    octave, voiced = np.log2(np.maximum(hz, 1.0)), hz > 0
    for start in range(1, len(hz), block):
        now, before = slice(start, start + block), slice(start - 1, min(start + block, len(hz)) - 1)
        cost = _OCTAVE_JUMP_COST * np.abs(octave[now, :, None] - octave[before, None, :])
        cost[voiced[now, :, None] != voiced[before, None, :]] = _VOICED_UNVOICED_COST
        yield from cost


def _states(found: Candidates) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pitch (0 = unvoiced, always the first state) and local gain of each state, ``(F, K + 1)`` (eqs. 23 and 24)."""
    loudest = max(float(np.quantile(found.peak, 0.995)), 1e-6)
    quiet = 2 - found.peak / loudest * (1 + _VOICING_THRESHOLD) / _SILENCE_THRESHOLD
    unvoiced = _VOICING_THRESHOLD + np.maximum(0, quiet)
    there = found.hz > 0
    penalty = _OCTAVE_COST * np.log2(FLOOR_HZ / np.where(there, found.hz, FLOOR_HZ))
    gain = np.where(there, found.strength - penalty, -10.0)
    hz = np.concatenate([np.zeros((len(there), 1)), found.hz], axis=1)
    return hz.astype(np.float32), np.concatenate([unvoiced[:, None], gain], axis=1).astype(np.float32)


def _window_correlation() -> FloatArray:
    spectrum = np.abs(np.fft.rfft(_WINDOW, FFT)) ** 2
    correlation = np.fft.irfft(spectrum, FFT * _OVERSAMPLE)
    return np.maximum(correlation / correlation[0], 1e-3).astype(np.float32)


_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(_FRAME) + 0.5) / _FRAME)).astype(np.float32)
_WINDOW_CORRELATION = _window_correlation()
