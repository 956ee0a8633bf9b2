"""what people are asked to do for their groups, and what they were told of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "notifications_0013"
down_revision = "notifications_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("round_kind", sa.String(), nullable=False),
        sa.Column("group_number", sa.Integer(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("letters", sa.Integer(), nullable=False),
        sa.Column("look_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("participant_id", "round_id", name=op.f("pk_duties")),
    )
    op.create_index(op.f("ix_duties_gathering_id"), "duties", ["gathering_id"])
    op.create_index(op.f("ix_duties_look_at"), "duties", ["look_at"])


def downgrade() -> None:
    op.drop_table("duties")
