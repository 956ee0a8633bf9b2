"""digests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "notifications_0007"
down_revision = "notifications_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "digests",
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("told_upto", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_digests_gathering_id_gatherings")
        ),
        sa.PrimaryKeyConstraint("gathering_id", name=op.f("pk_digests")),
    )
    op.create_index(op.f("ix_digests_due_at"), "digests", ["due_at"])
    op.create_table(
        "digest_silences",
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("organiser_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_digest_silences_gathering_id_gatherings")
        ),
        sa.PrimaryKeyConstraint("gathering_id", "organiser_id", name=op.f("pk_digest_silences")),
    )


def downgrade() -> None:
    op.drop_table("digest_silences")
    op.drop_index(op.f("ix_digests_due_at"), table_name="digests")
    op.drop_table("digests")
