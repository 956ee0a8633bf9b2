"""People read everything that is held about them, and are forgotten; each service says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "registration_0005"
down_revision = "registration_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("participant_id", sa.Uuid(), sa.ForeignKey("participants.id"), primary_key=True),
        sa.Column("gathering_id", sa.Uuid(), sa.ForeignKey("gatherings.id"), nullable=False, index=True),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("blotted_at", Moment(), nullable=True),
    )
    op.create_table(
        "confirmations",
        sa.Column("participant_id", sa.Uuid(), sa.ForeignKey("erasures.participant_id"), primary_key=True),
        sa.Column("service", sa.String(), primary_key=True),
        sa.Column("gone", sa.JSON(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=False),
    )

    op.create_table(
        "disclosures",
        sa.Column("participant_id", sa.Uuid(), sa.ForeignKey("participants.id"), primary_key=True),
        sa.Column("service", sa.String(), primary_key=True),
        sa.Column("holdings", sa.JSON(), nullable=False),
        sa.Column("told_at", Moment(), nullable=False, index=True),
    )


def downgrade() -> None:
    op.drop_table("disclosures")
    op.drop_table("confirmations")
    op.drop_table("erasures")
