"""The rows of grouping: its own memory of who comes and what they bring, and every plan it made."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from services.chassis.db import TYPES, own_tables


class Base(DeclarativeBase):
    metadata = own_tables()
    type_annotation_map = TYPES


class Gathering(Base):
    """A gathering as registration last described it; `version` rises with each description."""

    __tablename__ = "gatherings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    place: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="fr")
    state: Mapped[str] = mapped_column(default="open")
    territories: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    trades: Mapped[list[str]] = mapped_column(JSON, default=list)
    angles: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


EXPECTED = ("registered", "present")


class Member(Base):
    """A participant as grouping knows them: no address, no link, only what groups are mixed by.

    `state` is registered, present, absent or cancelled; those EXPECTED need a seat.
    """

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("state in ('registered', 'present', 'absent', 'cancelled')", name="state_is_known"),
    )

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    given: Mapped[str]
    family: Mapped[str]
    territory: Mapped[str] = mapped_column(default="")
    trade: Mapped[str] = mapped_column(default="")
    structure: Mapped[str] = mapped_column(default="")
    walk_in: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(default="registered")

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()

    @property
    def is_expected(self) -> bool:
        return self.state in EXPECTED


class Story(Base):
    __tablename__ = "stories"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    participant_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(default="")
    is_accepted: Mapped[bool] = mapped_column(default=True)


class Topic(Base):
    """A project or difficulty and who carries it; the carrier may be heard of later than the topic."""

    __tablename__ = "topics"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    participant_id: Mapped[UUID]
    question: Mapped[str] = mapped_column(default="")
    number: Mapped[int] = mapped_column(default=0)
    is_accepted: Mapped[bool] = mapped_column(default=True)


class Wish(Base):
    """The topics one person would like to work on, the dearest first, three at most."""

    __tablename__ = "wishes"

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    topic_ids: Mapped[list[str]] = mapped_column(JSON, default=list)


class Link(Base):
    """A private rule between two people: together or apart. It is never shown outside the organisers' pages."""

    __tablename__ = "links"
    __table_args__ = (
        CheckConstraint("kind in ('together', 'apart')", name="kind_is_known"),
        CheckConstraint("one_id <> other_id", name="two_people"),
        UniqueConstraint("one_id", "other_id", name="uq_links_one_rule_a_pair"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    one_id: Mapped[UUID]
    other_id: Mapped[UUID]
    made_by: Mapped[UUID | None]
    made_at: Mapped[datetime]


class Round(Base):
    """One grouping of everyone, `number` counting from 1 in its gathering; kind is angles or topics."""

    __tablename__ = "rounds"
    __table_args__ = (
        UniqueConstraint("gathering_id", "number"),
        CheckConstraint("kind in ('angles', 'topics')", name="kind_is_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    number: Mapped[int]
    kind: Mapped[str]
    name: Mapped[str]
    made_at: Mapped[datetime]
    made_by: Mapped[UUID | None]
    groups: Mapped[list[Group]] = relationship(order_by="Group.number")


class Group(Base):
    """One circle or table of a round; its number stays the same in every plan."""

    __tablename__ = "groups"
    __table_args__ = (UniqueConstraint("round_id", "number"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"))
    number: Mapped[int]
    name: Mapped[str]
    question: Mapped[str | None]
    topic_id: Mapped[UUID | None]
    carrier_id: Mapped[UUID | None]


class Ask(Base):
    """An organiser's wish for a plan, worked out in the background.

    `kind` is form or rebalance; `state` is asked, ready, refused or dropped. `problem` says why it was refused.
    While it is worked out, `share` (0 to 1) of the time is gone and the best so far costs `cost`: what the engine
    minimises, or people moved.
    """

    __tablename__ = "asks"
    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        CheckConstraint("state in ('asked', 'ready', 'refused', 'dropped')", name="state_is_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"), index=True)
    number: Mapped[int]
    kind: Mapped[str]
    policy: Mapped[str] = mapped_column(default="sizes")
    state: Mapped[str] = mapped_column(default="asked")
    asked_at: Mapped[datetime]
    asked_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    share: Mapped[float] = mapped_column(default=0.0)
    cost: Mapped[int | None]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    @property
    def is_waiting(self) -> bool:
        return self.state == "asked"


class Plan(Base):
    """A seat for everyone in one round; `number` counts all plans of the round, `version` the published ones.

    `state` is draft (on the board), proposal (a re-balance to look at), published (the one in force), past
    (published once), or dropped. `figures` are what the engine said.
    """

    __tablename__ = "plans"
    __table_args__ = (
        UniqueConstraint("round_id", "number"),
        UniqueConstraint("round_id", "version"),
        CheckConstraint(
            "state in ('draft', 'proposal', 'published', 'past', 'dropped')", name="state_is_known"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"), index=True)
    number: Mapped[int]
    version: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="draft")
    figures: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    made_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    based_on: Mapped[UUID | None]
    placements: Mapped[list[Placement]] = relationship(cascade="all, delete-orphan")


class Proof(Base):
    """How good a plan can be at all. `question` is kept until it is answered, `found` is None until then."""

    __tablename__ = "proofs"

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    question: Mapped[dict[str, Any]] = mapped_column(JSON)
    claimed_until: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    found: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Placement(Base):
    """One person's group in one plan, and the role they have in it: `duty` is one of roles.ROLES, or empty."""

    __tablename__ = "placements"
    __table_args__ = (
        Index(
            "uq_placements_one_person_a_duty",
            "plan_id",
            "group_id",
            "duty",
            unique=True,
            sqlite_where=text("duty <> ''"),
            postgresql_where=text("duty <> ''"),
        ),
    )

    plan_id: Mapped[UUID] = mapped_column(ForeignKey("plans.id"), primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"), index=True)
    duty: Mapped[str] = mapped_column(default="", server_default="")


class Lock(Base):
    """A person the organiser wants to stay in a group of a round, whatever is worked out later."""

    __tablename__ = "locks"

    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"), primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"))


class Announcement(Base):
    """What one person was last told of a round, so that they hear only of changes."""

    __tablename__ = "announcements"

    round_id: Mapped[UUID] = mapped_column(ForeignKey("rounds.id"), primary_key=True)
    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    group_number: Mapped[int]
    role: Mapped[str]
    duty: Mapped[str] = mapped_column(default="", server_default="")
    version: Mapped[int]


class Synthesis(Base):
    """What one circle wrote: its modalities of action, in order."""

    __tablename__ = "syntheses"

    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id"), primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    angle: Mapped[str]
    modalities: Mapped[list[str]] = mapped_column(JSON, default=list)
    written_at: Mapped[datetime]
    written_by: Mapped[UUID | None]
