"""CREMA-D (Cao et al. 2014), acted English: ``1001_IEO_ANG_HI.wav`` is actor 1001, sentence IEO, anger, high."""

import re
from pathlib import Path

from stf2m.datasets.items import Item, kind_of, media_files
from stf2m.vocabulary import canonical

_NAME = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX|X)$")


def recognise(root: Path) -> bool:
    """Whether the folder holds files with CREMA-D names."""
    return any(_NAME.match(path.stem) for path in media_files(root))


def read(root: Path) -> list[Item]:
    """One item a performance: its video where that is there, else its sound."""
    richest: dict[str, Item] = {}
    for path in media_files(root):
        kind, match = kind_of(path), _NAME.match(path.stem)
        if match is None or kind not in ("sound", "video") or (kind == "sound" and path.stem in richest):
            continue
        actor, sentence, emotion, intensity = match.groups()
        about = {"sentence": sentence, "intensity": intensity}
        name = path.relative_to(root).as_posix()
        richest[path.stem] = Item(name, kind, actor, canonical(emotion), (path,), about=about)
    return [richest[stem] for stem in sorted(richest)]
