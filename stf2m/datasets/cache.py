"""Tracks of whole data sets on the disk, so that every clip is read once.

There is one packed file for each modality and extractor version. Extraction writes a small part after every few items
and packs all parts when it is done: a run that is killed goes on where it stopped. The key of an item is its files'
names, sizes and times, so a changed file is read again. What only figures need of a track (landmarks, spectrogram) is
not kept.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import platformdirs
from numpy.typing import NDArray

from stf2m.datasets.extraction import extract
from stf2m.datasets.items import Item
from stf2m.tracks import DAMAGED, BoolArray, FloatArray, Modality, Track, Word

Progress = Callable[[float, str], None]
#: So many items are extracted between two writes to the disk.
BATCH = 32


def cache_folder() -> Path:
    """Where extracted tracks are kept: ``STF2M_HOME/cache``, or the user's cache folder where that is not set."""
    home = os.environ.get("STF2M_HOME")
    return Path(home) / "cache" if home else platformdirs.user_cache_path("stf2m")


@dataclass(frozen=True, eq=False)
class Packed:
    """The tracks of one modality of many items, end to end along the frames F.

    ``first`` ``(n+1,)`` where each item begins; ``values`` ``(F, S, C)`` half precision; ``cues`` ``(F, Q)``; ``valid``
    ``(F,)``; ``embedding`` ``(U, E)`` half precision holds only frames that differ from the one before, and
    ``row`` ``(F,)`` tells which is whose (a sentence has one vector for all its frames).
    """

    modality: Modality
    keys: tuple[str, ...]
    first: NDArray[np.int64]
    values: NDArray[np.float16]
    embedding: NDArray[np.float16]
    row: NDArray[np.int64]
    cues: FloatArray
    valid: BoolArray
    about: tuple[Mapping[str, object], ...]

    def track(self, index: int) -> Track:
        """One item's track, in single precision."""
        frames = slice(self.first[index], self.first[index + 1])
        words = self.about[index].get("words", [])
        return Track(
            modality=self.modality,
            values=self.values[frames].astype(np.float32),
            embedding=self.embedding[self.row[frames]].astype(np.float32),
            cues=self.cues[frames],
            valid=self.valid[frames],
            words=tuple(Word(*word) for word in words) if isinstance(words, list) else (),
            note=str(self.about[index].get("note", "")),
        )


def packed(keys: Sequence[str], tracks: Sequence[Track]) -> Packed:
    """Lay the tracks of one modality end to end; they are one at least."""
    embedding = np.concatenate([track.embedding for track in tracks]).astype(np.float16)
    changed = np.ones(len(embedding), bool)
    changed[1:] = (embedding[1:] != embedding[:-1]).any(axis=1)
    return Packed(
        modality=tracks[0].modality,
        keys=tuple(keys),
        first=np.cumsum([0, *(len(track) for track in tracks)]),
        values=np.concatenate([track.values for track in tracks]).astype(np.float16),
        embedding=embedding[changed],
        row=np.cumsum(changed) - 1,
        cues=np.concatenate([track.cues for track in tracks]).astype(np.float32),
        valid=np.concatenate([track.valid for track in tracks]),
        about=tuple(
            {"note": track.note, "words": [[word.text, word.start_s, word.end_s] for word in track.words]}
            for track in tracks
        ),
    )


def joined(parts: Sequence[Packed]) -> Packed:
    """Several packs as one; there is one at least."""
    starts = np.cumsum([0, *(part.first[-1] for part in parts)])
    rows = np.cumsum([0, *(len(part.embedding) for part in parts)])
    return Packed(
        modality=parts[0].modality,
        keys=tuple(key for part in parts for key in part.keys),
        first=np.concatenate([[0], *(part.first[1:] + start for part, start in zip(parts, starts, strict=False))]),
        values=np.concatenate([part.values for part in parts]),
        embedding=np.concatenate([part.embedding for part in parts]),
        row=np.concatenate([part.row + start for part, start in zip(parts, rows, strict=False)]),
        cues=np.concatenate([part.cues for part in parts]),
        valid=np.concatenate([part.valid for part in parts]),
        about=tuple(about for part in parts for about in part.about),
    )


class Store:
    """The packed tracks of one modality of one data set in one folder of the cache."""

    def __init__(self, root: Path, modality: Modality, folder: Path | None = None) -> None:
        place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]
        version = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in modality.version)
        self.root, self.modality = root, modality
        self.folder = (folder or cache_folder()) / "datasets" / f"{root.name}-{place}" / f"{modality.name}-{version}"

    def collect(
        self, items: Sequence[Item], workers: int = 2, progress: Progress | None = None
    ) -> tuple[Packed, list[int]]:
        """The packed tracks and where each item is in them; what the cache does not have is extracted.

        Raises :class:`stf2m.weights.WeightsUnavailableError` when there is something to extract and no weights.
        """
        parts, keys = self._parts(), [self.key(item) for item in items]
        known = {key for part in parts for key in part.keys}
        missing = [(key, item) for key, item in zip(keys, items, strict=True) if key not in known]
        if missing:
            done = len(items) - len(missing)
            for part in _extracted(missing, self.modality.name, workers):
                self._write(part)
                parts.append(part)
                done += len(part.keys)
                if progress:
                    progress(done / len(items), f"{self.modality.name} of {self.root.name}: {done} of {len(items)}")
        pack = self._packed(parts)
        place = {key: index for index, key in enumerate(pack.keys)}
        return pack, [place[key] for key in keys]

    def key(self, item: Item) -> str:
        """What an item's track depends on, as a short digest."""
        stats = [(path.relative_to(self.root).as_posix(), path.stat()) for path in item.files]
        told = [
            item.kind,
            item.text,
            item.duration_s,
            *((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats),
            *(item.stretch or ()),
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:20]

    def _parts(self) -> list[Packed]:
        files = sorted(self.folder.glob("*.npz")) if self.folder.is_dir() else []
        found = (self._read(file) for file in files if not file.name.endswith(".partial.npz"))
        return [part for part in found if part is not None]

    def _packed(self, parts: list[Packed]) -> Packed:
        """All parts as one file on the disk."""
        if len(parts) == 1:
            return parts[0]
        files = [self._file(part) for part in parts]
        pack = joined(parts)
        self._write(pack)
        for file in files:
            file.unlink(missing_ok=True)
        return pack

    def _file(self, part: Packed) -> Path:
        return self.folder / f"{hashlib.sha256(''.join(part.keys).encode()).hexdigest()[:16]}.npz"

    def _write(self, part: Packed) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(part)
        partial = file.with_suffix(f".{os.getpid()}.partial.npz")
        np.savez(
            partial,
            keys=np.array(part.keys),
            first=part.first,
            values=part.values,
            embedding=part.embedding,
            row=part.row,
            cues=part.cues,
            valid=part.valid,
            about=np.array(json.dumps(part.about)),
        )
        partial.replace(file)

    def _read(self, file: Path) -> Packed | None:
        """One part; None where the file is damaged, or was packed by another run in between."""
        try:
            with np.load(file, allow_pickle=False) as arrays:
                fields = {name: arrays[name] for name in ("first", "values", "embedding", "row", "cues", "valid")}
                keys, about = tuple(arrays["keys"].tolist()), tuple(json.loads(str(arrays["about"])))
            return Packed(modality=self.modality, keys=keys, about=about, **fields)
        except DAMAGED:
            return None


def _extracted(missing: Sequence[tuple[str, Item]], modality: str, workers: int) -> Iterator[Packed]:
    """Extract in batches, each yielded as soon as it is there; in this process where one batch is all."""
    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    if len(batches) == 1 or workers == 1:
        yield from (_batch(batch, modality) for batch in batches)
        return
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        run = joblib.Parallel(n_jobs=workers, return_as="generator_unordered")
        found: Iterator[Packed] = run(joblib.delayed(_batch)(batch, modality) for batch in batches)  # pyright: ignore
        yield from found


def _batch(batch: Sequence[tuple[str, Item]], modality: str) -> Packed:
    return packed([key for key, _ in batch], [extract(item, modality) for _, item in batch])
