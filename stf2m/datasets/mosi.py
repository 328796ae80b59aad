"""CMU-MOSI (Zadeh et al. 2016) as utterance features: what people say of films, and whether they speak well of them.

``labels.csv`` tells of every utterance its row, video, place in the video, sentiment and transcript; ``features.npz``
holds one vector an utterance of text, audio and video, without time (those of Poria et al. 2017: the hidden layers of
networks that were trained on the sentiment of the set's training videos). As items the set is sentences, so that their
words are read by the library's own text view.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stf2m.datasets.items import DatasetError, Item, rows
from stf2m.tracks import DAMAGED, FloatArray

TABLE, FEATURES = "labels.csv", "features.npz"
NEGATIVE, NONNEGATIVE = "negative", "nonnegative"
_NEEDED = {"utterance", "video", "segment", "nonnegative", "transcript"}
#: How fast the words are taken to be said, for want of times, words/s.
WORDS_PER_S = 3.0


def recognise(root: Path) -> bool:
    """Whether the folder holds a table and the features of its rows."""
    return (root / TABLE).is_file() and (root / FEATURES).is_file()


def read(root: Path) -> list[Item]:
    """One item an utterance, in the order of the features; the video is the speaker, its place is in ``about``.

    The transcripts are all capitals; here they are not, for capitals mean emphasis elsewhere. Raises
    :class:`DatasetError` when the table lacks a column or tells anything but 0 and 1.
    """
    items = []
    for number, row in enumerate(rows(root / TABLE)):
        if missing := sorted(_NEEDED - row.keys()):
            raise DatasetError(f"{root / TABLE} lacks the column {missing[0]}.")
        if row["nonnegative"] not in ("0", "1") or not row["segment"].isdecimal():
            raise DatasetError(f"{root / TABLE}: row {number} needs 0 or 1 as nonnegative and a number as segment.")
        text = row["transcript"].lower()
        items.append(
            Item(
                name=row["utterance"],
                kind="text",
                speaker=row["video"],
                emotion=NONNEGATIVE if row["nonnegative"] == "1" else NEGATIVE,
                text=text,
                duration_s=max(len(text.split()) / WORDS_PER_S, 0.5),
                about={"segment": row["segment"]},
            )
        )
    return items


def features(root: Path) -> Mapping[str, FloatArray]:
    """The given features by modality, ``text (n, 100)``, ``audio (n, 73)`` and ``video (n, 100)``, rows as the items.

    Raises :class:`DatasetError` when the file cannot be read or has not one row an utterance.
    """
    try:
        with np.load(root / FEATURES, allow_pickle=False) as file:
            found = {name: file[name].astype(np.float32) for name in ("text", "audio", "video")}
    except DAMAGED as error:
        raise DatasetError(f"{root / FEATURES} does not hold the arrays text, audio and video.") from error
    utterances = len(rows(root / TABLE))
    if any(array.shape[:1] != (utterances,) for array in found.values()):
        raise DatasetError(f"{root / FEATURES} has not one row for each of the {utterances} utterances.")
    return found
