"""The rows of notifications: whom we know, what we wrote to them, and each attempt to deliver it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Text, false
from sqlalchemy import text as sql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.chassis.db import TYPES, own_tables
from services.notifications.hours import NIGHT

STATES = (
    *("draft", "queued", "claimed", "handed", "sent", "deferred"),
    *("unknown", "failed", "discarded", "bounced", "suppressed"),
)
STANDINGS = ("asked", "registered", "waiting", "offered", "cancelled")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


class Base(DeclarativeBase):
    metadata = own_tables()
    type_annotation_map = TYPES


class Gathering(Base):
    """A gathering as its letters speak of it: what was last heard, `version` being registration's own count.

    At `kept_until` everybody is forgotten; None when no time is set.
    """

    __tablename__ = "gatherings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    slug: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    purpose: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    place: Mapped[str]
    language: Mapped[str]
    writing: Mapped[str]
    organiser_name: Mapped[str]
    reply_to: Mapped[str]
    territories: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str]
    public_url: Mapped[str]
    kept_until: Mapped[datetime | None]
    night_from: Mapped[str] = mapped_column(default=NIGHT[0], server_default=NIGHT[0])
    night_to: Mapped[str] = mapped_column(default=NIGHT[1], server_default=NIGHT[1])

    @property
    def night(self) -> tuple[str, str]:
        """When nobody is written to but who asked for it, by the clock of its zone."""
        return self.night_from, self.night_to


class Invitee(Base):
    """Someone who was asked to come; `answered_at` is when they said anything, wherever they said it."""

    __tablename__ = "invitees"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    email: Mapped[str]
    given: Mapped[str]
    family: Mapped[str]
    language: Mapped[str]
    link: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[datetime | None]


class Wording(Base):
    """An organiser's words for one kind of letter in one language; placeholders stand in braces."""

    __tablename__ = "wordings"

    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[UUID]
    changed_at: Mapped[datetime]


class Reminder(Base):
    """One line of a gathering's schedule, due at `due_at`; `upto` is the last person it was written to."""

    __tablename__ = "reminders"
    __table_args__ = (Index("ix_reminders_due", "is_on", "done_at", "due_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), index=True)
    kind: Mapped[str]
    days: Mapped[int]
    at: Mapped[str]
    is_on: Mapped[bool]
    due_at: Mapped[datetime]
    upto: Mapped[UUID | None]
    done_at: Mapped[datetime | None]


class Digest(Base):
    """When the organisers of a gathering are written to next, and up to when they know what went wrong."""

    __tablename__ = "digests"

    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)
    told_upto: Mapped[datetime | None]


class DigestSilence(Base):
    """An organiser who does not want the digest of this gathering."""

    __tablename__ = "digest_silences"

    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("gatherings.id"), primary_key=True)
    organiser_id: Mapped[UUID] = mapped_column(primary_key=True)


class Person(Base):
    """A participant as their letters need them; `calendar` counts the calendar messages they were sent."""

    __tablename__ = "people"
    __table_args__ = (CheckConstraint(_one_of("standing", STANDINGS), name="standing_known"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    email: Mapped[str]
    given: Mapped[str]
    family: Mapped[str]
    language: Mapped[str]
    link: Mapped[str] = mapped_column(Text)
    standing: Mapped[str]
    registered_at: Mapped[datetime | None]
    calendar: Mapped[int] = mapped_column(default=0)


class Placement(Base):
    """The place a person was last told of in one round, so that the same place is never told twice."""

    __tablename__ = "placements"

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(primary_key=True)
    placement_id: Mapped[UUID | None] = mapped_column(index=True)
    version: Mapped[int]
    group_number: Mapped[int]
    role: Mapped[str]


class Plan(Base):
    """What the carrier of a topic will try, in their own words, to be sent to them once; empty when they want none."""

    __tablename__ = "plans"

    topic_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    participant_id: Mapped[UUID] = mapped_column(index=True)
    plan: Mapped[str] = mapped_column(Text)


class Duty(Base):
    """What somebody is asked to do for their group in one round, as last heard; `duty` is empty for nothing.

    `told` is what they have a letter about, as duty.group, `letters` how many they have had; at `look_at` the two are
    compared.
    """

    __tablename__ = "duties"

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    round_kind: Mapped[str]
    group_number: Mapped[int]
    group_name: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    duty: Mapped[str]
    told: Mapped[str]
    letters: Mapped[int]
    look_at: Mapped[datetime | None] = mapped_column(index=True)


class EarlyFact(Base):
    """A fact heard before the gathering or the person it speaks of; it is acted on when they are known."""

    __tablename__ = "early_facts"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    event_id: Mapped[UUID] = mapped_column(unique=True)
    type: Mapped[str]
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    participant_id: Mapped[UUID | None]
    fact: Mapped[dict[str, Any]] = mapped_column(JSON)
    heard_at: Mapped[datetime]


class Letter(Base):
    """One letter to one person. `dedupe_key` says (gathering, person, kind, version): it is never written twice.

    `claimed_by` is the batch that may post it; from `handed` on the server may have taken it. `facts` is what a letter
    that later news may still join was made from. `number` counts the letters kept in the local mailbox, in the order in
    which they became readable.
    """

    __tablename__ = "letters"
    __table_args__ = (
        CheckConstraint(_one_of("state", STATES), name="state_known"),
        Index("ix_letters_due", "state", "next_at"),
        Index("ix_letters_gathering", "gathering_id", "state", "kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID | None]
    participant_id: Mapped[UUID | None] = mapped_column(index=True)
    kind: Mapped[str]
    version: Mapped[str]
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    sender_name: Mapped[str]
    reply_to: Mapped[str]
    language: Mapped[str]
    subject: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    ics: Mapped[str | None] = mapped_column(Text)
    ics_method: Mapped[str | None]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    is_solicitation: Mapped[bool]
    is_by_hand: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[str]
    claimed_by: Mapped[UUID | None] = mapped_column(index=True)
    claimed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(Text)
    trace: Mapped[str | None]
    created_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    number: Mapped[int | None] = mapped_column(unique=True)

    deliveries: Mapped[list[Delivery]] = relationship(back_populates="letter", order_by="Delivery.at")


class Delivery(Base):
    """One attempt to deliver a letter, and what the server said."""

    __tablename__ = "deliveries"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id"), index=True)
    at: Mapped[datetime]
    outcome: Mapped[str]
    server: Mapped[str] = mapped_column(default="", server_default="")
    reply: Mapped[str] = mapped_column(Text)

    letter: Mapped[Letter] = relationship(back_populates="deliveries")


class Farewell(Base):
    """Somebody who is forgotten but for the one letter that tells them so: `gone` counts what went before it.

    It is waited for until `gives_up_at`; then, or when it has left, it goes too.
    """

    __tablename__ = "farewells"

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID]
    letter_id: Mapped[UUID] = mapped_column(ForeignKey("letters.id"))
    gone: Mapped[dict[str, int]] = mapped_column(JSON)
    gives_up_at: Mapped[datetime] = mapped_column(index=True)


class Suppression(Base):
    """An address that nobody is to write to, from `since` until somebody took it off the list and said why."""

    __tablename__ = "suppressions"
    __table_args__ = (
        Index(
            "uq_suppressions_in_force",
            "email",
            unique=True,
            sqlite_where=sql("released_at IS NULL"),
            postgresql_where=sql("released_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    email: Mapped[str] = mapped_column(index=True)
    letter_id: Mapped[UUID | None]
    said: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None]
    released_why: Mapped[str] = mapped_column(Text, default="", server_default="")


class Refusal(Base):
    """Somebody asked for no more letters that solicit, of one gathering; `letter_id` is the one they answered."""

    __tablename__ = "refusals"

    gathering_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    letter_id: Mapped[UUID]
    since: Mapped[datetime]


class ReturnsBox(Base):
    """The mailbox that returned letters come to, looked into again at `next_at`; `trouble` says why it cannot be."""

    __tablename__ = "returns_boxes"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    trouble: Mapped[str] = mapped_column(Text, default="", server_default="")


class SenderDomain(Base):
    """What the DNS says of the domain that letters come from: `told` are records.Finding, as of `looked_at`."""

    __tablename__ = "sender_domains"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    looked_at: Mapped[datetime | None]
    told: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


class MailServer(Base):
    """A mail server as all posters share it: free again at `free_at`, left alone until `rests_until`.

    `failures` counts how often in a row it could not be reached. While `is_tried`, one poster finds out whether it is
    back and the rest is that poster's time to do so.
    """

    __tablename__ = "mail_servers"

    name: Mapped[str] = mapped_column(primary_key=True)
    free_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    failures: Mapped[int]
    is_tried: Mapped[bool]
    said: Mapped[str | None] = mapped_column(Text)
    said_at: Mapped[datetime | None]


class Shelf(Base):
    """How many letters the local mailbox holds; its row is locked while letters are numbered."""

    __tablename__ = "shelves"

    name: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]
