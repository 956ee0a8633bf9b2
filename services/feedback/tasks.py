"""What feedback does when it hears of something."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from services.chassis import roles
from services.chassis.inbox import Heard, Inbox
from services.feedback import attendances, disclosures, erasures, gatherings, questionnaires
from services.feedback.models import Attendance, Gathering, Plan, Story, Synthesis, Topic

inbox = Inbox("feedback")
roles.hear(inbox)
inbox.mirror("registration", Gathering, by="id", settle=questionnaires.prepare_all)
inbox.mirror(
    "registration", Attendance, by="participant_id", own=("addressed",), settle=attendances.forget_reached
)
inbox.mirror("registration", Story, by="id")
inbox.mirror("registration", Topic, by="id")
inbox.mirror("grouping", Plan, by="round_id")
inbox.mirror("grouping", Synthesis, by="group_id")


class Territory(Heard):
    letter = fields.String(required=True)
    name = fields.String(required=True)
    quota = fields.Integer(load_default=None, allow_none=True)


class Description(Heard):
    gathering_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    slug = fields.String(required=True)
    title = fields.String(required=True)
    purpose = fields.String(required=True)
    starts_at = fields.AwareDateTime(required=True)
    ends_at = fields.AwareDateTime(required=True)
    zone = fields.String(required=True)
    place = fields.String(required=True)
    language = fields.String(required=True)
    state = fields.String(required=True)
    territories = fields.List(fields.Nested(Territory), required=True)
    trades = fields.List(fields.String(), required=True)
    public_url = fields.String(required=True)


class Arrival(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    email = fields.String(load_default=None, allow_none=True)
    given = fields.String(load_default="")
    family = fields.String(load_default="")
    language = fields.String(load_default="fr")


class Absence(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)


class Disclosing(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)


class Erased(Heard):
    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    family = fields.String(load_default="")


class AcceptedStory(Heard):
    story_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    title = fields.String(required=True)


class WithdrawnStory(Heard):
    story_id = fields.UUID(required=True)


class AcceptedTopic(Heard):
    topic_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    question = fields.String(required=True)


class WithdrawnTopic(Heard):
    topic_id = fields.UUID(required=True)


class PublishedPlan(Heard):
    round_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    version = fields.Integer(required=True)
    people = fields.Integer(required=True)
    groups = fields.List(fields.Dict(), required=True)


class WrittenSynthesis(Heard):
    group_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    angle = fields.String(required=True)
    modalities = fields.List(fields.String(), required=True)
    written_at = fields.AwareDateTime(required=True)


def recall_gathering(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.describe(session, fact["gathering_id"], fact)


@inbox.on("registration.gathering_described.v1", reads=Description, replays=recall_gathering)
def describe_gathering(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.describe(session, fact["gathering_id"], fact)
    questionnaires.prepare(session, fact["gathering_id"])


def recall_arrival(session: Session, fact: dict[str, Any], now: datetime) -> None:
    attendances.remember(session, fact["participant_id"], fact["gathering_id"], **_contact(fact))


@inbox.on("registration.participant_checked_in.v1", reads=Arrival, replays=recall_arrival)
def note_arrival(session: Session, fact: dict[str, Any], now: datetime) -> None:
    attendances.arrive(session, fact["participant_id"], fact["gathering_id"], **_contact(fact))


def _contact(fact: dict[str, Any]) -> dict[str, Any]:
    return {name: fact[name] for name in ("email", "given", "family", "language")}


@inbox.on("registration.participant_absent.v1", reads=Absence, replays=True)
def note_absence(session: Session, fact: dict[str, Any], now: datetime) -> None:
    attendances.miss(session, fact["participant_id"], fact["gathering_id"])


@inbox.on("registration.disclosure_asked.v1", reads=Disclosing)
def tell_person(session: Session, fact: dict[str, Any], now: datetime) -> None:
    disclosures.tell(session, fact["participant_id"], fact["gathering_id"], now=now)


def recall_erasure(session: Session, fact: dict[str, Any], now: datetime) -> None:
    erasures.forget(session, fact["participant_id"], fact["gathering_id"], family=fact["family"])


@inbox.on("registration.participant_erased.v1", reads=Erased, replays=recall_erasure)
def forget_person(session: Session, fact: dict[str, Any], now: datetime) -> None:
    erasures.erase(session, fact["participant_id"], fact["gathering_id"], family=fact["family"], now=now)


@inbox.on("registration.story_accepted.v1", reads=AcceptedStory, replays=True)
def accept_story(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.accept_story(session, fact["story_id"], fact["gathering_id"], title=fact["title"])


@inbox.on("registration.story_withdrawn.v1", reads=WithdrawnStory, replays=True)
def withdraw_story(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.withdraw_story(session, fact["story_id"])


@inbox.on("registration.topic_accepted.v1", reads=AcceptedTopic, replays=True)
def accept_topic(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.accept_topic(
        session, fact["topic_id"], fact["gathering_id"], number=fact["number"], question=fact["question"]
    )


@inbox.on("registration.topic_withdrawn.v1", reads=WithdrawnTopic, replays=True)
def withdraw_topic(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.withdraw_topic(session, fact["topic_id"])


@inbox.on("grouping.plan_published.v1", reads=PublishedPlan, replays=True)
def remember_plan(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.remember_plan(session, fact["round_id"], fact["gathering_id"], fact)


@inbox.on("grouping.synthesis_written.v1", reads=WrittenSynthesis, replays=True)
def remember_synthesis(session: Session, fact: dict[str, Any], now: datetime) -> None:
    gatherings.remember_synthesis(
        session,
        fact["group_id"],
        fact["gathering_id"],
        angle=fact["angle"],
        modalities=fact["modalities"],
        written_at=fact["written_at"],
    )
