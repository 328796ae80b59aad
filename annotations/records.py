"""What the store hands out: frozen records with plain values, and the errors it raises. No database in sight.

Ids are ints, times of day are aware UTC datetimes, times in a clip are seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ClipStatus = Literal["waiting", "analysing", "ready", "failed"]
VersionKind = Literal["base", "adapted"]
#: What an event is: a change, the undoing or redoing of one, or an undo that gave way to somebody else's later change.
Way = Literal["do", "undo", "redo", "set aside"]


class AnnotationError(ValueError):
    """What was asked cannot be done; the message is one plain sentence for the person who asked."""


class NotFoundError(AnnotationError):
    """There is no such study, clip, annotation, annotator or model version."""


class StoreError(RuntimeError):
    """The database cannot be opened, read or written; the message says why in one plain sentence."""


class StaleWrite(AnnotationError):  # noqa: N818 - a name of the project's vocabulary
    """A write that was based on an older version than the one that is there; nothing was written.

    ``current`` is what is there now (None: it was removed), ``attempted`` is what was to be written.
    """

    def __init__(self, message: str, current: "AnnotationRecord | None", attempted: dict[str, Any]):
        super().__init__(message)
        self.current = current
        self.attempted = attempted


@dataclass(frozen=True)
class EmotionRecord:
    """An emotion of a study: ``letter`` is unique there; ``colour`` is ``#rrggbb``, safe for colour-blind people."""

    name: str
    letter: str
    colour: str


@dataclass(frozen=True)
class StudyRecord:
    """A label set with its clips and people."""

    id: int
    name: str
    emotions: tuple[EmotionRecord, ...]
    created: datetime

    @property
    def emotion_names(self) -> tuple[str, ...]:
        """The names of the emotions, in the study's order."""
        return tuple(emotion.name for emotion in self.emotions)


@dataclass(frozen=True)
class AnnotatorRecord:
    """A person who annotates."""

    id: int
    name: str


@dataclass(frozen=True)
class ClipRecord:
    """One video file of a study. ``error`` is a plain sentence where the status is ``failed``, else empty."""

    id: int
    study_id: int
    sha256: str
    name: str
    duration_s: float
    has_video: bool
    has_sound: bool
    notes: tuple[str, ...]
    status: ClipStatus
    error: str
    created: datetime
    deleted: datetime | None


@dataclass(frozen=True)
class AnswerRecord:
    """The suggestion a correction answers: whose it was, and what it said."""

    model_version_id: int
    start_s: float
    end_s: float
    memberships: Mapping[str, float]


@dataclass(frozen=True)
class AnnotationRecord:
    """What a person says about a stretch of a clip.

    ``degrees`` maps emotions to (0, 1]; ``intensity`` is in [0, 1] or None; ``version`` counts its changes from 1.
    ``answers`` is the suggestion it corrects or accepts, where there was one.
    """

    id: int
    clip_id: int
    annotator_id: int
    annotator: str
    start_s: float
    end_s: float
    degrees: Mapping[str, float]
    intensity: float | None
    note: str
    version: int
    updated: datetime
    answers: AnswerRecord | None = None

    @property
    def emotion(self) -> str:
        """The emotion with the highest degree; of equals, the first by name."""
        return min(self.degrees, key=lambda name: (-self.degrees[name], name))


@dataclass(frozen=True)
class SuggestionRecord:
    """What a model version says about a segment of a clip.

    ``memberships`` per emotion, ``uncertainty`` and the modalities' ``shares`` are in [0, 1]; ``rules`` are the rules
    that fired, as plain JSON values.
    """

    clip_id: int
    model_version_id: int
    start_s: float
    end_s: float
    memberships: Mapping[str, float]
    uncertainty: float
    shares: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class UsedCorrection:
    """An annotation, in the version in which a model version learned from it."""

    annotation_id: int
    version: int


@dataclass(frozen=True)
class NewVersion:
    """What is known of a model version when it is added; ``file`` is the name of its weights."""

    kind: VersionKind
    emotions: Sequence[str]
    file: str
    parent_id: int | None = None
    corrections: Iterable[AnnotationRecord | UsedCorrection] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelVersionRecord:
    """A model of a study: the shipped one (``base``) or one adapted to corrections. ``number`` counts from 1."""

    id: int
    study_id: int
    number: int
    parent_id: int | None
    created: datetime
    kind: VersionKind
    emotions: tuple[str, ...]
    corrections: tuple[UsedCorrection, ...]
    figures: Mapping[str, Any]
    file: str
    active: bool


@dataclass(frozen=True)
class EventRecord:
    """One entry of the append-only log: who, when, what before, what after.

    ``actor`` is the annotator's name, ``model 3`` or ``studio``; ``annotator_id`` is None where it was no person.
    ``undoes`` is the event that this one took back (an undo), or brought back (a redo points to the undo).
    Order by ``id``, never by ``at``: a clock can be set back.
    """

    id: int
    study_id: int | None
    at: datetime
    actor: str
    kind: str
    entity: str
    entity_id: int
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    undoes: int | None
    way: Way = "do"
    annotator_id: int | None = None
