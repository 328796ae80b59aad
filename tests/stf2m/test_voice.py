"""The voice track: one code path for files and waveforms, streaming, and what it hears in real voices."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from stf2m import media
from stf2m.tracks import Track
from stf2m.views import MODALITIES, hearing, voice, whisper
from stf2m.weights import WeightsUnavailableError
from tests.stf2m.sounds import RATE, noise, seconds, speech_like, tone


def same(a: Track, b: Track, within: float = 0.0) -> None:
    np.testing.assert_array_equal(a.valid, b.valid)
    for name in ("cues", "values", "embedding"):
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=within, atol=within, err_msg=name)


def mean_cue(track: Track, name: str) -> float:
    return float(np.nanmean(track.cue(name)))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """37 s of voice with a pause, as a sound file: more than one chunk of the reader, many blocks of the analysis."""
    path = tmp_path / "voice.wav"
    sound = np.concatenate([speech_like(17), np.zeros(4 * RATE, np.float32), speech_like(16.03, pitch_hz=230)])
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path


def test_every_modality_has_its_own_cue_names() -> None:
    assert list(MODALITIES) == ["face", "voice", "text"]
    names = [name for modality in MODALITIES.values() for name in modality.cue_names]
    assert len(names) == len(set(names))
    assert [len(each.cues) >= least for each, least in zip(MODALITIES.values(), (10, 8, 4), strict=True)] == [True] * 3


def test_a_long_silence_is_listened_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    really = hearing.Listener.hear
    monkeypatch.setattr(hearing.Listener, "hear", lambda *given: heard.append(1) or really(*given))
    sound = np.concatenate([speech_like(6), np.zeros(120 * RATE, np.float32), speech_like(6)])
    track = voice.extract_sound(sound, RATE)
    assert len(heard) < 12
    assert track.valid[:50].all()
    assert not track.valid[80:1200].any()
    assert np.abs(track.embedding[100:1200]).max() < 1e-3
    assert track.valid[1265:1310].all()


def test_the_same_sound_gives_the_same_track_bit_for_bit() -> None:
    sound = speech_like(6)
    same(voice.extract_sound(sound, RATE), voice.extract_sound(sound.copy(), RATE))


def test_a_file_and_its_waveform_give_the_same_track(written: Path) -> None:
    sound, _ = soundfile.read(written, dtype="float32")
    from_file = voice.extract(written, media.probe(written))
    assert len(from_file) == 371
    same(from_file, voice.extract_sound(sound, RATE), within=2e-3)
    speech, loudness = voice.activity(written, media.probe(written))
    np.testing.assert_array_equal(speech, from_file.valid)
    np.testing.assert_array_equal(loudness, from_file.cue("loudness"))
    assert from_file.valid[:160].all()
    assert not from_file.valid[176:206].any()
    assert np.nanmedian(from_file.cue("pitch")[:160]) == pytest.approx(150, rel=0.15)
    assert np.nanmedian(from_file.cue("pitch")[220:]) == pytest.approx(230, rel=0.15)


def test_memory_does_not_grow_with_the_sound(tmp_path: Path) -> None:
    sound = speech_like(30)

    def peak_of(minutes: int) -> int:
        path = tmp_path / f"{minutes}.wav"
        with soundfile.SoundFile(path, "w", RATE, 1) as file:
            for _ in range(2 * minutes):
                file.write(sound)
        info = media.probe(path)
        tracemalloc.start()
        speech, _ = voice.activity(path, info)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert speech.mean() > 0.95
        return peak

    samples = 3 * 60 * RATE * 4
    assert peak_of(4) - peak_of(1) < samples / 2


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_any_sample_rate_gives_the_same_voice(rate: int) -> None:
    from scipy.signal import resample_poly

    sound = speech_like(3)
    track = voice.extract_sound(resample_poly(sound, rate, RATE).astype(np.float64), rate)
    assert len(track) == 30
    assert np.nanmedian(track.cue("pitch")) == pytest.approx(150, rel=0.1)
    assert mean_cue(track, "loudness") == pytest.approx(mean_cue(voice.extract_sound(sound, RATE), "loudness"), abs=1)


def test_mel_bands_show_a_tone_where_it_lies() -> None:
    sound = tone(300 + 20 * np.sin(2 * np.pi * seconds(3)), harmonics=1, rms=0.5)
    mel = voice.extract_sound(sound, RATE).detail["mel"].astype(np.float32)[10:20]
    loudest = mel.mean(axis=0).argmax()
    centres = 700 * (10 ** (np.linspace(*(2595 * np.log10(1 + np.array([60, 8000]) / 700)), voice.BANDS) / 2595) - 1)
    assert abs(centres[loudest] - 300) < 30
    total = 10 * np.log10((10 ** (mel / 10)).sum(axis=1))
    assert total == pytest.approx(20 * np.log10(0.5 * np.sqrt(2)), abs=0.3)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(0, np.float32), id="nothing"),
        pytest.param(np.zeros(1, np.float32), id="one sample"),
        pytest.param(speech_like(0.05), id="a twentieth of a second"),
        pytest.param(np.zeros(3 * RATE, np.float32), id="silence"),
        pytest.param(noise(3), id="noise"),
        pytest.param(np.full(3 * RATE, np.nan, np.float32), id="not numbers"),
        pytest.param(np.full(3 * RATE, np.inf, np.float32), id="infinite"),
    ],
)
def test_without_a_voice_the_track_is_absent_and_says_why(sound: NDArray[np.float32]) -> None:
    track = voice.extract_sound(sound, RATE)
    assert len(track) == -(-len(sound) * 10 // RATE)
    assert track.note == voice.NO_VOICE
    assert not track.valid.any()
    assert np.isnan(track.cues).all()


@pytest.mark.parametrize("length_s", [0.35, 1.0, 4.95, 5.0, 5.05, 5.5, 10.0, 10.45, 10.55])
def test_every_length_is_covered_to_its_end(length_s: float) -> None:
    track = voice.extract_sound(speech_like(length_s), RATE)
    assert len(track) == np.ceil(length_s * 10 - 1e-6)
    assert track.valid.all()
    assert (np.abs(track.embedding).max(axis=1) > 0.1).all()
    assert np.isfinite(track.values).all()


def test_a_damaged_sample_does_not_spoil_the_rest() -> None:
    sound = speech_like(4)
    sound[1000] = np.nan
    sound[2000] = np.inf
    track = voice.extract_sound(sound, RATE)
    assert np.isfinite(track.embedding).all()
    assert np.nanmedian(track.cue("pitch")[10:]) == pytest.approx(150, rel=0.15)


def test_without_weights_the_voice_is_off_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(WeightsUnavailableError, match=r"no model\.bin"):
        whisper.load(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"not a model")
    with pytest.raises(WeightsUnavailableError, match="cannot be loaded"):
        whisper.load(tmp_path)


@pytest.mark.data
def test_actors_sound_as_people_say_they_do(data_dir: Path) -> None:
    folder = data_dir / "ravdess_speech" / "audio"

    def heard(emotion: int, intensity: int, actor: int) -> Track:
        name = f"03-01-{emotion:02}-{intensity:02}-01-01-{actor:02}.flac"
        return voice.extract_sound(*soundfile.read(folder / name, dtype="float32"))

    calm, angry = ({actor: heard(*how, actor) for actor in (2, 3, 4, 5)} for how in ((2, 1), (5, 2)))
    pitch = {actor: mean_cue(track, "pitch") for actor, track in calm.items()}
    assert 80 < pitch[3] < 180 > pitch[5] > 80, "the men"
    assert 160 < pitch[2] < 320 > pitch[4] > 160, "the women"
    for cue, least in (("loudness", 10), ("sharpness", 3), ("pitch", 40), ("brightness", 100)):
        more = np.mean([mean_cue(angry[actor], cue) - mean_cue(calm[actor], cue) for actor in calm])
        assert more > least, cue
    assert all(2 < mean_cue(track, "speaking rate") < 7 for track in (*calm.values(), *angry.values()))


@pytest.mark.data
def test_real_clips(real_clips: dict[str, Path]) -> None:
    speech = voice.extract(real_clips["public_speech_2.mp4"], media.probe(real_clips["public_speech_2.mp4"]))
    assert len(speech) == 261
    assert 0.7 < speech.valid.mean() < 1
    assert 80 < mean_cue(speech, "pitch") < 200
    silent = voice.extract(real_clips["happy.mp4"], media.probe(real_clips["happy.mp4"]))
    assert silent.note == voice.NO_SOUND
    assert len(silent) == 57
