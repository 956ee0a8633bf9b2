"""Long lists are applied in parts, and say how far they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "registration_0003"
down_revision = "registration_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("begun_at", Moment(), nullable=True))
    op.add_column("imports", sa.Column("begun_by", sa.Uuid(), nullable=True))
    op.add_column("imports", sa.Column("fix_typos", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("imports", sa.Column("done", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for column in ("done", "fix_typos", "begun_by", "begun_at"):
        op.drop_column("imports", column)
