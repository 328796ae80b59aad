"""The demo clips' voices: sentences by espeak-ng, and sounds without words by pulses through vowel formants."""

import subprocess
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Wave = NDArray[np.float64]

RATE = 22050
#: The level of every sentence before its own gain, dB below full scale.
LEVEL_DB = -24.0

#: Frequencies of the first formants in Hz; the mouth is closed in ``m``.
VOWELS = {
    "a": (800.0, 1250.0, 2600.0, 3700.0),
    "e": (550.0, 1900.0, 2600.0, 3700.0),
    "i": (320.0, 2400.0, 3000.0, 3800.0),
    "o": (480.0, 850.0, 2500.0, 3600.0),
    "m": (260.0, 1050.0, 2200.0, 3400.0),
}


@dataclass(frozen=True)
class Voice:
    """How a sentence is said: pitch and its range in % of the usual, words per minute, loudness in dB."""

    pitch: int = 100
    range: int = 100
    words_per_minute: int = 160
    gain_db: float = 0.0


@dataclass(frozen=True)
class Sound:
    """A sound without words: a vowel on a pitch that glides through the given Hz, with breath and roughness 0 to 1."""

    vowel: str
    seconds: float
    pitch_hz: tuple[float, ...]
    gain_db: float = 0.0
    breath: float = 0.05
    rough: float = 0.01
    pause_s: float = 0.0


def say(text: str, voice: Voice) -> Wave:
    """A sentence in a synthetic voice. Raises ``FileNotFoundError`` where espeak-ng is not installed."""
    prosody = f'<prosody pitch="{voice.pitch}%" range="{voice.range}%">{escape(text)}</prosody>'
    command = ["espeak-ng", "-m", "-v", "en-us+f4", "-s", str(voice.words_per_minute), "--stdout", prosody]
    spoken = subprocess.run(command, check=True, capture_output=True).stdout
    header = spoken.index(b"data") + 8
    wave = np.frombuffer(spoken[header : len(spoken) - len(spoken[header:]) % 2], "<i2") / 32768
    loud = np.flatnonzero(np.abs(wave) > 0.003)
    return _levelled(wave[loud[0] : loud[-1] + 1], voice.gain_db)


def sing(sound: Sound, seed: int) -> Wave:
    """A sound without words, followed by its pause."""
    rng = np.random.default_rng(seed)
    count = int(sound.seconds * RATE)
    share = np.linspace(0, 1, count)
    pitch = np.interp(share, np.linspace(0, 1, len(sound.pitch_hz)), sound.pitch_hz)
    wander = np.interp(share, np.linspace(0, 1, max(count // 180, 2)), rng.normal(size=max(count // 180, 2)))
    phase = np.cumsum(pitch * (1 + sound.rough * wander) / RATE) % 1
    pulses = np.where(phase < 0.6, np.sin(np.pi * phase / 0.6) ** 2, 0.0)
    wave = np.diff(pulses, prepend=0.0) * (1 - sound.breath) + 0.08 * sound.breath * rng.normal(size=count)
    for frequency, width in zip(VOWELS[sound.vowel], (80.0, 110.0, 160.0, 220.0), strict=True):
        r = np.exp(-np.pi * width / RATE)
        wave = np.asarray(lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * frequency / RATE), r * r], wave))
    swell = np.minimum(np.minimum(share / 0.12, (1 - share) / 0.35), 1.0)
    return np.r_[_levelled(wave * np.sin(np.pi / 2 * swell), sound.gain_db), np.zeros(int(sound.pause_s * RATE))]


def _levelled(wave: Wave, gain_db: float) -> Wave:
    return np.clip(wave / np.sqrt((wave**2).mean()) * 10 ** ((LEVEL_DB + gain_db) / 20), -0.98, 0.98)
