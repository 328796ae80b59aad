"""Encoded segments: what the slow encoder leaves behind, small enough to keep for every segment of a study.

Encoding is the slow half of the road (once per segment); adapting and predicting need nothing but these arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stf2m.segments import View
from stf2m.tracks import DAMAGED, BoolArray, FloatArray


class ViewBatch(NamedTuple):
    """Views of one modality, padded at the end to the longest: ``values (B, T, S, C)``, ``embedding (B, T, E)``,
    ``valid (B, T)`` bool (padding is not valid), ``cues (B, Q)`` with NaN for what could not be measured.
    """

    values: Tensor
    embedding: Tensor
    valid: Tensor
    cues: Tensor


def collate(views: Sequence[View]) -> ViewBatch:
    """Stack views of one modality. Raises ``ValueError`` when there is none."""
    if not views:
        raise ValueError("There is no view to stack.")
    longest = max(len(view.valid) for view in views)
    first = views[0]
    values = np.zeros((len(views), longest, *first.values.shape[1:]), np.float32)
    embedding = np.zeros((len(views), longest, first.embedding.shape[1]), np.float32)
    valid = np.zeros((len(views), longest), bool)
    for row, view in enumerate(views):
        frames = len(view.valid)
        values[row, :frames] = view.values
        embedding[row, :frames] = view.embedding
        valid[row, :frames] = view.valid
    cues = np.stack([view.cues for view in views]).astype(np.float32)
    return ViewBatch(*(torch.from_numpy(array) for array in (values, embedding, valid, cues)))


@dataclass(frozen=True, eq=False)
class Encoded:
    """``n`` segments as the encoder sees them: the seam between slow encoding and instant adaptation.

    ``pooled`` ``(n, M, P)``: each modality's pooled features, zero where it is absent; ``present`` ``(n, M)``;
    ``cues`` ``(n, Q)``: the named cues of all modalities side by side in natural units, NaN where unknown;
    ``encoder``: the fingerprint of the encoder that made them (others' numbers mean something else).

    Raises ``ValueError`` when the arrays do not agree on ``n`` or M.
    """

    pooled: FloatArray
    present: BoolArray
    cues: FloatArray
    encoder: str

    def __post_init__(self) -> None:
        if self.pooled.shape[:2] != self.present.shape or len(self.cues) != len(self.pooled):
            shapes = self.pooled.shape, self.present.shape, self.cues.shape
            raise ValueError(f"Encoded arrays disagree: pooled, present, cues have the shapes {shapes}.")

    def __len__(self) -> int:
        return len(self.pooled)

    @property
    def nbytes(self) -> int:
        """What it takes of memory, bytes."""
        return self.pooled.nbytes + self.present.nbytes + self.cues.nbytes

    def __getitem__(self, rows: int | slice | Sequence[int] | np.ndarray) -> "Encoded":
        """Some of the segments, always as an ``Encoded``: ``encoded[3]`` has one row."""
        index = slice(rows, rows + 1 or None) if isinstance(rows, int) else rows
        return Encoded(self.pooled[index], self.present[index], self.cues[index], self.encoder)

    def only(self, modality: int) -> "Encoded":
        """The same segments with every modality but one taken away, its cues kept, others' features zeroed."""
        keep = np.arange(self.present.shape[1]) == modality
        return Encoded(self.pooled * keep[:, None], self.present & keep, self.cues, self.encoder)

    @classmethod
    def concatenate(cls, parts: Sequence["Encoded"]) -> "Encoded":
        """All parts one after the other. Raises ``ValueError`` for none, or parts of different encoders."""
        if not parts or len({part.encoder for part in parts}) > 1:
            raise ValueError("Only segments encoded by one and the same model can be put together.")
        return cls(
            np.concatenate([part.pooled for part in parts]),
            np.concatenate([part.present for part in parts]),
            np.concatenate([part.cues for part in parts]),
            parts[0].encoder,
        )

    def save(self, path: Path) -> None:
        """Write one ``.npz`` file without pickle; it replaces an older one as a whole."""
        partial = path.with_suffix(".partial.npz")
        np.savez(
            partial,
            allow_pickle=False,
            pooled=self.pooled,
            present=self.present,
            cues=self.cues,
            encoder=np.array(self.encoder),
        )
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Encoded":
        """Read what :meth:`save` wrote. Raises ``ValueError`` when the file is damaged."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(file["pooled"], file["present"], file["cues"], str(file["encoder"]))
        except DAMAGED as error:
            raise ValueError(f"{path.name} is not a readable file of encoded segments.") from error
