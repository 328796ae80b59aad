"""Data sets in their official layouts, one a file, and one way to load any of them.

>>> dataset = load("auto", Path("ravdess_speech"))          # doctest: +SKIP
>>> examples(dataset, dataset.select(speakers="1-14"))      # doctest: +SKIP
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from stf2m.datasets import ck48, cremad, emodb, fer2013, labelled, meld, ravdess
from stf2m.datasets.cache import Packed, Progress, Store, cache_folder
from stf2m.datasets.extraction import modality_of, seconds
from stf2m.datasets.items import DatasetError, Item
from stf2m.segments import Segment, views
from stf2m.tasks import Example
from stf2m.tracks import RATE_HZ, Track

__all__ = ["READERS", "Dataset", "DatasetError", "Item", "cache_folder", "examples", "load", "reader"]

#: Readers by name, in the order in which they are asked whether a folder is theirs. A table of labels says more
#: than file names do, so it comes first.
READERS: Mapping[str, ModuleType] = {
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
        return tuple(sorted({item.speaker for item in self.items} - {""}, key=_natural))

    def tracks(self, index: int) -> dict[str, Track]:
        """The tracks of one item by modality."""
        return {name: pack.track(place[index]) for name, (pack, place) in self.packs.items() if index in place}

    def select(self, *, speakers: str = "", others: bool = False, split: str = "") -> list[int]:
        """The indices of the items of some speakers (or of all ``others``) and of one split of the set.

        ``speakers`` lists names and ranges of numbers: ``15-18``, ``S010,S011``; empty: everybody. Raises
        :class:`DatasetError` for a speaker or a split that the set does not have.
        """
        wanted = self._named(speakers) if speakers else set(self.speakers) | {""}
        if split and split not in {item.split for item in self.items}:
            raise DatasetError(f"{self.root} has no split called {split}.")
        return [
            index
            for index, item in enumerate(self.items)
            if (item.speaker in wanted) != others and (not split or item.split == split)
        ]

    def _named(self, speakers: str) -> set[str]:
        wanted: set[str] = set()
        for part in (part.strip() for part in speakers.split(",")):
            first, dash, last = part.partition("-")
            numbers = range(int(first), int(last) + 1) if dash and first.isdigit() and last.isdigit() else ()
            found = {name for name in self.speakers if name == part or (name.isdigit() and int(name) in numbers)}
            if not found:
                raise DatasetError(f"{self.root} has no speaker {part}; it has {_listed(self.speakers)}.")
            wanted |= found
        return wanted


def reader(root: Path) -> str:
    """The name of the reader whose layout a folder has. Raises :class:`DatasetError` when it is none's."""
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
    layout = reader(root) if name == "auto" else name
    if layout not in READERS:
        raise DatasetError(f"There is no reader called {layout}; there are {_listed(tuple(READERS))}.")
    items = tuple(item for item in READERS[layout].read(root) if keep(item))
    if not items:
        raise DatasetError(f"{root} holds nothing labelled.")
    packs: dict[str, tuple[Packed, Mapping[int, int]]] = {}
    for modality in sorted({modality for item in items for modality in item.modalities}):
        indices = [index for index, item in enumerate(items) if modality in item.modalities]
        store = Store(root, modality_of(modality), cache)
        pack, places = store.collect([items[index] for index in indices], workers, progress)
        packs[modality] = pack, dict(zip(indices, places, strict=True))
    return Dataset(layout if layout != "labelled" else root.name, root, items, packs)


def examples(dataset: Dataset, indices: Sequence[int] | None = None) -> list[Example]:
    """Each item as one example: the whole performance, without the silence before and after it.

    Items in which no modality was found (no face seen, no voice heard) are left out.
    """
    chosen = range(len(dataset)) if indices is None else indices
    made = (_example(dataset.items[index], dataset.tracks(index)) for index in chosen)
    return [example for example in made if example.views]


def _example(item: Item, tracks: Mapping[str, Track]) -> Example:
    return Example(views(tracks, performance(tracks)), {item.emotion: 1.0}, item.speaker, item.name)


def performance(tracks: Mapping[str, Track]) -> Segment:
    """The stretch from the first to the last moment of speech, or of anything where nobody speaks."""
    heard = [track for name, track in tracks.items() if name == "voice" and track.valid.any()]
    there = np.concatenate([np.flatnonzero(track.valid) for track in heard or tracks.values()])
    if not len(there):
        return Segment(0.0, max(seconds(track) for track in tracks.values()) or 1 / RATE_HZ)
    return Segment(float(there.min() / RATE_HZ), float((there.max() + 1) / RATE_HZ))


def _natural(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdigit() else (1, 0, name)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
