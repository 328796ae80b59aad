"""A bundle that the studio writes: the labels of a study and the tracks of its clips, without picture or sound.

``annotations.json`` has ``clips`` (``name``, ``sha256``) and ``annotations`` (``clip``, its place among the clips;
``annotator``, ``start_s``, ``end_s``, ``degrees``); ``tracks/SHA256/MODALITY.npz`` are tracks as
:meth:`stf2m.tracks.Track.save` writes them. Packed as a ZIP file it is read as well.

Every label is one item, and every clip one speaker, for a clip is taken to show one person. What several people say of
one clip would be in the support and in the query alike, so only one of them counts there: the consensus, else whoever
labelled most of it.
"""

import hashlib
import json
import os
import re
import shutil
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from stf2m.datasets.items import DatasetError, Item
from stf2m.vocabulary import canonical

LABELS, TRACKS = "annotations.json", "tracks"
CONSENSUS = "Consensus"
#: So much is unpacked at most, bytes.
MOST_BYTES = 8 * 2**30
_FILE = re.compile(rf"{re.escape(LABELS)}|{TRACKS}/[0-9a-f]{{64}}/[a-z]+\.npz")


def recognise(root: Path) -> bool:
    """Whether the folder has labels and tracks."""
    return (root / LABELS).is_file() and (root / TRACKS).is_dir()


def read(root: Path) -> list[Item]:
    """One item a label of the one person who counts on its clip. Raises :class:`DatasetError` for damaged labels."""
    try:
        content = json.loads((root / LABELS).read_text(encoding="utf-8"))
        clips, labels = content["clips"], content["annotations"]
        names = Counter(clip["name"] for clip in clips)
        called = [clip["name"] if names[clip["name"]] == 1 else clip["sha256"][:12] for clip in clips]
        counts = _counting(labels)
        return [
            _item(root, label, called[label["clip"]], clips[label["clip"]]["sha256"], number)
            for number, label in enumerate(labels, start=1)
            if counts[label["clip"]] == label["annotator"]
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise DatasetError(f"{root / LABELS} does not hold the labels of a bundle.") from error


def unpacked(file: Path, folder: Path) -> Path:
    """The folder with what is in a packed bundle, unpacked once under ``folder``.

    Raises :class:`DatasetError` for a file that is no bundle.
    """
    try:
        with file.open("rb") as content:
            target = folder / f"{file.stem}-{hashlib.file_digest(content, 'sha256').hexdigest()[:16]}"
        if target.is_dir():
            return target
        with ZipFile(file) as archive:
            entries = archive.infolist()
            if strange := [each.filename for each in entries if not _FILE.fullmatch(each.filename)]:
                raise DatasetError(f"{file} is no bundle of the studio: {strange[0]!r} is in it.")
            if sum(each.file_size for each in entries) > MOST_BYTES:
                raise DatasetError(f"{file} unpacks to more than {MOST_BYTES >> 30} GiB.")
            partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
            archive.extractall(partial)
        if not recognise(partial):
            shutil.rmtree(partial, ignore_errors=True)
            raise DatasetError(f"{file} is no bundle of the studio: it has no labels or no tracks.")
        partial.rename(target)
    except (OSError, BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError) as error:
        raise DatasetError(f"{file} cannot be unpacked: it is damaged or no ZIP file.") from error
    return target


def _counting(labels: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """Who counts on each clip."""
    seconds: dict[int, Counter[str]] = {}
    for label in labels:
        seconds.setdefault(label["clip"], Counter())[label["annotator"]] += label["end_s"] - label["start_s"]
    return {
        clip: CONSENSUS if CONSENSUS in by_person else max(sorted(by_person), key=lambda name: by_person[name])
        for clip, by_person in seconds.items()
    }


def _item(root: Path, label: Mapping[str, Any], clip: str, sha256: str, number: int) -> Item:
    degrees: dict[str, float] = {}
    for name, degree in label["degrees"].items():
        degrees[canonical(name)] = max(float(degree), degrees.get(canonical(name), 0.0))
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is no content hash")
    return Item(
        name=f"{clip}, label {number}",
        kind="tracks",
        speaker=clip,
        emotion=max(degrees, key=lambda each: degrees[each]),
        files=tuple(sorted((root / TRACKS / sha256).glob("*.npz"))),
        stretch=(float(label["start_s"]), float(label["end_s"])),
        about={"annotator": label["annotator"]},
        degrees=degrees,
    )
