"""ST-F2M as a library: encode once, adapt at every correction, predict, explain.

>>> model = STF2M.load()                                             # the shipped checkpoint        # doctest: +SKIP
>>> encoded = model.encode(views)                                    # slow, once for every segment  # doctest: +SKIP
>>> adapted = model.adapt(encoded[:10], degrees, ["happy", "sad"])   # instant, at every correction  # doctest: +SKIP
>>> adapted.predict(encoded).memberships                             # (n, 2)                        # doctest: +SKIP
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stf2m import checkpoint
from stf2m.adaptation import AdaptedModel, adapt
from stf2m.encoded import Encoded, collate
from stf2m.explanation import membership_curves
from stf2m.network import Architecture, Memory, Network
from stf2m.people import Own
from stf2m.segments import View, Views
from stf2m.threads import one_thread
from stf2m.tracks import Modality

#: The checkpoint that comes with the library.
SHIPPED = Path(__file__).parent / "checkpoints"


class STF2M(Network):
    """The network with its memory and its card. ``card`` is what is known of its making, as plain JSON."""

    def __init__(self, modalities: Sequence[Modality], architecture: Architecture | None = None) -> None:
        super().__init__(modalities, architecture)
        self.memory: Memory | None = None
        self.card: dict[str, object] = {}
        self.eval()

    def encode(
        self,
        views: Sequence[Views],
        people: Sequence[str] | None = None,
        own: Mapping[str, Own] | None = None,
        batch: int = 128,
    ) -> Encoded:
        """Encode segments, ``batch`` views at a time; gradients are not kept.

        What is a person's own is taken off (:mod:`stf2m.people`): estimated from all segments of one person here where
        ``people`` names who is seen in each (empty: somebody else), or ``own``, what :meth:`own` found in other
        segments of the one person in all of these. Without both every segment is of somebody else.

        Raises ``ValueError`` for a view whose shape is not what this model was made for.
        """
        pooled = np.zeros((len(views), len(self.modalities), self.pooled), np.float32)
        present = np.zeros((len(views), len(self.modalities)), bool)
        cues = np.full((len(views), len(self.cues)), np.nan, np.float32)
        of_variable = self.modality_of[: len(self.cues)]
        for index, modality in enumerate(self.modalities):
            rows = [row for row, each in enumerate(views) if modality.name in each]
            seen = self._seen(views, modality)
            for row, view in zip(rows, seen, strict=True):
                cues[row, of_variable == index] = view.cues
            present[rows, index] = True
            encoder = self.encoder[modality.name]
            if own is None:
                names = [people[row] if people else "" for row in rows]
                means = self._means(modality, seen, batch)
                off = encoder.baseline.of_each(means, names)
                read = encoder.levelled_by_person(self._read(modality, seen, off, batch), means, off, names)
            else:
                heard, left = own[modality.name]
                read = self._read(modality, seen, heard.expand(len(rows), -1), batch) - left
            pooled[rows, index] = read.numpy()
        return Encoded(pooled, present, cues, self.fingerprint())

    def own(self, views: Sequence[Views], encoded: Encoded | None = None, batch: int = 128) -> dict[str, Own]:
        """What is the own of the one person in all these segments, by modality; for :meth:`encode`.

        With ``encoded``, what :meth:`encode` made of these very segments as one person's, they are not read once more.
        Raises ``ValueError`` for a view whose shape is not what this model was made for.
        """
        found: dict[str, Own] = {}
        for index, modality in enumerate(self.modalities):
            seen, encoder = self._seen(views, modality), self.encoder[modality.name]
            means = self._means(modality, seen, batch)
            heard = encoder.baseline.own(means)
            left = torch.zeros_like(encoder.level)
            if encoder.levelled and seen and encoded is not None:
                first = int(encoded.present[:, index].argmax())
                left = self._read(modality, seen[:1], heard[None], 1)[0] - torch.from_numpy(
                    encoded.pooled[first, index]
                )
            elif encoder.levelled and seen:
                left = encoder.left_over(self._read(modality, seen, heard.expand(len(seen), -1), batch), means, heard)
            found[modality.name] = Own(heard, left)
        return found

    @staticmethod
    def _seen(views: Sequence[Views], modality: Modality) -> list[View]:
        """The views of one modality, where it is there."""
        seen = [each[modality.name] for each in views if modality.name in each]
        for view in seen:
            _check(view, modality)
        return seen

    @one_thread()
    @torch.inference_mode()
    def _read(self, modality: Modality, views: Sequence[View], own: Tensor, batch: int) -> Tensor:
        """The pooled features ``(n, P)`` of views, less what is ``own (n, S C + E)``."""
        device, parts = self.trust.device, [torch.zeros(0, self.pooled)]
        for start in range(0, len(views), batch):
            chosen = slice(start, start + batch)
            stacked = collate(views[chosen])
            on_device = type(stacked)(*(array.to(device) for array in stacked))
            parts.append(self.encoder(modality.name, on_device, own[chosen].to(device))[1].cpu())
        return torch.cat(parts)

    @one_thread()
    @torch.inference_mode()
    def _means(self, modality: Modality, views: Sequence[View], batch: int) -> Tensor:
        encoder = self.encoder[modality.name]
        if not encoder.baseline.fitted:  # nothing is anybody's own: reading every view for it would be in vain
            return torch.zeros(len(views), len(encoder.baseline.middle))
        parts = [encoder.means(collate(views[start : start + batch])) for start in range(0, len(views), batch)]
        return torch.cat(parts) if parts else torch.zeros(0, len(encoder.baseline.middle))

    def adapt(
        self,
        support: Encoded,
        degrees: NDArray[np.floating],
        emotions: Sequence[str],
        weights: NDArray[np.floating] | None = None,
        prior: bool = True,
        unlabelled: Encoded | None = None,
    ) -> AdaptedModel:
        """Learn the fast weights from corrections, in a fraction of a second; this model is not changed.

        ``support`` n segments (may be none when ``prior`` and the memory knows two of the emotions), ``degrees (n, N)``
        of each emotion in [0, 1], ``weights (n,)`` how much each correction counts (1 if not given). ``unlabelled`` are
        more segments of the same emotions that nobody has labelled: worth much where corrections are few. The same call
        gives the same weights bit for bit. Raises :class:`stf2m.adaptation.SupportError` (a ``ValueError``).
        """
        return adapt(self, self.memory if prior else None, support, degrees, emotions, weights, unlabelled, self.memory)

    def membership_curves(
        self, cue: str, points: int = 200
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """A cue's terms as curves for plots: x in its own unit ``(points,)``, and ``{term: mu(x)}``.

        Raises ``KeyError`` for an unknown cue.
        """
        return membership_curves(self, cue, points)

    def fingerprint(self) -> str:
        """Sixteen letters that change whenever any weight does."""
        return checkpoint.fingerprint(self)

    def save(self, folder: Path) -> None:
        """Write ``stf2m.safetensors`` and the card ``stf2m.json`` into a folder."""
        checkpoint.save(self, self.memory, self.card, folder)

    @classmethod
    def load(cls, folder: Path | None = None) -> "STF2M":
        """The model in a folder, by default the shipped one; one copy is shared by all callers.

        Raises :class:`stf2m.checkpoint.CheckpointError` (a ``ValueError``) with one plain sentence.
        """
        return _load((folder or SHIPPED).resolve())


def _check(view: View, modality: Modality) -> None:
    expected = (len(modality.sites), modality.channels), modality.embedding, len(modality.cues)
    found = view.values.shape[1:], view.embedding.shape[1], len(view.cues)
    if found != expected or not view.valid.any():
        raise ValueError(
            f"This model reads {modality.name} views of sites × channels, embedding, cues = {expected} "
            f"with a valid frame; this one has {found}."
        )


@lru_cache(maxsize=4)
def _load(folder: Path) -> STF2M:
    stored = checkpoint.read(folder)
    model = STF2M(stored.modalities, stored.architecture)
    checkpoint.fill(model, stored)
    model.memory, model.card = stored.memory(checkpoint.fingerprint(model)), stored.card
    return model
