"""The votes of CREMA-D: what 2443 people saw in 7442 clips, heard without seeing, seen without hearing, or both.

A folder in its official layout is read: ``finishedResponses.csv``, which says who rated what, where that is there; else
``processedResults/tabulatedVotes.csv`` (also beside it), which counts the votes of each clip. Its raters have no names
then: nobody knows which votes are one person's. A vote is degree 1 of one emotion; the level that people gave with it,
0 to 100, is its intensity, in the counted votes the mean level of those who chose the same.

Cao, H., Cooper, D. G., Keutmann, M. K., Gur, R. C., Nenkova, A., Verma, R. (2014). CREMA-D: Crowd-sourced emotional
multimodal actors dataset. IEEE Transactions on Affective Computing 5(4).
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from annotations.agreement import UNNAMED
from annotations.interchange import FileClip, FileLabel, StudyFile
from annotations.records import AnnotationError

#: The emotions by the letters of the votes, and their names in the columns of mean levels.
EMOTIONS = {"A": "angry", "D": "disgust", "F": "fearful", "H": "happy", "N": "neutral", "S": "sad"}
LEVELS = {"A": "Anger", "D": "Disgust", "F": "Fear", "H": "Happy", "N": "Neutral", "S": "Sad"}
#: What was presented, by the first digit of a clip's number or the type of the question: name, has it video, sound.
KINDS = {"1": ("voice only", False, True), "2": ("face only", True, False), "3": ("audiovisual", True, True)}
#: Votes are of whole clips, whose lengths the tables do not tell: each counts as one second.
CLIP_S = 1.0

#: So many people voted on all clips together: no clip has more votes for an emotion.
MOST_VOTES = 2443

RESPONSES = "finishedResponses.csv"
VOTES = "tabulatedVotes.csv"


def recognise(folder: Path) -> bool:
    """Whether the folder holds votes in CREMA-D's layout."""
    return any(path.is_file() for path in _places(folder))


def read(folder: Path) -> StudyFile:
    """All votes of the folder. Raises ``AnnotationError`` with the file and row that cannot be read."""
    path = next(path for path in _places(folder) if path.is_file())
    clips: dict[tuple[str, str], FileClip] = {}
    labels: list[FileLabel] = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=1):
                try:
                    labels += _responses(row, clips) if path.name == RESPONSES else _votes(row, clips)
                except (LookupError, TypeError, ValueError) as error:
                    raise AnnotationError(f"{path.name}, row {number} is no vote of CREMA-D: {error!r}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(f"{path} cannot be read: {error}.") from error
    return StudyFile(tuple(EMOTIONS.values()), tuple(clips.values()), tuple(labels))


def _places(folder: Path) -> list[Path]:
    return [folder / RESPONSES, folder / VOTES, folder / "processedResults" / VOTES]


def _votes(row: Mapping[str, str], clips: dict[tuple[str, str], FileClip]) -> Iterator[FileLabel]:
    """The votes of one clip, as many for each emotion as were counted."""
    clip = _clip(row["fileName"], row[""][0], clips)
    cast = 0
    for letter, emotion in EMOTIONS.items():
        level = float(row[f"mean{LEVELS[letter]}Resp"])
        if int(row[letter]) > MOST_VOTES:
            raise ValueError(f"more than {MOST_VOTES} votes")
        for _ in range(int(row[letter])):
            cast += 1
            yield FileLabel(clip, f"{UNNAMED} {cast:02}", 0.0, CLIP_S, {emotion: 1.0}, intensity=level / 100)


def _responses(row: Mapping[str, str], clips: dict[tuple[str, str], FileClip]) -> Iterator[FileLabel]:
    """The one vote that a row is."""
    clip = _clip(row["clipName"], row["queryType"], clips)
    letter, level = row["ans"].split("_")
    yield FileLabel(clip, f"rater {row['localid']}", 0.0, CLIP_S, {EMOTIONS[letter]: 1.0}, intensity=float(level) / 100)


def _clip(file_name: str, kind: str, clips: dict[tuple[str, str], FileClip]) -> FileClip:
    stem = PurePath(file_name).stem
    if (stem, kind) not in clips:
        presented, has_video, has_sound = KINDS[kind]
        clips[stem, kind] = FileClip(f"{stem} ({presented})", "", CLIP_S, has_video, has_sound)
    return clips[stem, kind]
