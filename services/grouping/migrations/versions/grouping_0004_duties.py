"""Who facilitates, takes notes and keeps time in each group of a plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "grouping_0004"
down_revision = "grouping_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("placements", sa.Column("duty", sa.String(), server_default="", nullable=False))
    op.add_column("announcements", sa.Column("duty", sa.String(), server_default="", nullable=False))
    op.create_index(
        "uq_placements_one_person_a_duty",
        "placements",
        ["plan_id", "group_id", "duty"],
        unique=True,
        sqlite_where=sa.text("duty <> ''"),
        postgresql_where=sa.text("duty <> ''"),
    )


def downgrade() -> None:
    op.drop_index("uq_placements_one_person_a_duty", table_name="placements")
    op.drop_column("announcements", "duty")
    op.drop_column("placements", "duty")
