"""The tables. Typed, every constraint named, the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import JSON

from annotations.records import (
    AnnotationRecord,
    AnnotatorRecord,
    AnswerRecord,
    ClipRecord,
    ClipStatus,
    EmotionRecord,
    EventRecord,
    LaneKind,
    ModelVersionRecord,
    PaintedRecord,
    StudyRecord,
    StudySettings,
    SuggestionRecord,
    UsedCorrection,
    VersionKind,
    VisitRecord,
    Way,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; SQLite, which knows no time zones, holds it as naive UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Everything that is stored, with the naming convention of its constraints."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy on the class
        datetime: UtcDateTime,
        str: Text,
        float: Double,
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
        ClipStatus: String(16),
        VersionKind: String(16),
        Way: String(16),
        LaneKind: String(16),
    }


class Study(Base):
    """A label set with its clips."""

    __tablename__ = "studies"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created: Mapped[datetime]
    settings: Mapped[dict[str, Any] | None]
    emotions: Mapped[list["Emotion"]] = relationship(
        order_by="Emotion.position", lazy="selectin", cascade="all, delete-orphan"
    )

    def record(self) -> StudyRecord:
        """The record that is handed out."""
        emotions = tuple(emotion.record() for emotion in self.emotions)
        return StudyRecord(self.id, self.name, emotions, self.created, StudySettings(**(self.settings or {})))


class Emotion(Base):
    """A label of a study."""

    __tablename__ = "emotions"
    __table_args__ = (
        UniqueConstraint("study_id", "name"),
        UniqueConstraint("study_id", "letter"),
        UniqueConstraint("study_id", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str]
    letter: Mapped[str]
    colour: Mapped[str]
    meaning: Mapped[str | None]
    former: Mapped[list[Any] | None]

    def record(self) -> EmotionRecord:
        """The record that is handed out."""
        return EmotionRecord(self.name, self.letter, self.colour, self.meaning or "", tuple(self.former or ()))


class Annotator(Base):
    """A person, or the consensus of all."""

    __tablename__ = "annotators"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created: Mapped[datetime]
    reaction_s: Mapped[float | None]
    kind: Mapped[LaneKind] = mapped_column(server_default="person", default="person")

    def record(self) -> AnnotatorRecord:
        """The record that is handed out."""
        return AnnotatorRecord(self.id, self.name, self.reaction_s, self.kind)


class Clip(Base):
    """A video of a study; a removed one stays, with ``deleted_at``, until it is purged."""

    __tablename__ = "clips"
    __table_args__ = (
        UniqueConstraint("study_id", "sha256"),
        CheckConstraint("duration_s > 0", name="lasts"),
        CheckConstraint("status IN ('waiting', 'analysing', 'ready', 'failed')", name="status_known"),
        {"sqlite_autoincrement": True},  # an id is never given twice: files and events go by it
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str]
    duration_s: Mapped[float]
    has_video: Mapped[bool]
    has_sound: Mapped[bool]
    notes: Mapped[list[Any]]
    status: Mapped[ClipStatus]
    error: Mapped[str]
    created: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    def record(self) -> ClipRecord:
        """The record that is handed out."""
        return ClipRecord(
            id=self.id,
            study_id=self.study_id,
            sha256=self.sha256,
            name=self.name,
            duration_s=self.duration_s,
            has_video=self.has_video,
            has_sound=self.has_sound,
            notes=tuple(self.notes),
            status=self.status,
            error=self.error,
            created=self.created,
            deleted=self.deleted_at,
        )


class Annotation(Base):
    """A person's. Removed ones stay, with ``deleted_at``, so that undoing brings back the same id."""

    __tablename__ = "annotations"
    __table_args__ = (
        CheckConstraint("start_s >= 0 AND end_s > start_s", name="interval"),
        CheckConstraint("intensity IS NULL OR (intensity >= 0 AND intensity <= 1)", name="intensity"),
        CheckConstraint("version >= 1", name="version"),
        Index(None, "clip_id", "start_s"),
        Index(None, "annotator_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    clip_id: Mapped[int] = mapped_column(ForeignKey("clips.id"))
    annotator_id: Mapped[int] = mapped_column(ForeignKey("annotators.id"))
    start_s: Mapped[float]
    end_s: Mapped[float]
    degrees: Mapped[dict[str, Any]]
    intensity: Mapped[float | None]
    note: Mapped[str]
    answers: Mapped[dict[str, Any] | None]
    painted: Mapped[dict[str, Any] | None]
    version: Mapped[int]
    updated: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    annotator: Mapped[Annotator] = relationship(lazy="joined", innerjoin=True)

    def record(self) -> AnnotationRecord:
        """The record that is handed out."""
        return AnnotationRecord(
            id=self.id,
            clip_id=self.clip_id,
            annotator_id=self.annotator_id,
            annotator=self.annotator.name,
            start_s=self.start_s,
            end_s=self.end_s,
            degrees=dict(self.degrees),
            intensity=self.intensity,
            note=self.note,
            version=self.version,
            updated=self.updated,
            answers=AnswerRecord(**self.answers) if self.answers else None,
            painted=PaintedRecord(**self.painted) if self.painted else None,
        )


class Visit(Base):
    """How far a person is with a clip."""

    __tablename__ = "visits"
    __table_args__ = (
        UniqueConstraint("clip_id", "annotator_id"),
        CheckConstraint("position_s >= 0", name="position"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    clip_id: Mapped[int] = mapped_column(ForeignKey("clips.id"))
    annotator_id: Mapped[int] = mapped_column(ForeignKey("annotators.id"))
    position_s: Mapped[float]
    opened: Mapped[datetime]
    finished_at: Mapped[datetime | None]

    def record(self) -> VisitRecord:
        """The record that is handed out."""
        return VisitRecord(self.clip_id, self.annotator_id, self.position_s, self.opened, self.finished_at)


class ModelVersion(Base):
    """A model of a study; the partial unique index lets no second one be active."""

    __tablename__ = "model_versions"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("kind IN ('base', 'adapted')", name="kind_known"),
        Index(
            "uq_model_versions_one_active",
            "study_id",
            unique=True,
            sqlite_where=text("active = 1"),
            postgresql_where=text("active"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    number: Mapped[int]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    created: Mapped[datetime]
    kind: Mapped[VersionKind]
    emotions: Mapped[list[Any]]
    corrections: Mapped[list[Any]]
    figures: Mapped[dict[str, Any]]
    file: Mapped[str]
    active: Mapped[bool]

    def record(self) -> ModelVersionRecord:
        """The record that is handed out."""
        return ModelVersionRecord(
            id=self.id,
            study_id=self.study_id,
            number=self.number,
            parent_id=self.parent_id,
            created=self.created,
            kind=self.kind,
            emotions=tuple(self.emotions),
            corrections=tuple(UsedCorrection(**used) for used in self.corrections),
            figures=dict(self.figures),
            file=self.file,
            active=self.active,
        )


class Suggestion(Base):
    """The model's. Replaced as a whole per clip and model version, never touched by a person."""

    __tablename__ = "suggestions"
    __table_args__ = (
        UniqueConstraint("clip_id", "model_version_id", "start_s", "end_s"),
        CheckConstraint("start_s >= 0 AND end_s > start_s", name="interval"),
        CheckConstraint("uncertainty >= 0 AND uncertainty <= 1", name="uncertainty"),
        Index(None, "model_version_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    clip_id: Mapped[int] = mapped_column(ForeignKey("clips.id"))
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id"))
    start_s: Mapped[float]
    end_s: Mapped[float]
    memberships: Mapped[dict[str, Any]]
    uncertainty: Mapped[float]
    shares: Mapped[dict[str, Any]]
    rules: Mapped[list[Any]]

    def record(self) -> SuggestionRecord:
        """The record that is handed out."""
        return SuggestionRecord(
            clip_id=self.clip_id,
            model_version_id=self.model_version_id,
            start_s=self.start_s,
            end_s=self.end_s,
            memberships=dict(self.memberships),
            uncertainty=self.uncertainty,
            shares=dict(self.shares),
            rules=tuple(self.rules),
        )


class Event(Base):
    """The append-only log; triggers of the first migration refuse any UPDATE or DELETE of it.

    Events of one ``step`` (an import, say) are undone together: ``step_id`` is the event that opened the step,
    NULL on that event itself. An event is undone at most once, which ``uq_events_undoes`` guarantees.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("undoes"),
        CheckConstraint("way IN ('do', 'undo', 'redo', 'set aside')", name="way_known"),
        CheckConstraint("(way = 'do') = (undoes IS NULL)", name="undoes_something"),
        Index(None, "entity", "entity_id"),
        Index(None, "study_id", "annotator_id", "id"),
        Index(None, "step_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int | None] = mapped_column(ForeignKey("studies.id"))
    at: Mapped[datetime]
    annotator_id: Mapped[int | None] = mapped_column(ForeignKey("annotators.id"))
    actor: Mapped[str]
    kind: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[int]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    way: Mapped[Way]
    undoes: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    step_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))

    def record(self) -> EventRecord:
        """The record that is handed out."""
        return EventRecord(
            id=self.id,
            study_id=self.study_id,
            at=self.at,
            actor=self.actor,
            kind=self.kind,
            entity=self.entity,
            entity_id=self.entity_id,
            before=self.before,
            after=self.after,
            undoes=self.undoes,
            way=self.way,
            annotator_id=self.annotator_id,
        )
