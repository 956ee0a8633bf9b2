"""how long people are kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "notifications_0011"
down_revision = "notifications_0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("gatherings", sa.Column("kept_until", Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("gatherings") as table:
        table.drop_column("kept_until")
