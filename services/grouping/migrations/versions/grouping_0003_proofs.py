"""How good a plan can be at all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "grouping_0003"
down_revision = "grouping_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "proofs",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.JSON(), nullable=False),
        sa.Column("claimed_until", Moment(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_proofs_plan_id_plans")),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_proofs")),
    )


def downgrade() -> None:
    op.drop_table("proofs")
