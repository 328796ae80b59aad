"""Checkpoints: the weights as safetensors and a card as JSON, nothing that could run code when it is read."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from stf2m.encoded import Encoded
from stf2m.network import Architecture, Memory, Network
from stf2m.tracks import Cue, Modality

WEIGHTS = "stf2m.safetensors"
CARD = "stf2m.json"
_MEMORY = "memory."


class CheckpointError(ValueError):
    """A checkpoint that is not there or cannot be read; the message is one plain sentence naming the file."""


@dataclass(frozen=True, eq=False)
class Stored:
    """What the two files hold."""

    card: dict[str, object]
    modalities: tuple[Modality, ...]
    architecture: Architecture
    weights: Mapping[str, Tensor]
    remembered: Mapping[str, Tensor]

    def memory(self, encoder: str) -> Memory | None:
        """The remembered segments, None where the checkpoint has none; ``encoder`` is the model's fingerprint."""
        if not self.remembered:
            return None
        parts, present, cues, degrees = (self.remembered[name] for name in ("pooled", "present", "cues", "degrees"))
        pooled = torch.zeros(*present.shape, parts.shape[1])
        pooled[present] = parts.float()
        encoded = Encoded(pooled.numpy(), present.numpy(), cues.float().numpy(), encoder)
        names = self.card["memory_emotions"]
        assert isinstance(names, Sequence)
        temperature = float(self.remembered["temperature"])
        return Memory(encoded, tuple(str(name) for name in names), degrees.float().numpy(), temperature)


def save(network: Network, memory: Memory | None, card: Mapping[str, object], folder: Path) -> None:
    """Write both files, each replacing an older one as a whole.

    ``card`` is kept, completed with what loading needs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _short(value.detach().cpu().contiguous()) for name, value in network.state_dict().items()}
    if memory is not None:
        arrays = {
            "pooled": memory.encoded.pooled[memory.encoded.present].astype(np.float16),
            "present": memory.encoded.present,
            "cues": memory.encoded.cues,
            "degrees": memory.degrees,
            "temperature": np.array(memory.temperature, np.float32),
        }
        tensors |= {_MEMORY + name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    data = safetensors.torch.save(tensors)
    _replace(folder / WEIGHTS, data)
    told = dict(card) | {
        "format": 1,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "sha256": hashlib.sha256(data).hexdigest(),
        "architecture": asdict(network.architecture),
        "modalities": [asdict(modality) for modality in network.modalities],
        "memory_emotions": list(memory.emotions) if memory else [],
    }
    _replace(folder / CARD, (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


def _short(value: Tensor) -> Tensor:
    """In half precision where that loses nothing: trained weights are rounded to it when they are finished."""
    half = value.half()
    return half if torch.equal(half.to(value.dtype), value) else value


def read(folder: Path) -> Stored:
    """Read both files. Raises :class:`CheckpointError` when one is missing, damaged or does not belong to the other."""
    for name in (WEIGHTS, CARD):
        if not (folder / name).is_file():
            raise CheckpointError(f"There is no model in {folder}: {name} is missing.")
    data = (folder / WEIGHTS).read_bytes()
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if card["sha256"] != hashlib.sha256(data).hexdigest():
            raise CheckpointError(f"{folder / WEIGHTS} is not the file that its card {CARD} describes.")
        tensors = safetensors.torch.load(data)
        sizes = {"general": 0} | card["architecture"] | {"dilations": tuple(card["architecture"]["dilations"])}
        return Stored(
            card=card,
            modalities=tuple(_modality(each) for each in card["modalities"]),
            architecture=Architecture(**sizes),
            weights={name: value for name, value in tensors.items() if not name.startswith(_MEMORY)},
            remembered={
                name.removeprefix(_MEMORY): value for name, value in tensors.items() if name.startswith(_MEMORY)
            },
        )
    except CheckpointError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, safetensors.SafetensorError) as error:
        said = " ".join(str(error).split())
        raise CheckpointError(f"The model in {folder} is damaged or of another version: {said}.") from error


def fill(network: Network, stored: Stored) -> None:
    """Put the stored weights into a network of the same sizes. Raises :class:`CheckpointError` when they do not fit."""
    empty = {name: value for name, value in network.state_dict().items() if not value.numel()}
    try:
        network.load_state_dict({**empty, **stored.weights})
    except RuntimeError as error:
        raise CheckpointError(f"The weights do not fit the card: {str(error).splitlines()[-1].strip()}") from error


def fingerprint(network: Network) -> str:
    """Sixteen letters that change whenever any weight does.

    They tell which encoder made an array, and which model fast weights fit. Computed once until a weight is changed.
    """
    tensors = sorted(network.state_dict().items())
    state = tuple((value.data_ptr(), value._version) for _, value in tensors)
    if network.printed is None or network.printed[0] != state:
        digest = hashlib.sha256()
        for name, value in tensors:
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        network.printed = state, digest.hexdigest()[:16]
    return network.printed[1]


def _modality(told: Mapping[str, object]) -> Modality:
    cues = told["cues"]
    if not isinstance(cues, list):
        raise ValueError("its cues are no list")
    return Modality(
        **{
            **told,
            "sites": tuple(told["sites"]),  # pyright: ignore[reportArgumentType]
            "cues": tuple(Cue(**cue | {"typical": tuple(cue["typical"])}) for cue in cues),
        }  # pyright: ignore[reportArgumentType]
    )


def _replace(file: Path, data: bytes) -> None:
    partial = file.with_name(f"{file.name}.partial")
    partial.write_bytes(data)
    partial.replace(file)
