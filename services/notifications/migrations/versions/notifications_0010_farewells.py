"""the last letter to somebody who is forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "notifications_0010"
down_revision = "notifications_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "farewells",
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("gone", sa.JSON(), nullable=False),
        sa.Column("gives_up_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letters.id"], name=op.f("fk_farewells_letter_id_letters")),
        sa.PrimaryKeyConstraint("participant_id", name=op.f("pk_farewells")),
    )
    op.create_index(op.f("ix_farewells_gives_up_at"), "farewells", ["gives_up_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_farewells_gives_up_at"), table_name="farewells")
    op.drop_table("farewells")
