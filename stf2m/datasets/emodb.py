"""EmoDB (Burkhardt et al. 2005), acted German: ``03a01Fa.wav`` is speaker 03, sentence a01, emotion F, take a."""

import re
from pathlib import Path

from stf2m.datasets.items import Item, kind_of, media_files

#: The emotions' German initials: Wut, Langeweile, Ekel, Angst, Freude, Trauer, neutral.
EMOTIONS = {
    "W": "angry",
    "L": "bored",
    "E": "disgust",
    "A": "fearful",
    "F": "happy",
    "T": "sad",
    "N": "neutral",
}
_NAME = re.compile(r"(\d\d)([ab]\d\d)([WLEAFTN])([a-z])$")


def recognise(root: Path) -> bool:
    """Whether the folder holds files with EmoDB names."""
    return any(_NAME.match(path.stem) for path in media_files(root))


def read(root: Path) -> list[Item]:
    """One item a recording, in the order of the file names."""
    found = [(path, _NAME.match(path.stem)) for path in media_files(root) if kind_of(path) == "sound"]
    return [
        Item(
            name=path.relative_to(root).as_posix(),
            kind="sound",
            speaker=match[1],
            emotion=EMOTIONS[match[3]],
            files=(path,),
            about={"sentence": match[2], "take": match[4]},
        )
        for path, match in found
        if match
    ]
