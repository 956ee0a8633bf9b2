"""Gatherings ask questions of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "registration_0004"
down_revision = "registration_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gatherings", sa.Column("questions", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("participants", sa.Column("answers", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("participants", "answers")
    op.drop_column("gatherings", "questions")
