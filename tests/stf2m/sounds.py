"""Sounds whose pitch, loudness and rhythm are known because they are made here."""

import numpy as np
from numpy.typing import NDArray

RATE = 16000


def seconds(duration_s: float) -> NDArray[np.float64]:
    return np.arange(round(duration_s * RATE)) / RATE


def tone(pitch_hz: NDArray[np.float64], rms: float = 0.05, harmonics: int = 20) -> NDArray[np.float32]:
    """A voice-like tone whose k-th harmonic has the amplitude 1/k, at a pitch given for every sample."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE
    sound = sum(np.sin(k * phase) / k * (k * pitch_hz < 7000) for k in range(1, harmonics + 1))
    return (sound * rms / np.sqrt(np.mean(np.square(sound)))).astype(np.float32)


def speech_like(duration_s: float, pitch_hz: float = 150.0, rate_hz: float = 4.0) -> NDArray[np.float32]:
    """Syllables: a gliding tone that swells ``rate_hz`` times a second, never quite silent between."""
    t = seconds(duration_s)
    gliding = pitch_hz * 2 ** (0.2 * np.sin(2 * np.pi * 0.7 * t))
    return (tone(gliding) * (0.1 + np.square(np.sin(np.pi * rate_hz * t)))).astype(np.float32)


def noise(duration_s: float, rms: float = 0.05, colour: float = 0.0, seed: int = 0) -> NDArray[np.float32]:
    """Noise whose power falls with frequency to the power of ``colour``: 0 white, 1 pink, 2 brown."""
    count = round(duration_s * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count))
    sound = np.fft.irfft(spectrum / np.maximum(np.arange(len(spectrum)), 1) ** (colour / 2), count)
    return (sound * rms / np.sqrt(np.mean(np.square(sound)))).astype(np.float32)
