"""Interchange formats, one file each; a new format is a new file and one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotations.formats import csv, json
from annotations.interchange import StudyFile
from annotations.records import AnnotationError


@dataclass(frozen=True)
class Format:
    """How a study is written to bytes and read from them. ``read`` raises ``AnnotationError`` with one sentence."""

    suffix: str
    write: Callable[[StudyFile], bytes]
    read: Callable[[bytes], StudyFile]


FORMATS = {
    "csv": Format(".csv", csv.write, csv.read),
    "json": Format(".json", json.write, json.read),
}


def named(name: str) -> Format:
    """The format of that name. Raises ``AnnotationError``, which lists those that there are."""
    if name not in FORMATS:
        raise AnnotationError(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    return FORMATS[name]


def of_file(path: Path) -> Format:
    """The format of a file, by its suffix. Raises ``AnnotationError`` where it is none of them."""
    for known in FORMATS.values():
        if path.suffix.lower() == known.suffix:
            return known
    suffixes = ", ".join(known.suffix for known in FORMATS.values())
    raise AnnotationError(f"{path.name} is of no format that can be imported; the name must end in one of {suffixes}.")
