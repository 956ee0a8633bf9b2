"""plans that are sent to who made them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "notifications_0012"
down_revision = "notifications_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plans",
        sa.Column("topic_id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("topic_id", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_gathering_id"), "plans", ["gathering_id"])
    op.create_index(op.f("ix_plans_participant_id"), "plans", ["participant_id"])


def downgrade() -> None:
    op.drop_table("plans")
