"""FER2013 (Goodfellow et al. 2013) as images: ``[train|test/]emotion/number.png``, one unknown person each."""

from pathlib import Path

from stf2m.datasets.items import Item, kind_of, media_files
from stf2m.vocabulary import canonical

EMOTIONS = frozenset({"angry", "disgust", "fearful", "happy", "neutral", "sad", "surprised"})


def recognise(root: Path) -> bool:
    """Whether images lie in folders named by the set's emotions, six of the seven at least."""
    folders = {canonical(path.parent.name) for path in media_files(root) if kind_of(path) == "images"}
    return len(folders & EMOTIONS) >= 6


def read(root: Path) -> list[Item]:
    """One item an image; the split is the folder above the emotion's, where there is one."""
    items = []
    for path in media_files(root):
        name = path.relative_to(root)
        if kind_of(path) == "images" and canonical(path.parent.name) in EMOTIONS:
            split = name.parts[0] if len(name.parts) > 2 else ""
            items.append(Item(name.as_posix(), "images", "", canonical(path.parent.name), (path,), split=split))
    return items
