"""Two rows of one person are joined, and parted again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "registration_0008"
down_revision = "registration_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("participants", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("participants", sa.Column("merged_at", Moment(), nullable=True))
    op.add_column("participants", sa.Column("merged", sa.JSON(), nullable=True))
    op.create_index("ix_participants_merged_into", "participants", ["merged_into"])


def downgrade() -> None:
    # What was joined stays a cancelled row: the older version knows no other word for it.
    op.execute("update participants set state = 'cancelled' where state = 'merged'")
    op.drop_index("ix_participants_merged_into", "participants")
    for column in ("merged", "merged_at", "merged_into"):
        op.drop_column("participants", column)
