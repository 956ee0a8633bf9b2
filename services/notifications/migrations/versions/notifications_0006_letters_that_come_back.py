"""letters that come back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "notifications_0006"
down_revision = "notifications_0005"
branch_labels = None
depends_on = None

BEFORE = "'unknown', 'failed', 'discarded')"
SINCE = "'unknown', 'failed', 'discarded', 'bounced', 'suppressed')"
STATES = "state IN ('draft', 'queued', 'claimed', 'handed', 'sent', 'deferred', "


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("released_at", Moment(), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_why", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index(op.f("ix_suppressions_email"), "suppressions", ["email"], unique=False)
    op.create_index(
        "uq_suppressions_in_force",
        "suppressions",
        ["email"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_table(
        "returns_boxes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_returns_boxes")),
    )
    _allow(BEFORE, SINCE)


def downgrade() -> None:
    op.execute("UPDATE letters SET state = 'failed' WHERE state = 'bounced'")
    op.execute("UPDATE letters SET state = 'discarded' WHERE state = 'suppressed'")
    _allow(SINCE, BEFORE)
    op.drop_table("returns_boxes")
    op.drop_table("suppressions")


def _allow(before: str, since: str) -> None:
    """Change what a letter's state may be.

    SQLite cannot change a constraint, and a copy of the table is forbidden by the deliveries that refer to it; for
    a constraint alone its manual has the text of the table changed in place (lang_altertable, section 7).
    """
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_letters_state_known"), "letters", type_="check")
        op.create_check_constraint(op.f("ck_letters_state_known"), "letters", STATES + since)
        return
    version = op.get_bind().scalar(sa.text("PRAGMA schema_version"))
    op.execute("PRAGMA writable_schema = ON")
    op.get_bind().execute(
        sa.text("UPDATE sqlite_master SET sql = replace(sql, :before, :since) WHERE name = 'letters'"),
        {"before": STATES + before, "since": STATES + since},
    )
    op.execute(f"PRAGMA schema_version = {int(version or 0) + 1}")
    op.execute("PRAGMA writable_schema = OFF")
