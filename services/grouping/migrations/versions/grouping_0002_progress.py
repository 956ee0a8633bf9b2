"""How far an ask is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "grouping_0002"
down_revision = "grouping_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("asks", schema=None) as batch_op:
        batch_op.add_column(sa.Column("share", sa.Double(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("cost", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("asks", schema=None) as batch_op:
        batch_op.drop_column("cost")
        batch_op.drop_column("share")
