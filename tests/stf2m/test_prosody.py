"""Pitch, loudness, rhythm and the like of sounds whose true values are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from stf2m.tracks import BoolArray, FloatArray
from stf2m.views import prosody
from stf2m.views.pitch import best_path, candidates, frames_of, power_spectrum
from tests.stf2m.sounds import RATE, noise, seconds, speech_like, tone


def pitch(sound: NDArray[np.float32]) -> FloatArray:
    windows = frames_of(sound)
    return best_path(candidates(windows, power_spectrum(windows)))[0]


def describe(sound: NDArray[np.float32]) -> tuple[dict[str, FloatArray], BoolArray]:
    windows = frames_of(sound)
    cues, valid = prosody.describe(prosody.measure(windows, power_spectrum(windows)), -(-len(sound) * 10 // RATE))
    return {cue.name: cues[:, column] for column, cue in enumerate(prosody.CUES)}, valid


def typical(values: FloatArray) -> float:
    return float(np.nanmedian(values))


def semitones(found: FloatArray, true: FloatArray | float) -> FloatArray:
    return np.asarray(12 * np.log2(found / true), np.float32)


def test_pitch_follows_a_glide_over_two_octaves() -> None:
    true = 100 * 4 ** (seconds(3) / 3)
    found = pitch(tone(true))
    assert not np.isnan(found[5:-5]).any()
    assert np.abs(semitones(found[5:-5], true[::160][5 : len(found) - 5])).max() < 0.05


@pytest.mark.parametrize("hz", [75, 110, 200, 330, 600])
def test_no_octave_errors_where_a_harmonic_is_stronger_than_the_fundamental(hz: float) -> None:
    t = seconds(1)
    parts = {1: 0.3, 2: 1.0, 3: 0.4, 4: 0.6, 5: 0.2}
    sound = sum(size * np.sin(2 * np.pi * k * hz * t) for k, size in parts.items())
    found = pitch((0.05 * np.asarray(sound)).astype(np.float32))
    assert np.abs(semitones(found[5:-5], hz)).max() < 0.1


def test_pitch_survives_as_much_noise_as_voice() -> None:
    sound = tone(180 * 2 ** (0.3 * np.sin(2 * np.pi * seconds(3))))
    clean, noisy = pitch(sound), pitch(sound + noise(3))
    away = np.abs(semitones(noisy, clean))
    assert np.isnan(noisy).mean() < 0.2
    assert np.nanmean(away > 1) < 0.02


@pytest.mark.parametrize("ratio_db", [5, 10, 20])
def test_voice_clarity_is_the_ratio_of_tone_to_noise(ratio_db: float) -> None:
    sound = tone(150 * 2 ** (0.1 * seconds(2)), rms=0.05) + noise(2, rms=0.05 * 10 ** (-ratio_db / 20))
    assert typical(describe(sound)[0]["voice clarity"]) == pytest.approx(ratio_db, abs=1)


def test_loudness_is_the_level_and_only_the_level() -> None:
    sound = speech_like(4)
    loud, _ = describe(sound)
    soft, _ = describe(sound / 2)
    assert typical(loud["loudness"] - soft["loudness"]) == pytest.approx(6.02, abs=0.05)
    for name in set(loud) - {"loudness"}:
        np.testing.assert_allclose(loud[name], soft[name], rtol=1e-3, atol=1e-3, err_msg=name)
    steady, _ = describe(tone(150 * 2 ** (0.5 * seconds(3)), rms=0.1))
    assert typical(steady["loudness"]) == pytest.approx(-20, abs=0.1)


@pytest.mark.parametrize("rate", [3.0, 4.5, 6.0])
def test_speaking_rate_counts_syllables(rate: float) -> None:
    cues, _ = describe(speech_like(6, rate_hz=rate))
    assert typical(cues["speaking rate"]) == pytest.approx(rate, abs=0.3)


def test_pitch_rise_and_variation_of_a_straight_glide() -> None:
    cues, _ = describe(tone(120 * 2 ** (seconds(4) * 6 / 12)))
    assert typical(cues["pitch rise"]) == pytest.approx(6, abs=0.1)
    assert typical(cues["pitch variation"]) == pytest.approx(6 * 2 / np.sqrt(12), abs=0.15)
    falling, _ = describe(tone(400 * 2 ** (-seconds(4) * 6 / 12)))
    assert typical(falling["pitch rise"]) == pytest.approx(-6, abs=0.1)


def test_tremble_is_the_shaking_and_not_the_course() -> None:
    t = seconds(4)
    course = 150 * 2 ** (0.3 * np.sin(2 * np.pi * 0.4 * t))
    calm, _ = describe(tone(course))
    shaking, _ = describe(tone(course * (1 + 0.03 * np.sin(2 * np.pi * 6 * t))))
    assert typical(calm["voice tremble"]) < 0.3
    assert typical(shaking["voice tremble"]) == pytest.approx(3 / np.sqrt(2), rel=0.2)


def test_brightness_and_sharpness_rise_with_the_high_part() -> None:
    hz = 150 * 2 ** (0.3 * np.sin(2 * np.pi * seconds(2)))
    dark, bright = (describe(tone(hz, harmonics=count))[0] for count in (4, 30))
    assert typical(bright["brightness"]) > typical(dark["brightness"]) + 50
    assert typical(bright["sharpness"]) > typical(dark["sharpness"]) + 10


def test_pauses_and_validity_follow_silence() -> None:
    sound = np.concatenate([speech_like(4), np.zeros(4 * RATE, np.float32), speech_like(4)])
    cues, valid = describe(sound)
    assert valid[:38].all()
    assert not valid[46:74].any()
    assert valid[83:].all()
    assert all(np.isnan(values[~valid]).all() for values in cues.values())
    assert cues["pauses"][20] < 0.05
    assert cues["pauses"][38] == pytest.approx(0.42, abs=0.1)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(5 * RATE, np.float32), id="silence"),
        pytest.param(noise(5), id="white noise"),
        pytest.param(noise(5, colour=1), id="pink noise"),
        pytest.param(noise(5, colour=2), id="brown noise"),
        pytest.param(tone(np.full(5 * RATE, 120.0)), id="hum"),
        pytest.param(tone(np.full(5 * RATE, 440.0)) * (seconds(5) % 1 < 0.35).astype(np.float32), id="beeps"),
        pytest.param((0.9 * (np.arange(5 * RATE) % 4000 == 0)).astype(np.float32), id="clicks"),
        pytest.param(speech_like(5) * np.float32(1e-3), id="voice far below hearing"),
    ],
)
def test_what_is_no_voice_is_not_taken_for_one(sound: NDArray[np.float32]) -> None:
    cues, valid = describe(sound)
    assert not valid.any()
    assert all(np.isnan(values).all() for values in cues.values())
