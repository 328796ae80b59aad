"""The tone of a sentence: what MiniLM reads in it once it has learned from lines whose emotion is known.

Sentences that are about the same thing lie together in MiniLM's own vectors, in whatever mood they are said. Low-rank
changes of its attention (Hu et al. 2021, *LoRA*, https://arxiv.org/abs/2106.09685) and a bottleneck behind its last
layer, which :mod:`stf2m.tone_training` learns and the package ships, put those together that are said in one mood.
"""

import copy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

if TYPE_CHECKING:
    # Not from the package itself, for which a type checker reads all models that there are.
    from transformers.modeling_utils import PreTrainedModel
    from transformers.tokenization_utils_base import BatchEncoding

#: The numbers of a sentence's tone, each between −1 and 1, and the rank of every change.
SIZE, RANK = 32, 4
FILE = Path(__file__).parents[1] / "checkpoints" / "tone.safetensors"
#: The parts of MiniLM's attention that are changed, in every layer.
CHANGED = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
#: The parts of a tone that a file holds: the changes of the attention and the bottleneck behind it.
_KEPT = ("parametrizations.weight.0.", "narrow.")


class LowRank(nn.Module):
    """A matrix ``(o, i)`` with a change of low rank added, nothing at first."""

    def __init__(self, out: int, into: int) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(RANK, into) / into**0.5)
        self.up = nn.Parameter(torch.zeros(out, RANK))

    def forward(self, weight: Tensor) -> Tensor:
        """The changed matrix."""
        return weight + self.up @ self.down


class Tone(nn.Module):
    """MiniLM as it tells the tone of sentences: only the changes and the bottleneck learn.

    ``model``, a copy of which this is, shares its weights with it and stays as it is.
    """

    def __init__(self, model: "PreTrainedModel") -> None:
        super().__init__()
        shared = {id(weight): weight for weight in (*model.parameters(), *model.buffers())}
        self.model = copy.deepcopy(model, shared).requires_grad_(False)
        for name, part in self.model.named_modules():
            if isinstance(part, nn.Linear) and name.endswith(CHANGED):
                parametrize.register_parametrization(part, "weight", LowRank(part.out_features, part.in_features))
        self.narrow = nn.Linear(self.model.config.hidden_size, SIZE)

    def forward(self, read: "BatchEncoding") -> Tensor:
        """The tone ``(n, SIZE)`` of tokenised sentences."""
        with parametrize.cached():
            last = self.model(**read).last_hidden_state
        mask = read["attention_mask"][:, :, None].to(last.dtype)
        return torch.tanh(self.narrow((last * mask).sum(dim=1) / mask.sum(dim=1)))

    def learned(self) -> dict[str, Tensor]:
        """What has been learned, by name."""
        return {name: value for name, value in self.state_dict().items() if any(part in name for part in _KEPT)}

    def save(self, file: Path) -> None:
        """Write what has been learned; it replaces an older file as a whole."""
        partial = file.with_suffix(".partial")
        partial.write_bytes(safetensors.torch.save({name: value.half() for name, value in self.learned().items()}))
        partial.replace(file)

    @classmethod
    def load(cls, model: "PreTrainedModel", file: Path = FILE) -> "Tone":
        """The tone that a file holds.

        Raises ``OSError`` or ``ValueError`` when the file is not there or of another MiniLM.
        """
        tone = cls(model)
        learned = {name: value.float() for name, value in safetensors.torch.load(file.read_bytes()).items()}
        if learned.keys() != tone.learned().keys():
            raise ValueError(f"{file} does not belong to this model of sentences.")
        tone.load_state_dict(learned, strict=False)
        return tone.eval()


@lru_cache(maxsize=1)
def shipped(model: "PreTrainedModel") -> Tone:
    """The shipped tone for a MiniLM that has been loaded."""
    return Tone.load(model)
