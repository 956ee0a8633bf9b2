"""A gathering may say how long it keeps its people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "registration_0009"
down_revision = "registration_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gatherings", sa.Column("keep_days", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("gatherings") as table:
        table.drop_column("keep_days")
