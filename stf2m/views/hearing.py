"""What the middle layers of Whisper's encoder hear: how something is said more than what is said.

The last layer of a speech recogniser has forgotten most of the tone of voice; its first layers have not. So the encoder
is run here by itself, from the recogniser's own weights, and only as far as it is needed. It knows where in its window
a sound lies, and says something else of the same sound elsewhere; therefore every moment is heard in the middle of a
window of its own, and what is said of silence there is taken off.
"""

import struct
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from stf2m import weights
from stf2m.threads import one_thread
from stf2m.tracks import RATE_HZ, FloatArray
from stf2m.weights import Progress

#: The layers whose answers are kept, and how many numbers each gives (Whisper tiny.en).
LAYERS, WIDTH = (1, 2, 3), 384
SIZE = len(LAYERS) * WIDTH
SOUND_HZ = 16_000
#: Each second is heard with a second more on both sides.
STEP_S, CONTEXT_S = 1, 1

_STEP, _WINDOW = STEP_S * SOUND_HZ, (STEP_S + 2 * CONTEXT_S) * SOUND_HZ
_ENCODER_HZ, _BATCH = 50, 8
_FRAMES = round(STEP_S * RATE_HZ)  # of the track, in the middle of a window
_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)


class Listener:
    """The encoder's first layers. ``parts`` are its weights by the names of CTranslate2's Whisper.

    Raises ``ValueError`` for weights of another shape.
    """

    def __init__(self, parts: dict[str, NDArray[np.generic]]) -> None:
        wanted = ("conv1", "conv2", "position_encodings", *(f"layer_{layer}/" for layer in range(LAYERS[-1])))
        self.parts = {
            name: torch.from_numpy(part.astype(np.float32)) for name, part in parts.items() if name.startswith(wanted)
        }
        if self.parts.get("conv1/bias", torch.empty(0)).shape != (WIDTH,):
            raise ValueError(f"This is no Whisper encoder of {WIDTH} numbers a frame.")
        self.heads = int(parts["num_heads"])
        self.silence = self.layers(torch.from_numpy(log_mel(np.zeros((1, _WINDOW), np.float32))))[0]

    def hear(self, sound: FloatArray, first: int = 0, count: int | None = None) -> FloatArray:
        """What is heard in each of ``count`` tenths of a second of 16 kHz ``sound (n,)`` from sample ``first`` on (all
        there are, if not said): ``(count, SIZE)``. Beyond both ends is silence.
        """
        per_frame = round(SOUND_HZ / RATE_HZ)
        count = -(-(len(sound) - first) // per_frame) if count is None else count
        steps = max(-(-count // _FRAMES), 1)
        context = CONTEXT_S * SOUND_HZ
        padded = np.pad(sound, (context, max(first + steps * _STEP + context - len(sound), 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[first::_STEP][:steps]
        heard = [
            self.layers(torch.from_numpy(log_mel(windows[start : start + _BATCH]))) - self.silence
            for start in range(0, steps, _BATCH)
        ]
        return torch.cat(heard).flatten(0, 1)[:count].numpy()

    @one_thread()
    @torch.inference_mode()
    def layers(self, mel: Tensor) -> Tensor:
        """The kept layers in the middle second of each window of ``mel (B, 80, 300)``: ``(B, 10, SIZE)``."""
        part = self.parts
        x = F.gelu(F.conv1d(mel, part["conv1/weight"], part["conv1/bias"], padding=1))
        x = F.gelu(F.conv1d(x, part["conv2/weight"], part["conv2/bias"], stride=2, padding=1)).transpose(1, 2)
        x = x + part["position_encodings/encodings"][: x.shape[1]]
        middle = slice(CONTEXT_S * _ENCODER_HZ, (CONTEXT_S + STEP_S) * _ENCODER_HZ)
        kept = []
        for layer in range(LAYERS[-1]):
            x = self._layer(x, f"layer_{layer}/")
            if layer + 1 in LAYERS:
                kept.append(x[:, middle].unflatten(1, (_FRAMES, -1)).mean(dim=2))
        return torch.cat(kept, dim=-1)

    def _layer(self, x: Tensor, name: str) -> Tensor:
        """One layer of a transformer that normalises first, ``(B, T, WIDTH)`` to the same."""
        attention, feed = f"{name}self_attention/", f"{name}ffn/"
        asked = self._linear(self._norm(x, attention), f"{attention}linear_0")
        query, key, value = asked.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        told = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        x = x + self._linear(told, f"{attention}linear_1")
        inner = F.gelu(self._linear(self._norm(x, feed), f"{feed}linear_0"))
        return x + self._linear(inner, f"{feed}linear_1")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return F.linear(x, self.parts[f"{name}/weight"], self.parts[f"{name}/bias"])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (WIDTH,), self.parts[f"{name}layer_norm/gamma"], self.parts[f"{name}layer_norm/beta"])


def listener(progress: Progress | None = None) -> Listener:
    """The listener of the packaged Whisper, loaded once per process.

    Raises :class:`stf2m.weights.WeightsUnavailableError` when the weights can be had nowhere or cannot be read.
    """
    return _load(weights.find(weights.WHISPER, progress) / "model.bin")


@lru_cache(maxsize=1)
def _load(file: Path) -> Listener:
    try:
        return Listener(read(file))
    except (OSError, ValueError, KeyError) as error:
        raise weights.WeightsUnavailableError(f"The Whisper in {file.parent} cannot be read: {error}") from error


def read(file: Path) -> dict[str, NDArray[np.generic]]:
    """The encoder's arrays by name in a CTranslate2 model (version 6 of its layout, written by its ``model_spec.py``).

    Raises ``ValueError`` for another layout, and for a file that ends too early.
    """
    data = _Bytes(file.read_bytes())
    version = data.number("I")
    if version != 6 or data.text() != "WhisperSpec":
        raise ValueError("it is no Whisper of CTranslate2.")
    data.number("I")  # the revision
    found: dict[str, NDArray[np.generic]] = {}
    for _ in range(data.number("I")):
        name = data.text()
        shape = [data.number("I") for _ in range(data.number("B"))]
        number, size = data.number("B"), data.number("I")
        if number >= len(_TYPES):
            raise ValueError(f"it has numbers of an unknown type, {number}.")
        kind = np.dtype(_TYPES[number])
        array = np.frombuffer(data.take(size), kind).reshape(shape)
        if name.startswith("encoder/"):
            found[name.removeprefix("encoder/")] = array
    return found


class _Bytes:
    """Little-endian numbers and texts, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = memoryview(data), 0

    def take(self, size: int) -> memoryview:
        self.at += size
        if self.at > len(self.data):
            raise ValueError("it ends too early.")
        return self.data[self.at - size : self.at]

    def number(self, kind: str) -> int:
        return struct.unpack(f"<{kind}", self.take(struct.calcsize(f"<{kind}")))[0]

    def text(self) -> str:
        return bytes(self.take(self.number("H"))).rstrip(b"\0").decode()


class _Spectrum(NamedTuple):
    window: FloatArray
    bands: FloatArray


@lru_cache(maxsize=1)
def _spectrum() -> _Spectrum:
    from faster_whisper.feature_extractor import FeatureExtractor

    return _Spectrum(np.hanning(401)[:-1].astype(np.float32), FeatureExtractor().mel_filters.astype(np.float32))


def log_mel(windows: FloatArray) -> FloatArray:
    """Whisper's own input (Radford et al. 2022): ``(B, n)`` samples to ``(B, 80, n / 160)``, log-mel 8 decades deep."""
    window, bands = _spectrum()
    padded = np.pad(windows, ((0, 0), (200, 200)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400, axis=1)[:, ::160][:, :-1]
    power = np.square(np.abs(np.fft.rfft(frames * window, axis=-1))).astype(np.float32)
    decades = np.log10(np.maximum(bands @ power.transpose(0, 2, 1), 1e-10))
    deepest = decades.max(axis=(1, 2), keepdims=True) - 8
    return ((np.maximum(decades, deepest) + 4) / 4).astype(np.float32)
