"""Tracks: what one modality says about a whole clip, on one time grid that all modalities share.

A track holds four things side by side, all indexed by frame ``t`` at ``t / RATE_HZ`` seconds:

* ``values`` ``(T, S, C)``: the signal itself at spatial sites (face regions, mel bands), C channels each;
* ``embedding`` ``(T, E)``: the frames of a borrowed, frozen encoder (blendshapes, Whisper, sentence vectors);
* ``cues`` ``(T, Q)``: named, measurable signs in natural units, NaN where they cannot be measured;
* ``valid`` ``(T,)``: whether the modality is there at all at that moment (a face is seen, somebody speaks).
"""

import json
import lzma
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

#: Frames per second of every track, Hz.
RATE_HZ = 10.0

#: What reading a damaged ``.npz`` file, and taking from it what should be there, can raise.
DAMAGED = (
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    BadZipFile,
    zlib.error,
    lzma.LZMAError,
)

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Cue:
    """A named, measurable sign: ``smile`` in 0–1, ``pitch`` in Hz.

    ``typical`` is the range in which most speech or faces fall; axes use it before there is data.
    ``meaning`` is one plain sentence for the screen.
    """

    name: str
    unit: str
    typical: tuple[float, float]
    meaning: str


@dataclass(frozen=True)
class Modality:
    """The shape and the names of one modality's tracks; ``version`` changes whenever the extracted numbers do.

    So many of the last numbers of the embedding were ``learned`` from people's labels of emotions: they are a part of
    our own model, and what is compared with it goes without them.
    """

    name: str
    sites: tuple[str, ...]
    channels: int
    embedding: int
    cues: tuple[Cue, ...]
    version: str
    learned: int = 0

    @property
    def cue_names(self) -> tuple[str, ...]:
        """The names of the cues, in the order of the last axis of ``Track.cues``."""
        return tuple(cue.name for cue in self.cues)


@dataclass(frozen=True)
class Word:
    """A spoken word and when it is said, in seconds from the start of the clip."""

    text: str
    start_s: float
    end_s: float


class _OtherExtractorError(ValueError):
    """A track of another modality, or of another version of its extractor."""


@dataclass(frozen=True, eq=False)
class Track:
    """One modality of one clip. See the module for the shapes.

    ``detail`` holds arrays that only figures need (landmarks, mel spectrogram), first axis T. ``note`` says in
    one sentence what is missing or partial, for people; it is empty when all is well.

    Raises ``ValueError`` when the arrays do not agree with each other or with ``modality``.
    """

    modality: Modality
    values: FloatArray
    embedding: FloatArray
    cues: FloatArray
    valid: BoolArray
    words: tuple[Word, ...] = ()
    detail: Mapping[str, NDArray[np.generic]] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        frames = len(self.valid)
        expected = {
            "values": (frames, len(self.modality.sites), self.modality.channels),
            "embedding": (frames, self.modality.embedding),
            "cues": (frames, len(self.modality.cues)),
            "valid": (frames,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{self.modality.name} track: {name} has shape {getattr(self, name).shape}, expected {shape}."
                )

    def __len__(self) -> int:
        return len(self.valid)

    @property
    def nbytes(self) -> int:
        """What its arrays take of memory, bytes."""
        arrays = (self.values, self.embedding, self.cues, self.valid, *self.detail.values())
        return sum(each.nbytes for each in arrays)

    @property
    def times(self) -> NDArray[np.float64]:
        """The time of every frame in seconds, ``(T,)``."""
        return np.arange(len(self)) / RATE_HZ

    def frames_between(self, start_s: float, end_s: float) -> slice:
        """The frames that lie in ``[start_s, end_s)``: at least one where the clip has any frame there."""
        first = int(np.ceil(start_s * RATE_HZ - 1e-6))
        last = max(int(np.ceil(end_s * RATE_HZ - 1e-6)), first + 1)
        return slice(min(max(first, 0), len(self)), min(max(last, 0), len(self)))

    def cue(self, name: str) -> FloatArray:
        """One cue over time, ``(T,)``. Raises ``KeyError`` for a cue this modality does not have."""
        if name not in self.modality.cue_names:
            raise KeyError(f"{self.modality.name} has no cue called {name!r}.")
        return self.cues[:, self.modality.cue_names.index(name)]

    def save(self, path: Path) -> None:
        """Write the track to one ``.npz`` file (half precision, no pickle); replaces the file as a whole."""
        words = json.dumps([[word.text, word.start_s, word.end_s] for word in self.words])
        arrays: dict[str, NDArray[np.generic]] = {
            "values": self.values.astype(np.float16),
            "embedding": self.embedding.astype(np.float16),
            "cues": self.cues.astype(np.float32),
            "valid": self.valid,
            "about": np.array(json.dumps({"modality": self.modality.name, "version": self.modality.version})),
            "words": np.array(words),
            "note": np.array(self.note),
            **{f"detail_{name}": array for name, array in self.detail.items()},
        }
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, allow_pickle=False, **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, modality: Modality) -> "Track":
        """Read what :meth:`save` wrote.

        Raises ``ValueError`` when the file is of another modality or extractor version, or is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                if about != {"modality": modality.name, "version": modality.version}:
                    raise _OtherExtractorError(f"{path.name} was made by another extractor: {about}.")
                return cls(
                    modality=modality,
                    values=file["values"].astype(np.float32),
                    embedding=file["embedding"].astype(np.float32),
                    cues=file["cues"],
                    valid=file["valid"],
                    words=tuple(Word(*word) for word in json.loads(str(file["words"]))),
                    detail={name[7:]: file[name] for name in file.files if name.startswith("detail_")},
                    note=str(file["note"]),
                )
        except _OtherExtractorError:
            raise
        except DAMAGED as error:
            raise ValueError(f"{path.name} is not a readable track file.") from error


def absent(modality: Modality, frames: int, note: str) -> Track:
    """A track that says the modality is not there: nothing valid, every cue unknown, ``note`` tells why."""
    return Track(
        modality=modality,
        values=np.zeros((frames, len(modality.sites), modality.channels), np.float32),
        embedding=np.zeros((frames, modality.embedding), np.float32),
        cues=np.full((frames, len(modality.cues)), np.nan, np.float32),
        valid=np.zeros(frames, bool),
        note=note,
    )
