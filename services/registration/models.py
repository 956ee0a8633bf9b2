"""The rows of registration."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.db import TYPES, own_tables


class Base(DeclarativeBase):
    metadata = own_tables()
    type_annotation_map = TYPES


class State(StrEnum):
    """Where a participant stands."""

    pending_email = "pending_email"
    registered = "registered"
    waiting = "waiting"
    offered = "offered"
    declined = "declined"
    expired = "expired"
    cancelled = "cancelled"
    transferred = "transferred"
    present = "present"
    no_show = "no_show"
    merged = "merged"
    erased = "erased"


# The states in which a person holds one of the gathering's seats (walk-ins bring their own chair).
HOLDING = (State.pending_email, State.registered, State.offered, State.present)


class Organiser(Base):
    """Someone who may sign in; what they may do is written in `roles`."""

    __tablename__ = "organisers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class SignIn(Base):
    """A door opened once by one link or code; only hashes of both are kept."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_email_asked_at", "email", "asked_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    tries: Mapped[int] = mapped_column(default=0)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Passkey(Base):
    """A key that stays in an organiser's device; here is what proves it.

    `credential` and `public_key` are in urlsafe base64. `uses` is the key's own count, 0 when it counts nothing;
    `is_synced` says that its owner's other devices have it too.
    """

    __tablename__ = "passkeys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organiser_id: Mapped[UUID] = mapped_column(ForeignKey("organisers.id"), index=True)
    credential: Mapped[str] = mapped_column(unique=True)
    public_key: Mapped[str]
    uses: Mapped[int] = mapped_column(BigInteger, default=0)
    is_synced: Mapped[bool] = mapped_column(default=False)
    name: Mapped[str]
    added_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Identity(Base):
    """An organiser's account at an OpenID provider, which names them by `issuer` and `subject` for ever.

    `provider` is what people call it, `email` what it said of them when the account was bound ("" for nothing).
    """

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organiser_id: Mapped[UUID] = mapped_column(ForeignKey("organisers.id"), index=True)
    issuer: Mapped[str]
    subject: Mapped[str]
    provider: Mapped[str]
    email: Mapped[str] = mapped_column(default="")
    added_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Challenge(Base):
    """What a browser was asked to sign with a passkey, once and soon; `organiser_id` is who adds one, if it is that."""

    __tablename__ = "challenges"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    organiser_id: Mapped[UUID | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Gathering(Base):
    """A day people come to; `seats` counts people, and 0 means it is full before it opens.

    `territories` is a list of {letter, name, quota}, where a quota of null sets no limit; `angles` a list of
    {number, name}; `questions` is what is asked beside (see asking/questions.py). `version` rises with each change,
    so that two organisers never overwrite one another; `lines` is the last number given in the waiting line,
    `moved_at` when the day was last put off or brought forward. `keep_days` after its end everybody is forgotten;
    with null nobody is but who asks for it.
    """

    __tablename__ = "gatherings"
    __table_args__ = (
        CheckConstraint("seats >= 0", name="seats_not_negative"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("state in ('draft', 'open', 'closed', 'cancelled')", name="state_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    slug: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="draft")
    title: Mapped[str]
    purpose: Mapped[str] = mapped_column(Text, default="")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    place: Mapped[str]
    language: Mapped[str] = mapped_column(default="fr")
    writing: Mapped[str] = mapped_column(default="epicene")
    seats: Mapped[int]
    organiser_name: Mapped[str] = mapped_column(default="")
    reply_to: Mapped[str] = mapped_column(default="")
    territories: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    trades: Mapped[list[str]] = mapped_column(JSON, default=list)
    angles: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    hold_h: Mapped[int] = mapped_column(default=48)
    offer_h: Mapped[int] = mapped_column(default=48)
    offers_stop_h: Mapped[int] = mapped_column(default=24)
    keep_days: Mapped[int | None]
    lines: Mapped[int] = mapped_column(default=0)
    moved_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Invitation(Base):
    """One person asked to come. Two people of one address have two invitations."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("gathering_id", "email", "name_key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"))
    email: Mapped[str]
    name_key: Mapped[str]
    given: Mapped[str]
    family: Mapped[str]
    territory: Mapped[str] = mapped_column(default="")
    trade: Mapped[str] = mapped_column(default="")
    structure: Mapped[str] = mapped_column(default="")
    language: Mapped[str]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class Import(Base):
    """A list someone wants to invite; `rows` is what was understood of each line.

    It is applied from `begun_at` to `applied_at`; `done` counts the lines that were gone through.
    """

    __tablename__ = "imports"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), index=True)
    file_name: Mapped[str]
    encoding: Mapped[str]
    delimiter: Mapped[str]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    read_at: Mapped[datetime]
    read_by: Mapped[UUID]
    begun_at: Mapped[datetime | None]
    begun_by: Mapped[UUID | None]
    fix_typos: Mapped[bool] = mapped_column(default=True)
    done: Mapped[int] = mapped_column(default=0)
    applied_at: Mapped[datetime | None]
    invited: Mapped[int | None]


class Participant(Base):
    """One person at one gathering.

    `line` is their last number in the waiting line, `deadline_at` when a hold lapses, `handed_to` who has the seat
    they handed over, and `still_comes_at` when they said so after the day had been moved. `answers` maps a
    question's key to {said, version}: what was answered, and which version of the question it answers. `merged_into` is
    who this row was found to be, and `merged` what is needed to part the two again (see merges.py).
    """

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("gathering_id", "email", "name_key"),
        Index("ix_participants_seats", "gathering_id", "state", "territory"),
        Index(
            "ix_participants_deadline_at",
            "deadline_at",
            sqlite_where=text("deadline_at is not null"),
            postgresql_where=text("deadline_at is not null"),
        ),
        CheckConstraint("state <> 'waiting' or line is not null", name="waiting_in_line"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"))
    invitation_id: Mapped[UUID | None]
    state: Mapped[str]
    given: Mapped[str]
    family: Mapped[str]
    email: Mapped[str]
    name_key: Mapped[str]
    territory: Mapped[str]
    trade: Mapped[str]
    structure: Mapped[str]
    language: Mapped[str]
    search: Mapped[str]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    walk_in: Mapped[bool] = mapped_column(default=False)
    line: Mapped[int | None]
    tries: Mapped[int] = mapped_column(default=0)
    wishes: Mapped[list[str]] = mapped_column(JSON, default=list)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    asked_at: Mapped[datetime]
    deadline_at: Mapped[datetime | None]
    registered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancelled_from: Mapped[str | None]
    handed_to: Mapped[UUID | None]
    still_comes_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    merged_into: Mapped[UUID | None] = mapped_column(index=True)
    merged_at: Mapped[datetime | None]
    merged: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Story(Base):
    """A lived account; `participant_id` is who tells it."""

    __tablename__ = "stories"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), index=True)
    participant_id: Mapped[UUID] = mapped_column(ForeignKey("participants.id"), index=True)
    title: Mapped[str]
    consents: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(default="proposed")
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Topic(Base):
    """A project or difficulty worded as a question; `participant_id` is who carries it.

    `plan` is what they will try after the day, in their own words: for them alone, sent to them once, later.
    """

    __tablename__ = "topics"
    __table_args__ = (UniqueConstraint("gathering_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), index=True)
    participant_id: Mapped[UUID] = mapped_column(ForeignKey("participants.id"), index=True)
    question: Mapped[str]
    plan: Mapped[str] = mapped_column(Text, default="", server_default="")
    number: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="proposed")
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class Erasure(Base):
    """Somebody wanted to be forgotten; `asked_by` is the organiser who asked for them, or None.

    From `blotted_at` on, nothing that was told of them names them either.
    """

    __tablename__ = "erasures"

    participant_id: Mapped[UUID] = mapped_column(ForeignKey("participants.id"), primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), index=True)
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID | None]
    blotted_at: Mapped[datetime | None]


class Confirmation(Base):
    """A service has forgotten somebody; `gone` counts what went there."""

    __tablename__ = "confirmations"

    participant_id: Mapped[UUID] = mapped_column(ForeignKey("erasures.participant_id"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    gone: Mapped[dict[str, int]] = mapped_column(JSON)
    confirmed_at: Mapped[datetime]


class Disclosure(Base):
    """What one service holds about a person, as it told them; kept for a week."""

    __tablename__ = "disclosures"

    participant_id: Mapped[UUID] = mapped_column(ForeignKey("participants.id"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    holdings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    told_at: Mapped[datetime] = mapped_column(index=True)


class Deed(Base):
    """One line of the audit log: who did what to which row, and when."""

    __tablename__ = "deeds"
    __table_args__ = (Index("ix_deeds_about_at", "about", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID | None]
    about: Mapped[UUID]
    deed: Mapped[str]
    by: Mapped[UUID | None]
    at: Mapped[datetime]
