"""sums by which both sides agree."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "house_0004"
down_revision = "house_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("seen") as seen:
        seen.add_column(sa.Column("told_sum", sa.String(), nullable=True))
        seen.add_column(sa.Column("rows_sum", sa.String(), nullable=True))
