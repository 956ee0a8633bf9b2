"""what can be told again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "house_0003"
down_revision = "house_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_outbox_subject", "outbox", ["subject"])
    op.create_table(
        "recalls",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("run", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("after", sa.Uuid(), nullable=False),
        sa.Column("until", sa.Uuid(), nullable=False),
        sa.Column("left", sa.JSON(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=True),
        sa.Column("subjects", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("mended", sa.Integer(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("source", "lane", name=op.f("pk_recalls")),
    )
    op.create_table(
        "drifts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("kept_in", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("found_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drifts")),
    )
    op.create_index("ix_drifts_found_at", "drifts", ["found_at"])
