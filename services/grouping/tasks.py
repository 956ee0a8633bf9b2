"""What grouping does when it hears of something."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import fields
from sqlalchemy.orm import Session

from services.chassis import roles
from services.chassis.db import Database
from services.chassis.inbox import Heard, Inbox
from services.chassis.service import Sweep, Task
from services.grouping import (
    arrivals,
    disclosures,
    erasures,
    gatherings,
    members,
    plans,
    proving,
    questions,
    rounds,
)
from services.grouping.models import Gathering, Member, Story, Topic, Wish

# Most answers are there before anything is told of their progress.
TELL_S = 0.3

inbox = Inbox("grouping")
roles.hear(inbox)
inbox.mirror("registration", Gathering, by="id")
inbox.mirror("registration", Member, by="participant_id")
inbox.mirror("registration", Wish, by="participant_id")
inbox.mirror("registration", Story, by="id")
inbox.mirror("registration", Topic, by="id")


class Description(Heard):
    gathering_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    zone = fields.String(required=True)
    place = fields.String(load_default="", allow_none=True)
    language = fields.String(load_default="fr")
    state = fields.String(load_default="open")
    territories = fields.List(fields.Dict(), load_default=list)
    trades = fields.List(fields.String(), load_default=list)
    angles = fields.List(fields.Dict(), load_default=list)


class Newcomer(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    given = fields.String(load_default="", allow_none=True)
    family = fields.String(load_default="", allow_none=True)
    territory = fields.String(load_default="", allow_none=True)
    trade = fields.String(load_default="", allow_none=True)
    structure = fields.String(load_default="", allow_none=True)


class Registered(Newcomer):
    walk_in = fields.Boolean(load_default=False)


class Person(Heard):
    participant_id = fields.UUID(required=True)


class StoryTold(Heard):
    story_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    title = fields.String(load_default="")


class StoryGone(Heard):
    story_id = fields.UUID(required=True)


class TopicBrought(Heard):
    topic_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    participant_id = fields.UUID(required=True)
    question = fields.String(load_default="")
    number = fields.Integer(load_default=0, allow_none=True)


class TopicGone(Heard):
    topic_id = fields.UUID(required=True)


class Ranking(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    topic_ids = fields.List(fields.UUID(), load_default=list)


class Disclosing(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)


class Erased(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)


class Asked(Heard):
    ask_id = fields.UUID(required=True)


@inbox.on("registration.gathering_described.v1", reads=Description, replays=True)
def describe_gathering(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.describe(session, fact["gathering_id"], version=fact["version"], about=fact)


@inbox.on("registration.participant_registered.v1", reads=Registered, replays=True)
def expect_member(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.expect(session, fact["participant_id"], gathering_id=fact["gathering_id"], about=fact)


@inbox.on("registration.participant_restored.v1", reads=Newcomer, replays=True)
def expect_member_again(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.expect(session, fact["participant_id"], gathering_id=fact["gathering_id"], about=fact)


@inbox.on("registration.participant_changed.v1", reads=Newcomer, replays=True)
def change_member(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.change(session, fact["participant_id"], about=fact)


def recall_cancellation(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.note(session, fact["participant_id"], state="cancelled")


@inbox.on("registration.participant_cancelled.v1", reads=Person, replays=recall_cancellation)
def let_member_go(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.note(session, fact["participant_id"], state="cancelled")
    plans.hand_over(session, fact["participant_id"], now=now)


def recall_arrival(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.note(session, fact["participant_id"], state="present")


@inbox.on("registration.participant_checked_in.v1", reads=Person, replays=recall_arrival)
def note_arrival(session: Session, fact: dict[str, Any], now: datetime) -> None:
    arrivals.arrive(session, fact["participant_id"], now=now)


def recall_absence(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.note(session, fact["participant_id"], state="absent")


@inbox.on("registration.participant_absent.v1", reads=Person, replays=recall_absence)
def note_absence(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.note(session, fact["participant_id"], state="absent")
    plans.hand_over(session, fact["participant_id"], now=now)


@inbox.on("registration.disclosure_asked.v1", reads=Disclosing)
def tell_person(session: Session, fact: dict[str, Any], now: datetime) -> None:
    disclosures.tell(session, fact["participant_id"], fact["gathering_id"], now=now)


def recall_erasure(session: Session, fact: dict[str, Any], now: datetime) -> None:
    erasures.forget(session, fact["participant_id"], fact["gathering_id"])


@inbox.on("registration.participant_erased.v1", reads=Erased, replays=recall_erasure)
def forget_person(session: Session, fact: dict[str, Any], now: datetime) -> None:
    erasures.erase(session, fact["participant_id"], fact["gathering_id"], now=now)


@inbox.on("registration.story_accepted.v1", reads=StoryTold, replays=True)
def accept_story(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.accept_story(
        session,
        fact["story_id"],
        gathering_id=fact["gathering_id"],
        participant_id=fact["participant_id"],
        title=fact["title"],
    )


@inbox.on("registration.story_withdrawn.v1", reads=StoryGone, replays=True)
def withdraw_story(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.withdraw_story(session, fact["story_id"])


@inbox.on("registration.topic_accepted.v1", reads=TopicBrought, replays=True)
def accept_topic(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.accept_topic(
        session,
        fact["topic_id"],
        gathering_id=fact["gathering_id"],
        participant_id=fact["participant_id"],
        question=fact["question"],
        number=fact["number"] or 0,
    )


@inbox.on("registration.topic_withdrawn.v1", reads=TopicGone, replays=True)
def withdraw_topic(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.withdraw_topic(session, fact["topic_id"])


@inbox.on("registration.wishes_ranked.v1", reads=Ranking, replays=True)
def rank_wishes(session: Session, fact: dict[str, Any], now: datetime) -> None:
    members.rank(
        session, fact["participant_id"], gathering_id=fact["gathering_id"], topic_ids=fact["topic_ids"]
    )


def work_out(session: Session, fact: dict[str, Any], now: datetime) -> questions.Solved | None:
    """The long part, before the write transaction opens."""
    return questions.solve(session, fact["ask_id"], progress=_telling(session.info["database"], fact["ask_id"]))


def _telling(database: Database, ask_id: UUID) -> questions.Progress:
    """Writes down from time to time how far an ask is; the board shows it."""
    told_at = time.monotonic()

    def tell(share: float, cost: int) -> bool:
        nonlocal told_at
        if time.monotonic() - told_at < TELL_S:
            return True
        with database.transaction() as session:
            waits = rounds.tell_progress(session, ask_id, share=share, cost=cost)
        told_at = time.monotonic()
        return waits

    return tell


@inbox.on("grouping.plan_asked.v1", reads=Asked, prepare=work_out)
def keep_plan(session: Session, fact: dict[str, Any], now: datetime, solved: questions.Solved | None) -> None:
    plans.keep(session, fact["ask_id"], solved, now=now)


PROVE = Task("prove", "grouping.events", proving.begin)
FIND = Sweep("find_proofs", 5, proving.find, "prove")
