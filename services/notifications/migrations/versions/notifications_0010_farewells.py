"""letters to those who are forgotten are found while their address is still there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "notifications_0010"
down_revision = "notifications_0009"
branch_labels = None
depends_on = None

UNDER_WAY = "kind = 'erased' AND email <> ''"


def upgrade() -> None:
    op.create_index(
        "ix_letters_farewells",
        "letters",
        ["created_at"],
        sqlite_where=sa.text(UNDER_WAY),
        postgresql_where=sa.text(UNDER_WAY),
    )


def downgrade() -> None:
    op.drop_index("ix_letters_farewells", table_name="letters")
