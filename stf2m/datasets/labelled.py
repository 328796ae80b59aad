"""Any folder with a ``labels.csv`` of ``file,speaker,emotion`` over sound, video or image files.

An emotion is a name (``happy``), or degrees of several, numbers from 0 to 1: ``happy:0.6;sad:0.4``. A table without the
column ``emotion`` may give a degree in a column of each emotion of the vocabulary instead: ``file,speaker,happy,sad``.

Further columns that mean something: ``sequence`` joins the images of one speaker into one item, in the order of
the table; ``text`` is what is said (then ``file`` may be empty: a bare sentence, ``seconds`` long if that column is
there); ``split`` is the set's own partition. Rows without an emotion are not labelled, and left out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stf2m.datasets.items import DatasetError, Item, kind_of, rows
from stf2m.vocabulary import EMOTIONS, canonical

TABLE = "labels.csv"
_USED = frozenset({"file", "speaker", "emotion", "text", "split"})


def recognise(root: Path) -> bool:
    """Whether the folder has a table of labels."""
    return (root / TABLE).is_file()


def read(root: Path) -> list[Item]:
    """Read the items of the folder.

    Raises :class:`DatasetError` when the table lacks a column, names a file that is not there, or one of no known kind,
    or has something else where degrees should be.
    """
    table = rows(root / TABLE)
    columns = _columns(table[0]) if table else ()
    if table and not ("speaker" in table[0] and columns and table[0].keys() & {"file", "text"}):
        raise DatasetError(f"{root / TABLE} needs the columns file (or text), speaker and emotion.")
    items: dict[tuple[str, ...], Item] = {}
    for number, row in enumerate(table):
        degrees = _degrees(root, row, columns)
        if not degrees:
            continue
        item = _item(root, row, number, degrees)
        sequence = row.get("sequence", "") if item.kind == "images" else ""
        key = (item.speaker, item.emotion, sequence) if sequence else (item.name,)
        items[key] = replace(items[key], files=items[key].files + item.files) if sequence and key in items else item
    return list(items.values())


def _columns(row: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that tell the emotion: the one of that name, or else those named by an emotion."""
    return ("emotion",) if "emotion" in row else tuple(name for name in row if name and canonical(name) in EMOTIONS)


def _degrees(root: Path, row: Mapping[str, str], columns: Sequence[str]) -> dict[str, float]:
    """The degrees of a row by emotion; none where it is not labelled."""
    told = row[columns[0]] if columns == ("emotion",) else ";".join(f"{name}:{row[name] or 0}" for name in columns)
    if ":" not in told:
        return {canonical(told): 1.0} if told else {}
    parts = [part.rpartition(":") for part in told.split(";") if part.strip()]
    try:
        degrees = {canonical(name): float(degree) for name, _, degree in parts}
    except ValueError:
        degrees = {}
    if len(degrees) < len(parts) or not all(0 <= degree <= 1 for degree in degrees.values()):
        raise DatasetError(
            f"{root / TABLE} says {told!r} where degrees from 0 to 1 should be, such as happy:0.6;sad:0.4."
        )
    return {name: degree for name, degree in degrees.items() if degree > 0}


def _item(root: Path, row: Mapping[str, str], number: int, degrees: Mapping[str, float]) -> Item:
    name, text = row.get("file", ""), row.get("text", "")
    emotion = max(degrees, key=lambda each: degrees[each])
    item = Item(
        name=name or f"row {number}",
        kind="text",
        speaker=row["speaker"],
        emotion=emotion,
        text=text,
        split=row.get("split", ""),
        about={key: value for key, value in row.items() if key not in _USED},
        degrees=degrees,
    )
    if not name:
        return replace(item, duration_s=_seconds(root, row.get("seconds", "")))
    file = root / name
    kind = kind_of(file)
    if kind is None:
        raise DatasetError(f"{root / TABLE} names {name}, which is no sound, video or image file.")
    if not file.is_file():
        raise DatasetError(f"{root / TABLE} names {name}, which is not there.")
    return replace(item, kind=kind, files=(file,))


def _seconds(root: Path, value: str) -> float:
    try:
        return float(value or 0.0)
    except ValueError:
        raise DatasetError(f"{root / TABLE} has {value!r} where a number of seconds should be.") from None
