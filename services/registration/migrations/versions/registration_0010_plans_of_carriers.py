"""Who carries a topic may keep a plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "registration_0010"
down_revision = "registration_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("topics", sa.Column("plan", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("topics") as table:
        table.drop_column("plan")
