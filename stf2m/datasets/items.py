"""What every data set is made of: items, each one performance of one emotion by one person."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Kind = Literal["sound", "video", "images", "text", "tracks"]

SOUND_FILES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".m4a", ".opus", ".aac"})
VIDEO_FILES = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi", ".flv", ".m4v"})
IMAGE_FILES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"})

#: Which modalities can be read from each kind of item.
MODALITIES_OF: Mapping[Kind, tuple[str, ...]] = {
    "sound": ("voice",),
    "video": ("face", "voice", "text"),
    "images": ("face",),
    "text": ("text",),
    "tracks": ("face", "voice", "text"),
}


class DatasetError(ValueError):
    """A data set that cannot be read as one; the message is one plain sentence that names the folder or the file."""


@dataclass(frozen=True)
class Item:
    """One labelled performance.

    ``name`` is its path or identifier inside the data set; ``files`` one sound or video file, or the frames of a
    face sequence in order, or tracks that are there already, each named by its modality, or nothing for a sentence;
    ``speaker`` is empty where nobody knows who it is; ``emotion`` is in the words of :mod:`stf2m.vocabulary`; ``text``
    what is said, where the set tells; ``duration_s`` only where the files do not tell; ``split`` the set's own
    partition (train, dev, test), if it has one; ``about`` every other column; ``degrees`` those of several emotions in
    [0, 1], where the set gives them: ``emotion`` is the highest; ``stretch`` start and end of the performance in the
    file, seconds, None where it is all of it.
    """

    name: str
    kind: Kind
    speaker: str
    emotion: str
    files: tuple[Path, ...] = ()
    text: str = ""
    duration_s: float = 0.0
    split: str = ""
    about: Mapping[str, str] = field(default_factory=dict, hash=False)
    degrees: Mapping[str, float] = field(default_factory=dict, hash=False)
    stretch: tuple[float, float] | None = None

    @property
    def labels(self) -> Mapping[str, float]:
        """The degree of every emotion that it has: of the one, where the set names one only."""
        return self.degrees or {self.emotion: 1.0}

    @property
    def file(self) -> Path | None:
        """The first file of the item, None for a bare sentence."""
        return self.files[0] if self.files else None

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that can be read from this item."""
        if self.kind == "tracks":
            return tuple(file.stem for file in self.files)
        return MODALITIES_OF[self.kind]


def kind_of(file: Path) -> Kind | None:
    """Which kind of item a file is, by the end of its name; None for any other file."""
    suffix = file.suffix.lower()
    if suffix in SOUND_FILES:
        return "sound"
    if suffix in VIDEO_FILES:
        return "video"
    return "images" if suffix in IMAGE_FILES else None


def media_files(root: Path) -> list[Path]:
    """Every sound, video and image file under a folder, in the order of their names."""
    return sorted(path for path in root.rglob("*") if kind_of(path) and path.is_file())


def rows(table: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header, values stripped. Raises :class:`DatasetError` when it is not one."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            return [
                {name.strip(): (value or "").strip() for name, value in row.items() if name is not None}
                for row in csv.DictReader(file)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table} cannot be read as a table: {error}.") from error
