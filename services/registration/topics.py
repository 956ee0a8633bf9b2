"""Topics: projects and difficulties worded as questions, each carried by one participant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen, NotFound
from services.chassis.outbox import publish
from services.registration import telling, waiting_list
from services.registration.events import PlanKept, TopicAccepted, TopicWithdrawn, WishesRanked
from services.registration.models import Participant, Topic
from services.registration.stories import check_not_too_many, coming

WISHES = 3


def propose(
    session: Session, participant_id: UUID, *, question: str, by: UUID | None = None, now: datetime
) -> Topic:
    """Bring a topic, worded as a question; an organiser decides.

    Raises NotFound, NotComing, EnoughProposed, Misshapen (not a question).
    """
    participant = coming(session, participant_id)
    check_not_too_many(session, Topic, participant_id)
    _check_question(question)
    topic = Topic(
        gathering_id=participant.gathering_id,
        participant_id=participant_id,
        question=question,
        state="proposed",
        proposed_at=now,
    )
    session.add(topic)
    session.flush()
    telling.note(session, "topic proposed", topic.id, gathering_id=topic.gathering_id, by=by, now=now)
    return topic


def accept(
    session: Session,
    gathering_id: UUID,
    topic_id: UUID,
    *,
    question: str | None = None,
    by: UUID,
    now: datetime,
) -> Topic:
    """Make a topic part of the day under the next free number, reworded when `question` is given.

    Accepting twice is as good as once. Raises NotFound, NotComing, Misshapen (not a question).
    """
    waiting_list.lock(session, gathering_id)
    topic = find(session, gathering_id, topic_id)
    if topic.state == "accepted":
        return topic
    coming(session, topic.participant_id)
    if question:
        _check_question(question)
        topic.question = question
    if topic.number is None:
        last = session.scalar(select(func.max(Topic.number)).where(Topic.gathering_id == gathering_id))
        topic.number = (last or 0) + 1
    topic.state, topic.decided_at = "accepted", now
    publish(session, TopicAccepted, about=told(topic), now=now)
    telling.note(session, "topic accepted", topic.id, gathering_id=gathering_id, by=by, now=now)
    return topic


def decline(session: Session, gathering_id: UUID, topic_id: UUID, *, by: UUID, now: datetime) -> Topic:
    """Leave a topic out of the day, also one that had been accepted. Raises NotFound."""
    topic = find(session, gathering_id, topic_id)
    _leave(session, topic, "declined", by=by, now=now)
    return topic


def withdraw_all(session: Session, participant_id: UUID, *, now: datetime) -> None:
    """Take every topic of someone who will not come out of the day."""
    brought = select(Topic).where(Topic.participant_id == participant_id).with_for_update()
    for topic in session.scalars(brought).all():
        _leave(session, topic, "withdrawn", by=None, now=now)


def accepted(session: Session, gathering_id: UUID) -> Sequence[Topic]:
    """The topics people may choose from, by number."""
    return session.scalars(
        select(Topic)
        .where(Topic.gathering_id == gathering_id, Topic.state == "accepted")
        .order_by(Topic.number)
    ).all()


def rank(session: Session, participant_id: UUID, *, topic_ids: Sequence[UUID], now: datetime) -> Participant:
    """Remember which topics someone would like to work on, the dearest first, three at most.

    An empty list means no preference. Raises NotFound, NotComing, Misshapen (unknown, repeated or too many).
    """
    participant = coming(session, participant_id)
    known = {topic.id for topic in accepted(session, participant.gathering_id)}
    if len(topic_ids) > WISHES or len(set(topic_ids)) != len(topic_ids) or not known.issuperset(topic_ids):
        raise Misshapen({"topic_ids": ["Choose up to three different topics of the list."]})
    wishes = [str(topic_id) for topic_id in topic_ids]
    if wishes == participant.wishes:
        return participant
    participant.wishes = wishes
    about = {
        "participant_id": participant.id,
        "gathering_id": participant.gathering_id,
        "topic_ids": list(topic_ids),
    }
    publish(session, WishesRanked, about=about, now=now)
    gathering_id = participant.gathering_id
    telling.note(session, "wishes ranked", participant.id, gathering_id=gathering_id, by=None, now=now)
    return participant


def keep_plan(session: Session, participant_id: UUID, *, topic_id: UUID, plan: str, now: datetime) -> Topic:
    """Keep what a carrier will try, for them alone: it is sent to them once, weeks after the day. Empty: nothing is.

    Raises NotFound when they do not carry this topic.
    """
    topic = session.get(Topic, topic_id, with_for_update=True)
    if topic is None or topic.participant_id != participant_id or topic.state != "accepted":
        raise NotFound("There is no such topic.")
    if plan == topic.plan:
        return topic
    topic.plan = plan
    about = {
        "topic_id": topic.id,
        "gathering_id": topic.gathering_id,
        "participant_id": participant_id,
        "plan": plan,
    }
    publish(session, PlanKept, about=about, now=now)
    telling.note(session, "plan kept", topic.id, gathering_id=topic.gathering_id, by=None, now=now)
    return topic


def find(session: Session, gathering_id: UUID, topic_id: UUID) -> Topic:
    """A topic of this gathering, locked. Raises NotFound."""
    topic = session.get(Topic, topic_id, with_for_update=True)
    if topic is None or topic.gathering_id != gathering_id:
        raise NotFound("There is no such topic.")
    return topic


def _check_question(question: str) -> None:
    if not question.rstrip("»\u00a0\u202f ").endswith("?"):
        raise Misshapen({"question": ["Word it as a question that ends with “?”: “How can we…?”"]})


def _leave(session: Session, topic: Topic, state: str, *, by: UUID | None, now: datetime) -> None:
    if topic.state in ("declined", "withdrawn"):
        return
    was_accepted = topic.state == "accepted"
    topic.state, topic.decided_at = state, now
    if was_accepted:
        publish(session, TopicWithdrawn, about={**told(topic), "reason": state}, now=now)
    telling.note(session, f"topic {state}", topic.id, gathering_id=topic.gathering_id, by=by, now=now)


def told(topic: Topic) -> dict[str, Any]:
    """Everything a fact about a topic says."""
    return {
        "topic_id": topic.id,
        "gathering_id": topic.gathering_id,
        "participant_id": topic.participant_id,
        "question": topic.question,
        "number": topic.number,
    }
