"""CK+48 (from CK+, Lucey et al. 2010): a folder an emotion, ``S010_004_00000017.png`` = person, sequence, frame.

The frames nearest the apex of one sequence are one item: nothing of one performance is ever on both sides of a test.
"""

import re
from itertools import groupby
from pathlib import Path

from stf2m.datasets.items import Item, media_files
from stf2m.vocabulary import canonical

_NAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})$")


def recognise(root: Path) -> bool:
    """Whether the folder holds files with the names of CK+."""
    return any(_NAME.match(path.stem) for path in media_files(root))


def read(root: Path) -> list[Item]:
    """One item a sequence, its frames in order."""
    frames = [path for path in media_files(root) if _NAME.match(path.stem)]
    items = []
    for (folder, sequence), group in groupby(frames, key=lambda path: (path.parent, path.stem[:8])):
        files = tuple(group)
        items.append(
            Item(
                name=files[0].relative_to(root).as_posix(),
                kind="images",
                speaker=sequence[:4],
                emotion=canonical(folder.name),
                files=files,
                about={"sequence": sequence[5:]},
            )
        )
    return items
