from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stf2m import weights
from stf2m.views import hearing, whisper
from tests.stf2m.sounds import RATE  # 16 kHz


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    random = np.random.default_rng(0)
    time = np.arange(4 * RATE) / RATE
    voice = np.sin(2 * np.pi * (140 + 20 * np.sin(3 * time)) * time) * (1 + np.sin(9 * time)) / 4
    return (voice + 0.01 * random.normal(size=len(time))).astype(np.float32)


def test_the_input_is_whispers_own(sound) -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    window = sound[: 3 * RATE]
    expected = FeatureExtractor()(window, padding=0)[:, :300]
    np.testing.assert_allclose(hearing.log_mel(window[None])[0], expected, atol=1e-6)


def test_the_layers_are_those_that_the_recogniser_computes(sound) -> None:
    """All four layers and the last norm, done by our code, give what CTranslate2 gives of the same weights."""
    parts = hearing.read(weights.find(weights.WHISPER) / "model.bin")
    listener = hearing.Listener(parts)
    whole = {name: torch.from_numpy(part.astype(np.float32)) for name, part in parts.items() if part.ndim}
    listener.parts |= whole
    mel = torch.from_numpy(hearing.log_mel(sound[None, : 3 * RATE]))
    x = torch.nn.functional.gelu(torch.nn.functional.conv1d(mel, whole["conv1/weight"], whole["conv1/bias"], padding=1))
    x = torch.nn.functional.conv1d(x, whole["conv2/weight"], whole["conv2/bias"], stride=2, padding=1)
    x = torch.nn.functional.gelu(x).transpose(1, 2) + whole["position_encodings/encodings"][:150]
    for layer in range(4):
        x = listener._layer(x, f"layer_{layer}/")
    x = listener._norm(x, "")
    model = whisper.load()
    np.testing.assert_allclose(x[0].numpy(), np.array(model.encode(mel[0].numpy()))[0], atol=2e-3)


def test_every_tenth_of_a_second_is_heard(sound) -> None:
    listener = hearing.listener()
    assert listener.hear(sound).shape == (40, hearing.SIZE)
    assert listener.hear(sound[:1600]).shape == (1, hearing.SIZE)
    assert listener.hear(sound[:1700]).shape == (2, hearing.SIZE)
    assert listener.hear(np.zeros(0, np.float32)).shape == (0, hearing.SIZE)


def test_silence_is_heard_as_nothing() -> None:
    assert np.abs(hearing.listener().hear(np.zeros(2 * RATE, np.float32))).max() < 1e-4


def test_a_part_of_a_sound_is_heard_as_in_the_whole(sound) -> None:
    listener = hearing.listener()
    part = listener.hear(sound, first=RATE, count=20)
    np.testing.assert_allclose(part, listener.hear(sound)[10:30], atol=1e-4)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x06\x00\x00\x00\x0c\x00WhisperSpec\x00"])
def test_a_damaged_model_is_unavailable_and_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(weights.WeightsUnavailableError, match="cannot be read"):
        hearing._load(tmp_path / "model.bin")


@pytest.mark.data
def test_speech_is_heard_alike_wherever_in_a_clip_it_is_said(data_dir: Path) -> None:
    """Moved within its window, a performance stays nearer to itself than to any other performance."""
    folder = data_dir / "ravdess_speech" / "audio"
    names = [f"03-01-{emotion:02}-01-01-01-{actor:02}.flac" for emotion in (2, 3, 4, 5) for actor in (2, 4, 5)]
    clips = [soundfile.read(folder / name, dtype="float32")[0] for name in names]
    listener = hearing.listener()
    here = np.array([listener.hear(clip).mean(axis=0) for clip in clips])
    later = np.array([listener.hear(np.pad(clip, (5600, 0)))[4:].mean(axis=0) for clip in clips])
    away = np.linalg.norm(here[:, None] - later[None], axis=2)
    assert (away.argmin(axis=1) == np.arange(len(clips))).all()
    assert np.diag(away).mean() < 0.5 * np.linalg.norm(here - here.mean(axis=0), axis=1).mean()
