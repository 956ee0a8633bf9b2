"""Gatherings and who comes to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from services.chassis.db import Moment

revision = "registration_0001"
down_revision = None
branch_labels = ("registration",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deeds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=True),
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("deed", sa.String(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deeds")),
    )
    with op.batch_alter_table("deeds", schema=None) as batch_op:
        batch_op.create_index("ix_deeds_about_at", ["about", "at"], unique=False)

    op.create_table(
        "gatherings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("writing", sa.String(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("organiser_name", sa.String(), nullable=False),
        sa.Column("reply_to", sa.String(), nullable=False),
        sa.Column("territories", sa.JSON(), nullable=False),
        sa.Column("trades", sa.JSON(), nullable=False),
        sa.Column("angles", sa.JSON(), nullable=False),
        sa.Column("hold_h", sa.Integer(), nullable=False),
        sa.Column("offer_h", sa.Integer(), nullable=False),
        sa.Column("offers_stop_h", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "state in ('draft', 'open', 'closed', 'cancelled')", name=op.f("ck_gatherings_state_known")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_gatherings_ends_after_start")),
        sa.CheckConstraint("seats >= 0", name=op.f("ck_gatherings_seats_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gatherings")),
        sa.UniqueConstraint("slug", name=op.f("uq_gatherings_slug")),
    )
    op.create_table(
        "organisers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisers")),
        sa.UniqueConstraint("email", name=op.f("uq_organisers_email")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_sign_ins_email_asked_at", ["email", "asked_at"], unique=False)

    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("delimiter", sa.String(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("read_at", Moment(), nullable=False),
        sa.Column("read_by", sa.Uuid(), nullable=False),
        sa.Column("applied_at", Moment(), nullable=True),
        sa.Column("invited", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_imports_gathering_id_gatherings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_imports_gathering_id"), ["gathering_id"], unique=False)

    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("given", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("territory", sa.String(), nullable=False),
        sa.Column("trade", sa.String(), nullable=False),
        sa.Column("structure", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_at", Moment(), nullable=False),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_invitations_gathering_id_gatherings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint(
            "gathering_id", "email", "name_key", name=op.f("uq_invitations_gathering_id_email_name_key")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_table(
        "participants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("given", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("territory", sa.String(), nullable=False),
        sa.Column("trade", sa.String(), nullable=False),
        sa.Column("structure", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("search", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("walk_in", sa.Boolean(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("wishes", sa.JSON(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("deadline_at", Moment(), nullable=True),
        sa.Column("registered_at", Moment(), nullable=True),
        sa.Column("cancelled_at", Moment(), nullable=True),
        sa.Column("cancelled_from", sa.String(), nullable=True),
        sa.Column("checked_in_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state <> 'waiting' or line is not null", name=op.f("ck_participants_waiting_in_line")
        ),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_participants_gathering_id_gatherings")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participants")),
        sa.UniqueConstraint(
            "gathering_id", "email", "name_key", name=op.f("uq_participants_gathering_id_email_name_key")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_participants_token_hash")),
    )
    with op.batch_alter_table("participants", schema=None) as batch_op:
        batch_op.create_index(
            "ix_participants_deadline_at",
            ["deadline_at"],
            unique=False,
            sqlite_where=sa.text("deadline_at is not null"),
            postgresql_where=sa.text("deadline_at is not null"),
        )
        batch_op.create_index("ix_participants_seats", ["gathering_id", "state", "territory"], unique=False)

    op.create_table(
        "stories",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("consents", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_at", Moment(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_stories_gathering_id_gatherings")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.id"], name=op.f("fk_stories_participant_id_participants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stories")),
    )
    with op.batch_alter_table("stories", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stories_gathering_id"), ["gathering_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_stories_participant_id"), ["participant_id"], unique=False)

    op.create_table(
        "topics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gathering_id", sa.Uuid(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_at", Moment(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["gathering_id"], ["gatherings.id"], name=op.f("fk_topics_gathering_id_gatherings")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["participants.id"], name=op.f("fk_topics_participant_id_participants")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_topics")),
        sa.UniqueConstraint("gathering_id", "number", name=op.f("uq_topics_gathering_id_number")),
    )
    with op.batch_alter_table("topics", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_topics_gathering_id"), ["gathering_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_topics_participant_id"), ["participant_id"], unique=False)


def downgrade() -> None:
    for table in (
        "topics", "stories", "participants", "invitations", "imports", "sign_ins", "organisers", "gatherings", "deeds",
    ):  # fmt: skip
        op.drop_table(table)
