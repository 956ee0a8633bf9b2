"""which placement a place is."""

from __future__ import annotations

from uuid import uuid5

import sqlalchemy as sa
from alembic import op

revision = "notifications_0004"
down_revision = "notifications_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("placements") as places:
        places.add_column(sa.Column("placement_id", sa.Uuid(), nullable=True))
        places.create_index("ix_placements_placement_id", ["placement_id"])
    places_now = sa.table(
        "placements",
        sa.column("participant_id", sa.Uuid()),
        sa.column("round_id", sa.Uuid()),
        sa.column("placement_id", sa.Uuid()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(places_now.c.participant_id, places_now.c.round_id)).all():
        here = (places_now.c.participant_id == row.participant_id) & (places_now.c.round_id == row.round_id)
        # As grouping makes it for everybody.
        placement_id = uuid5(row.round_id, str(row.participant_id))
        connection.execute(sa.update(places_now).where(here).values(placement_id=placement_id))
