"""The rows of feedback: what it heard of the day, what was asked and answered, and the account."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from services.chassis.db import TYPES, own_tables


class Base(DeclarativeBase):
    metadata = own_tables()
    type_annotation_map = TYPES


class Gathering(Base):
    """A gathering as registration last described it."""

    __tablename__ = "gatherings"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    purpose: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    zone: Mapped[str]
    place: Mapped[str]
    language: Mapped[str]
    state: Mapped[str]
    public_url: Mapped[str]
    territories: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    trades: Mapped[list[str]] = mapped_column(JSON)
    version: Mapped[int]


class Attendance(Base):
    """One person, there or not. The contact is known only until the questionnaire has been addressed."""

    __tablename__ = "attendances"

    participant_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    present: Mapped[bool]
    addressed: Mapped[bool] = mapped_column(default=False)
    email: Mapped[str | None]
    given: Mapped[str | None]
    family: Mapped[str | None]
    language: Mapped[str | None]


class Name(Base):
    """A family name to look for before anything is published; it leads to nobody's row."""

    __tablename__ = "names"

    gathering_id: Mapped[UUID] = mapped_column(primary_key=True)
    family: Mapped[str] = mapped_column(primary_key=True)


class Story(Base):
    __tablename__ = "stories"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    title: Mapped[str]


class Topic(Base):
    __tablename__ = "topics"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    number: Mapped[int]
    question: Mapped[str]


class Plan(Base):
    """The last published plan of one round, as counts: no person is known here."""

    __tablename__ = "plans"

    round_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]
    people: Mapped[int]
    groups: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class Synthesis(Base):
    """What one circle or group drew from what it heard."""

    __tablename__ = "syntheses"

    group_id: Mapped[UUID] = mapped_column(primary_key=True)
    gathering_id: Mapped[UUID] = mapped_column(index=True)
    angle: Mapped[str]
    modalities: Mapped[list[str]] = mapped_column(JSON)
    written_at: Mapped[datetime]


class Questionnaire(Base):
    """One gathering's questions. Nothing of it is shown under `minimum` answers."""

    __tablename__ = "questionnaires"
    __table_args__ = (
        CheckConstraint("state in ('draft', 'open')", name="state_known"),
        CheckConstraint("minimum >= 3", name="minimum_protects"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(unique=True)
    title: Mapped[dict[str, str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(default="draft")
    minimum: Mapped[int] = mapped_column(default=5)
    opened_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]


class Question(Base):
    """One question; its words are kept in every language it is asked in."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("questionnaire_id", "position"),
        CheckConstraint("kind in ('single', 'multiple', 'scale', 'text')", name="kind_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id"))
    position: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    wording: Mapped[dict[str, str]] = mapped_column(JSON)
    help: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    choices: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    required: Mapped[bool]
    quotable: Mapped[bool]
    longest: Mapped[int] = mapped_column(default=2000)


# The three tables below must never be joined to one another by anything but their questionnaire: no key in
# common, no hour, and no row order either. Hence random keys, and on SQLite no rowid, which would tell in
# what order people answered. What PostgreSQL keeps of that order is wiped when answers are counted (see
# answers.py).


class Token(Base):
    """A link that was sent to one person, as a digest; `used` says that an answer came, not when, nor which."""

    __tablename__ = "tokens"
    __table_args__ = {"sqlite_with_rowid": False}

    digest: Mapped[str] = mapped_column(primary_key=True)
    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id"), index=True)
    used: Mapped[bool] = mapped_column(default=False)


class Answer(Base):
    """What one person answered, nobody knows who. Counted only with `minimum` others or more at a time."""

    __tablename__ = "answers"
    __table_args__ = {"sqlite_with_rowid": False}

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id"), index=True)
    answered_on: Mapped[date]
    given: Mapped[dict[str, Any]] = mapped_column(JSON)
    counted: Mapped[bool] = mapped_column(default=False)


class Quote(Base):
    """A sentence its author agreed to have published; only who holds the code can take it back."""

    __tablename__ = "quotes"
    __table_args__ = (
        CheckConstraint("withdrawn = (sentence is null)", name="withdrawn_is_forgotten"),
        {"sqlite_with_rowid": False},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    questionnaire_id: Mapped[UUID] = mapped_column(ForeignKey("questionnaires.id"), index=True)
    question_name: Mapped[str]
    sentence: Mapped[str | None]
    code_digest: Mapped[str] = mapped_column(unique=True)
    counted: Mapped[bool] = mapped_column(default=False)
    withdrawn: Mapped[bool] = mapped_column(default=False)


class Account(Base):
    """The story of the day: a draft that organisers edit, and `published`, a copy the world may read."""

    __tablename__ = "accounts"

    gathering_id: Mapped[UUID] = mapped_column(primary_key=True)
    title: Mapped[str]
    drafted_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    published: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Paragraph(Base):
    """A part of the account: lines, each with its evidence. A `words` paragraph holds the ids of quotes.

    `slot` tells which part of the draft it is when the draft is written anew.
    """

    __tablename__ = "paragraphs"
    __table_args__ = (
        CheckConstraint("kind in ('text', 'figures', 'angle', 'questions', 'words')", name="kind_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    gathering_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.gathering_id"), index=True)
    position: Mapped[int]
    kind: Mapped[str]
    slot: Mapped[str]
    heading: Mapped[str]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    edited: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
