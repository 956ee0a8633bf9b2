"""what the DNS says of the sender's domain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "notifications_0009"
down_revision = "notifications_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sender_domains",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=True),
        sa.Column("looked_at", Moment(), nullable=True),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sender_domains")),
    )


def downgrade() -> None:
    op.drop_table("sender_domains")
