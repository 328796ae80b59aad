"""What a file holds of a study: emotions, clips and labels by their names, free of any database's ids."""

from collections.abc import Mapping
from dataclasses import dataclass

from annotations.records import AnnotationRecord, ClipRecord, StudyRecord


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


@dataclass(frozen=True)
class StudyFile:
    """A study in a file: all its emotions, also those nobody used, and its labels."""

    emotions: tuple[str, ...]
    clips: tuple[FileClip, ...]
    labels: tuple[FileLabel, ...]


@dataclass(frozen=True)
class ImportReport:
    """What an import brought: new labels, labels that were there already, new clips and new emotions."""

    study: StudyRecord
    added: int
    there_already: int
    clips: tuple[str, ...]
    emotions: tuple[str, ...]


def collect(study: StudyRecord, clips: list[ClipRecord], annotations: list[AnnotationRecord]) -> StudyFile:
    """What a file should hold of a study."""
    by_id = {
        clip.id: FileClip(clip.name, clip.sha256, clip.duration_s, clip.has_video, clip.has_sound) for clip in clips
    }
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
