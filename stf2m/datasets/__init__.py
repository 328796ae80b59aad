"""Data sets in their official layouts, one a file, and one way to load any of them.

>>> dataset = load("auto", Path("ravdess_speech"))          # doctest: +SKIP
>>> examples(dataset, dataset.select(speakers="1-14"))      # doctest: +SKIP
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from stf2m.datasets import bundle, ck48, cremad, emodb, fer2013, labelled, meld, mosi, ravdess
from stf2m.datasets.cache import Packed, Progress, Store, cache_folder
from stf2m.datasets.extraction import modality_of, seconds
from stf2m.datasets.items import DatasetError, Item
from stf2m.datasets.selection import Selection, speakers
from stf2m.segments import Segment, views
from stf2m.tasks import Example
from stf2m.tracks import RATE_HZ, Track

__all__ = [
    "READERS",
    "Dataset",
    "DatasetError",
    "Item",
    "Selection",
    "cache_folder",
    "examples",
    "load",
    "read",
    "reader",
]

#: Readers by name, in the order in which they are asked whether a folder is theirs. A table of labels says more
#: than file names do, so it comes first, but for the one set whose table is its own.
READERS: Mapping[str, ModuleType] = {
    "mosi": mosi,
    "bundle": bundle,
    "labelled": labelled,
    "meld": meld,
    "ravdess": ravdess,
    "emodb": emodb,
    "cremad": cremad,
    "ck48": ck48,
    "fer2013": fer2013,
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """The items of a data set and their tracks, in memory."""

    name: str
    root: Path
    items: tuple[Item, ...]
    packs: Mapping[str, tuple[Packed, Mapping[int, int]]]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions of the set, in the order of the alphabet."""
        return tuple(sorted({item.emotion for item in self.items}))

    @property
    def speakers(self) -> tuple[str, ...]:
        """The known speakers, in natural order."""
        return speakers(self.items)

    def tracks(self, index: int) -> dict[str, Track]:
        """The tracks of one item by modality."""
        return {name: pack.track(place[index]) for name, (pack, place) in self.packs.items() if index in place}

    def select(self, *, speakers: str = "", split: str = "", others: bool = False) -> list[int]:
        """The indices of some speakers' items in one split (see :class:`Selection`), or of the ``others``."""
        selection = Selection(speakers, split)
        chosen = {item.name for item in (selection.others if others else selection.of)(self.items)}
        return [index for index, item in enumerate(self.items) if item.name in chosen]


def read(root: Path) -> list[Item]:
    """The items of a folder, nothing extracted. Raises :class:`DatasetError` for a folder that cannot be read."""
    root = _folder(root)
    return READERS[reader(root)].read(root)


def reader(root: Path) -> str:
    """The name of the reader whose layout a folder has. Raises :class:`DatasetError` when it is none's."""
    root = _folder(root)
    if not root.is_dir():
        raise DatasetError(f"{root} is not a folder.")
    for name, module in READERS.items():
        if module.recognise(root):
            return name
    raise DatasetError(
        f"{root} holds no labels.csv (file, speaker, emotion) and no data set that is known by its names."
    )


def load(
    name: str,
    root: Path,
    *,
    keep: Callable[[Item], bool] = lambda item: True,
    cache: Path | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> Dataset:
    """Load a data set, extracting the tracks that the cache does not have (slow the first time).

    ``name`` is one of :data:`READERS` or ``auto``; ``keep`` chooses items before anything is extracted; ``cache``
    is the folder of :func:`cache_folder` unless given. Raises :class:`DatasetError` for a folder that cannot be
    read, and :class:`stf2m.weights.WeightsUnavailableError` when the extractors' weights can be had nowhere.
    """
    root = _folder(root)
    layout = reader(root) if name == "auto" else name
    if layout not in READERS:
        raise DatasetError(f"There is no reader called {layout}; there are {', '.join(READERS)}.")
    items = tuple(item for item in READERS[layout].read(root) if keep(item))
    if not items:
        raise DatasetError(f"{root} holds nothing labelled.")
    packs: dict[str, tuple[Packed, Mapping[int, int]]] = {}
    for modality in sorted({modality for item in items for modality in item.modalities}):
        indices = [index for index, item in enumerate(items) if modality in item.modalities]
        store = Store(root, modality_of(modality), cache)
        pack, places = store.collect([items[index] for index in indices], workers, progress)
        packs[modality] = pack, dict(zip(indices, places, strict=True))
    return Dataset(root.name if layout in ("labelled", "bundle") else layout, root, items, packs)


def _folder(root: Path) -> Path:
    """The folder of a data set: the one that is named, or that of a packed bundle."""
    return bundle.unpacked(root, cache_folder() / "bundles") if root.suffix == ".zip" and root.is_file() else root


def examples(dataset: Dataset, indices: Sequence[int] | None = None) -> list[Example]:
    """Each item as one example: the whole performance, without the silence before and after it.

    Items in which no modality was found (no face seen, no voice heard) are left out.
    """
    chosen = range(len(dataset)) if indices is None else indices
    made = (_example(dataset.items[index], dataset.tracks(index)) for index in chosen)
    return [example for example in made if example.views]


def _example(item: Item, tracks: Mapping[str, Track]) -> Example:
    return Example(views(tracks, performance(tracks)), item.labels, item.speaker, item.name)


def performance(tracks: Mapping[str, Track]) -> Segment:
    """The stretch from the first to the last moment of speech, or of anything where nobody speaks."""
    heard = [track for name, track in tracks.items() if name == "voice" and track.valid.any()]
    there = np.concatenate([np.flatnonzero(track.valid) for track in heard or tracks.values()])
    if not len(there):
        return Segment(0.0, max(seconds(track) for track in tracks.values()) or 1 / RATE_HZ)
    return Segment(float(there.min() / RATE_HZ), float((there.max() + 1) / RATE_HZ))
