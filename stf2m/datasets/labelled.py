"""Any folder with a ``labels.csv`` of ``file,speaker,emotion`` over sound, video or image files.

Further columns that mean something: ``sequence`` joins the images of one speaker into one item, in the order of
the table; ``text`` is what is said (then ``file`` may be empty: a bare sentence, ``seconds`` long if that column is
there); ``split`` is the set's own partition. Rows without an emotion are not labelled, and left out.
"""

from pathlib import Path

from stf2m.datasets.items import DatasetError, Item, kind_of, rows
from stf2m.vocabulary import canonical

TABLE = "labels.csv"


def recognise(root: Path) -> bool:
    """Whether the folder has a table of labels."""
    return (root / TABLE).is_file()


def read(root: Path) -> list[Item]:
    """Read the items of the folder.

    Raises :class:`DatasetError` when the table lacks a column, names a file that is not there, or one of no known kind.
    """
    table = rows(root / TABLE)
    needed = {"speaker", "emotion"}
    if table and not (needed <= table[0].keys() and table[0].keys() & {"file", "text"}):
        raise DatasetError(f"{root / TABLE} needs the columns file (or text), speaker and emotion.")
    items: dict[tuple[str, ...], Item] = {}
    for number, row in enumerate(table):
        if not row["emotion"]:
            continue
        item = _item(root, row, number)
        sequence = row.get("sequence", "") if item.kind == "images" else ""
        key = (item.speaker, item.emotion, sequence) if sequence else (item.name,)
        items[key] = _joined(items[key], item) if sequence and key in items else item
    return list(items.values())


def _item(root: Path, row: dict[str, str], number: int) -> Item:
    name, text = row.get("file", ""), row.get("text", "")
    about = {key: value for key, value in row.items() if key not in {"file", "speaker", "emotion", "text", "split"}}
    common = (row["speaker"], canonical(row["emotion"]))
    if not name:
        seconds = _seconds(root, row.get("seconds", ""))
        return Item(f"row {number}", "text", *common, (), text, seconds, row.get("split", ""), about)
    file = root / name
    kind = kind_of(file)
    if kind is None:
        raise DatasetError(f"{root / TABLE} names {name}, which is no sound, video or image file.")
    if not file.is_file():
        raise DatasetError(f"{root / TABLE} names {name}, which is not there.")
    return Item(name, kind, *common, (file,), text, 0.0, row.get("split", ""), about)


def _seconds(root: Path, value: str) -> float:
    try:
        return float(value or 0.0)
    except ValueError:
        raise DatasetError(f"{root / TABLE} has {value!r} where a number of seconds should be.") from None


def _joined(first: Item, then: Item) -> Item:
    return Item(
        first.name,
        first.kind,
        first.speaker,
        first.emotion,
        first.files + then.files,
        split=first.split,
        about=first.about,
    )
