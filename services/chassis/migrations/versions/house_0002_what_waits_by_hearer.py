"""what waits is found by its hearer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "house_0002"
down_revision = "house_0001"
branch_labels = None
depends_on = None

WAITS = sa.text("acked_at IS NULL")


def upgrade() -> None:
    op.drop_index("ix_delivery_due", "delivery")
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["hearer", "next_at", "sequence"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )


def downgrade() -> None:
    op.drop_index("ix_delivery_waiting", "delivery")
    op.create_index("ix_delivery_due", "delivery", ["next_at"], sqlite_where=WAITS, postgresql_where=WAITS)
