"""The first tables, and the triggers that keep the event log append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "annotators",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_annotators"),
        sa.UniqueConstraint("name", name="uq_annotators_name"),
    )
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("name", name="uq_studies_name"),
    )
    op.create_table(
        "clips",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("has_video", sa.Boolean(), nullable=False),
        sa.Column("has_sound", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'analysing', 'ready', 'failed')", name=op.f("ck_clips_status_known")),
        sa.CheckConstraint("duration_s > 0", name=op.f("ck_clips_lasts")),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_clips_study_id_studies"),
        sa.PrimaryKeyConstraint("id", name="pk_clips"),
        sa.UniqueConstraint("study_id", "sha256", name="uq_clips_study_id_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "emotions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("colour", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_emotions_study_id_studies", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_emotions"),
        sa.UniqueConstraint("study_id", "letter", name="uq_emotions_study_id_letter"),
        sa.UniqueConstraint("study_id", "name", name="uq_emotions_study_id_name"),
        sa.UniqueConstraint("study_id", "position", name="uq_emotions_study_id_position"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("way", sa.String(length=16), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("step_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("(way = 'do') = (undoes IS NULL)", name=op.f("ck_events_undoes_something")),
        sa.CheckConstraint("way IN ('do', 'undo', 'redo', 'set aside')", name=op.f("ck_events_way_known")),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name="fk_events_annotator_id_annotators"),
        sa.ForeignKeyConstraint(["step_id"], ["events.id"], name="fk_events_step_id_events"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_events_study_id_studies"),
        sa.ForeignKeyConstraint(["undoes"], ["events.id"], name="fk_events_undoes_events"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("undoes", name="uq_events_undoes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_entity_entity_id", "events", ["entity", "entity_id"])
    op.create_index("ix_events_step_id", "events", ["step_id"])
    op.create_index("ix_events_study_id_annotator_id_id", "events", ["study_id", "annotator_id", "id"])
    op.create_table(
        "model_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("emotions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("corrections", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("figures", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('base', 'adapted')", name=op.f("ck_model_versions_kind_known")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_model_versions_number")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["model_versions.id"], name="fk_model_versions_parent_id_model_versions"
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_model_versions_study_id_studies"),
        sa.PrimaryKeyConstraint("id", name="pk_model_versions"),
        sa.UniqueConstraint("study_id", "number", name="uq_model_versions_study_id_number"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_model_versions_one_active",
        "model_versions",
        ["study_id"],
        unique=True,
        sqlite_where=sa.text("active = 1"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "annotations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("clip_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("degrees", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("intensity", sa.Double(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "intensity IS NULL OR (intensity >= 0 AND intensity <= 1)", name=op.f("ck_annotations_intensity")
        ),
        sa.CheckConstraint("start_s >= 0 AND end_s > start_s", name=op.f("ck_annotations_interval")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_annotations_version")),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name="fk_annotations_annotator_id_annotators"),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_annotations_clip_id_clips"),
        sa.PrimaryKeyConstraint("id", name="pk_annotations"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_annotations_annotator_id", "annotations", ["annotator_id"])
    op.create_index("ix_annotations_clip_id_start_s", "annotations", ["clip_id", "start_s"])
    op.create_table(
        "suggestions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("clip_id", sa.Integer(), nullable=False),
        sa.Column("model_version_id", sa.Integer(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("memberships", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=False),
        sa.Column("shares", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("rules", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint("start_s >= 0 AND end_s > start_s", name=op.f("ck_suggestions_interval")),
        sa.CheckConstraint("uncertainty >= 0 AND uncertainty <= 1", name=op.f("ck_suggestions_uncertainty")),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_suggestions_clip_id_clips"),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_versions.id"], name="fk_suggestions_model_version_id_model_versions"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_suggestions"),
        sa.UniqueConstraint(
            "clip_id",
            "model_version_id",
            "start_s",
            "end_s",
            name="uq_suggestions_clip_id_model_version_id_start_s_end_s",
        ),
    )
    op.create_index("ix_suggestions_model_version_id", "suggestions", ["model_version_id"])
    _make_log_append_only()


def downgrade() -> None:
    tables = "suggestions annotations model_versions events emotions clips studies annotators"
    for table in tables.split():
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION events_append_only()")


# The event log only grows. INSERT OR REPLACE would delete without firing a delete trigger, so it is refused as well.
_SQLITE = (
    """
    CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'The event log is append-only.'); END
    """,
    """
    CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'The event log is append-only.'); END
    """,
    """
    CREATE TRIGGER events_no_replace BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id OR undoes = NEW.undoes)
    BEGIN SELECT RAISE(ABORT, 'The event log is append-only.'); END
    """,
)
_POSTGRESQL = (
    """
    CREATE FUNCTION events_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'The event log is append-only.'; END $$
    """,
    """
    CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_append_only()
    """,
)


def _make_log_append_only() -> None:
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
