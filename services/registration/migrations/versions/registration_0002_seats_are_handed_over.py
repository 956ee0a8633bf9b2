"""Seats are handed over; a number in the line is given once; people say whether they still come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "registration_0002"
down_revision = "registration_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added one by one rather than in a batch, which would copy the whole table on SQLite.
    op.add_column("gatherings", sa.Column("lines", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("gatherings", sa.Column("moved_at", Moment(), nullable=True))
    op.add_column("participants", sa.Column("handed_to", sa.Uuid(), nullable=True))
    op.add_column("participants", sa.Column("still_comes_at", Moment(), nullable=True))
    op.execute(
        "update gatherings set lines = coalesce("
        "(select max(line) from participants where participants.gathering_id = gatherings.id), 0)"
    )


def downgrade() -> None:
    for table, column in (
        ("participants", "still_comes_at"),
        ("participants", "handed_to"),
        ("gatherings", "moved_at"),
        ("gatherings", "lines"),
    ):
        op.drop_column(table, column)
