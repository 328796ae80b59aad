"""RAVDESS (Livingstone & Russo 2018): acted English speech and video, everything told by the file names.

``03-01-06-01-02-01-12.wav``: modality (01 video with sound, 02 video, 03 sound), channel (01 speech, 02 song),
emotion, intensity, statement, repetition, actor. The folders (``Actor_12``, ``audio`` …) do not matter. Songs are left
out; of one performance that is there more than once, the richest modality is kept.
"""

import re
from pathlib import Path

from stf2m.datasets.items import Item, kind_of, media_files

#: The emotions in the order of their numbers, from 01.
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
_NAME = re.compile(r"(0[123])-(01)-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)$")


def recognise(root: Path) -> bool:
    """Whether the folder holds files with RAVDESS names."""
    return any(_NAME.match(path.stem) for path in media_files(root))


def read(root: Path) -> list[Item]:
    """One item a performance, in the order of the file names."""
    richest: dict[str, Item] = {}
    for path in sorted(media_files(root), key=lambda path: path.name):
        kind, match = kind_of(path), _NAME.match(path.stem)
        if match is None or kind not in ("sound", "video"):
            continue
        _, _, emotion, intensity, statement, repetition, actor = match.groups()
        item = Item(
            name=path.relative_to(root).as_posix(),
            kind=kind,
            speaker=str(int(actor)),
            emotion=EMOTIONS[int(emotion) - 1],
            files=(path,),
            text=STATEMENTS[statement],
            about={"intensity": intensity, "statement": statement, "repetition": repetition},
        )
        richest.setdefault(path.stem[3:], item)
    return sorted(richest.values(), key=lambda item: Path(item.name).name)
