"""Settings of a study, names that emotions had, reaction times, the consensus lane, painted times, and visits."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NEW = (
    ("studies", lambda: sa.Column("settings", sa.JSON(none_as_null=True), nullable=True)),
    ("emotions", lambda: sa.Column("meaning", sa.Text(), nullable=True)),
    ("emotions", lambda: sa.Column("former", sa.JSON(none_as_null=True), nullable=True)),
    ("annotators", lambda: sa.Column("reaction_s", sa.Double(), nullable=True)),
    ("annotators", lambda: sa.Column("kind", sa.String(length=16), server_default="person", nullable=False)),
    ("annotations", lambda: sa.Column("painted", sa.JSON(none_as_null=True), nullable=True)),
)


def upgrade() -> None:
    for table, column in _NEW:
        op.add_column(table, column())
    op.create_table(
        "visits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("clip_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("position_s", sa.Double(), nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("position_s >= 0", name="position"),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name="fk_visits_clip_id_clips"),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotators.id"], name="fk_visits_annotator_id_annotators"),
        sa.PrimaryKeyConstraint("id", name="pk_visits"),
        sa.UniqueConstraint("clip_id", "annotator_id", name="uq_visits_clip_id_annotator_id"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("visits")
    for table, column in reversed(_NEW):
        op.drop_column(table, column().name)
