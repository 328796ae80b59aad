"""Whisper by CTranslate2, the recogniser of the text view."""

import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stf2m import weights
from stf2m.weights import Progress

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

_loading = threading.Lock()


def load(folder: Path | None = None, progress: Progress | None = None) -> "WhisperModel":
    """The model of a folder in CTranslate2's layout (default: the packaged tiny.en), loaded once per process.

    Raises :class:`stf2m.weights.WeightsUnavailableError` when the weights can be had nowhere or cannot be loaded.
    """
    with _loading:
        return _load(folder or weights.find(weights.WHISPER, progress))


@lru_cache(maxsize=2)
def _load(folder: Path) -> "WhisperModel":
    from faster_whisper import WhisperModel

    if not (folder / "model.bin").is_file():
        raise weights.WeightsUnavailableError(f"{folder} holds no Whisper in CTranslate2's layout (no model.bin).")
    # Half of the cores: threads of CTranslate2 that wait for a busy core spin, and cost far more than they bring.
    threads = 0 if "OMP_NUM_THREADS" in os.environ else min(max((os.cpu_count() or 2) // 2, 1), 4)
    try:
        return WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=threads)
    except (RuntimeError, ValueError) as error:
        raise weights.WeightsUnavailableError(f"The Whisper in {folder} cannot be loaded: {error}") from error


def language_of(model: "WhisperModel", wanted: str) -> str:
    """The language the model will hear: the one that is wanted, or English if it knows nothing else.

    Raises :class:`stf2m.weights.WeightsUnavailableError` for a language that it does not know.
    """
    if not model.model.is_multilingual:
        return "en"
    if wanted not in model.supported_languages:
        raise weights.WeightsUnavailableError(f"This Whisper knows no language called {wanted!r}; try en, de or fr.")
    return wanted
