"""MELD (Poria et al. 2019): utterances of a TV series, one official CSV a split, and their videos where they are there.

``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv`` give the words, the speaker, the emotion and the
times; a video ``dia3_utt7.mp4`` is looked for in every folder below whose name has the split in it (``train_splits``,
``dev_splits_complete``, ``output_repeated_splits_test``).
"""

import re
from pathlib import Path

from stf2m.datasets.items import DatasetError, Item, rows
from stf2m.vocabulary import canonical

TABLES = "*_sent_emo.csv"
_NEEDED = {"Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID", "StartTime", "EndTime"}
_TIME = re.compile(r"(\d+):(\d+):(\d+)[,.](\d+)$")
#: How long an utterance is taken to be where the table's times make no sense, seconds.
UNTIMED_S = 3.0
#: No line is longer than this; where the times say so they are wrong, seconds.
LONGEST_S = 30.0


def recognise(root: Path) -> bool:
    """Whether the folder holds the set's own tables."""
    return any(root.glob(TABLES))


def read(root: Path) -> list[Item]:
    """One item an utterance. Raises :class:`DatasetError` when a table lacks a column or an emotion."""
    videos = {(path.parent.name, path.stem): path for path in root.rglob("dia*_utt*.mp4")}
    items = []
    for table in sorted(root.glob(TABLES)):
        split = table.name.removesuffix("_sent_emo.csv")
        of_split = {stem: path for (folder, stem), path in videos.items() if split in folder}
        for row in rows(table):
            if missing := sorted(_NEEDED - row.keys()):
                raise DatasetError(f"{table} lacks the column {missing[0]}.")
            if not row["Emotion"].strip():
                raise DatasetError(f"{table} has an utterance without an emotion.")
            stem = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            video = of_split.get(stem)
            items.append(
                Item(
                    name=f"{split}/{stem}",
                    kind="video" if video else "text",
                    speaker=row["Speaker"],
                    emotion=canonical(row["Emotion"]),
                    files=(video,) if video else (),
                    text=row["Utterance"],
                    duration_s=_duration(row["StartTime"], row["EndTime"]),
                    split=split,
                    about={"dialogue": row["Dialogue_ID"], "sentiment": row.get("Sentiment", "")},
                )
            )
    return items


def _duration(start: str, end: str) -> float:
    begins, ends = _TIME.match(start), _TIME.match(end)
    if not begins or not ends:
        return UNTIMED_S
    length = _time(ends) - _time(begins)
    return length if 0.1 <= length <= LONGEST_S else UNTIMED_S


def _time(match: re.Match[str]) -> float:
    hours, minutes, seconds, fraction = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")
