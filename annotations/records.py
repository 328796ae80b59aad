"""What the store hands out: frozen records with plain values, and the errors it raises. No database in sight.

Ids are ints, times of day are aware UTC datetimes, times in a clip are seconds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ClipStatus = Literal["waiting", "analysing", "ready", "failed"]
VersionKind = Literal["base", "adapted"]
#: Whose lane it is: one person's, or what a reviewer has settled.
LaneKind = Literal["person", "consensus"]
#: Whether people see what the model says before they label, or only after.
Mode = Literal["suggestions first", "label first"]
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
    """An emotion of a study: ``letter`` is unique there; ``colour`` is ``#rrggbb``, safe for colour-blind people.

    ``meaning`` is the name it was given first, by which a model may know it; ``former`` are the names that it had, and
    those of emotions that were merged into it.
    """

    name: str
    letter: str
    colour: str
    meaning: str = ""
    former: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "meaning", self.meaning or self.name)


@dataclass(frozen=True)
class StudySettings:
    """How a study is worked on. From the uncertainty ``unsure`` on, a suggestion is hatched and asks for a person.

    ``mix`` weighs the reasons of the queue by name, 0 or more; a reason that is not in it has its usual weight.
    """

    mode: Mode = "suggestions first"
    unsure: float = 0.6
    mix: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StudyRecord:
    """A label set with its clips and people."""

    id: int
    name: str
    emotions: tuple[EmotionRecord, ...]
    created: datetime
    settings: StudySettings = field(default_factory=StudySettings)

    @property
    def emotion_names(self) -> tuple[str, ...]:
        """The names of the emotions, in the study's order."""
        return tuple(emotion.name for emotion in self.emotions)


@dataclass(frozen=True)
class AnnotatorRecord:
    """A person who annotates, or the consensus of all.

    ``reaction_s`` is the time that the person needs to see an emotion and press a key, seconds; None: not measured.
    """

    id: int
    name: str
    reaction_s: float | None = None
    kind: LaneKind = "person"


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
    """The suggestion a correction answers: whose it was, what it said, and whether the person had seen it before."""

    model_version_id: int
    start_s: float
    end_s: float
    memberships: Mapping[str, float]
    shown: bool = True


@dataclass(frozen=True)
class PaintedRecord:
    """When the key of a painted annotation went down and up, seconds of the clip, and what was taken off its onset."""

    start_s: float
    end_s: float
    reaction_s: float


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
    painted: PaintedRecord | None = None

    @property
    def emotion(self) -> str:
        """The emotion with the highest degree; of equals, the first by name."""
        return min(self.degrees, key=lambda name: (-self.degrees[name], name))


@dataclass(frozen=True)
class NewAnnotation:
    """One annotation to be made in an edit of several."""

    start_s: float
    end_s: float
    degrees: Mapping[str, float]
    intensity: float | None = None
    note: str = ""
    answers: "AnswerRecord | SuggestionRecord | None" = None


@dataclass(frozen=True)
class ChangedAnnotation:
    """One annotation to be changed in an edit of several, from the version that the person has seen."""

    annotation_id: int
    version: int
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class RemovedAnnotation:
    """One annotation to be removed in an edit of several, from the version that the person has seen."""

    annotation_id: int
    version: int


Edit = NewAnnotation | ChangedAnnotation | RemovedAnnotation


@dataclass(frozen=True)
class VisitRecord:
    """How far a person is with a clip: where they were last, seconds, and when they said that it was finished."""

    clip_id: int
    annotator_id: int
    position_s: float
    opened: datetime
    finished: datetime | None


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
    """What is known of a model version when it is added; ``file`` is the name of its weights.

    ``edit``: it is its parent with rules that a person edited, and one undo goes back to the parent.
    """

    kind: VersionKind
    emotions: Sequence[str]
    file: str
    parent_id: int | None = None
    corrections: Iterable[AnnotationRecord | UsedCorrection] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    edit: bool = False


@dataclass(frozen=True)
class ModelVersionRecord:
    """A model of a study: the shipped one (``base``), or one that corrections or edits of its rules have ``adapted``.

    ``number`` counts from 1.
    """

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
