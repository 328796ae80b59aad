"""What a file holds of a study: emotions, clips and labels by their names, free of any database's ids."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from annotations.records import AnnotationRecord, ClipRecord, StudyRecord

#: The end of a label that goes to the end of its clip, where a file does not tell when that is.
TO_THE_END = math.inf


@dataclass(frozen=True)
class FileClip:
    """A clip as files know it; ``sha256`` is empty and ``duration_s`` None where a file does not tell."""

    name: str
    sha256: str = ""
    duration_s: float | None = None
    has_video: bool = True
    has_sound: bool = True


@dataclass(frozen=True)
class FileLabel:
    """One person's annotation of a stretch of a clip."""

    clip: FileClip
    annotator: str
    start_s: float
    end_s: float
    degrees: Mapping[str, float]
    intensity: float | None = None
    note: str = ""

    @property
    def emotion(self) -> str:
        """The emotion with the highest degree; of equals, the first by name."""
        return min(self.degrees, key=lambda name: (-self.degrees[name], name))


@dataclass(frozen=True)
class FileSuggestion:
    """What a model says about a stretch of a clip; ``model`` is its name, ``uncertainty`` in [0, 1]."""

    clip: FileClip
    model: str
    start_s: float
    end_s: float
    memberships: Mapping[str, float]
    uncertainty: float


@dataclass(frozen=True)
class StudyFile:
    """A study in a file: all its emotions, also those nobody used, and its labels.

    ``suggestions`` are the model's, where they are to go out as well; they never come in. ``left_out`` says in
    sentences what of a file that was read is no label.
    """

    emotions: tuple[str, ...]
    clips: tuple[FileClip, ...]
    labels: tuple[FileLabel, ...]
    suggestions: tuple[FileSuggestion, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportReport:
    """What an import brought: new labels, labels that were there already, new clips and new emotions.

    ``left_out`` says in sentences what was not taken from the file.
    """

    study: StudyRecord
    added: int
    there_already: int
    clips: tuple[str, ...]
    emotions: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def collect(study: StudyRecord, clips: list[ClipRecord], annotations: list[AnnotationRecord]) -> StudyFile:
    """What a file should hold of a study."""
    by_id = {clip.id: file_clip(clip) for clip in clips}
    labels = tuple(
        FileLabel(
            clip=by_id[each.clip_id],
            annotator=each.annotator,
            start_s=each.start_s,
            end_s=each.end_s,
            degrees=dict(each.degrees),
            intensity=each.intensity,
            note=each.note,
        )
        for each in annotations
    )
    return StudyFile(study.emotion_names, tuple(by_id.values()), labels)


def file_clip(clip: ClipRecord) -> FileClip:
    """A clip of a study as files know it."""
    return FileClip(clip.name, clip.sha256, clip.duration_s, clip.has_video, clip.has_sound)
