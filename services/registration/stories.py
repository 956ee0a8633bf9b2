"""Lived stories: proposed by who tells them, chosen by the organisers."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.registration import telling
from services.registration.events import StoryAccepted, StoryWithdrawn
from services.registration.models import Participant, State, Story

ENOUGH = 5


class NotComing(Refused):
    code = "not-coming"


class EnoughProposed(Refused):
    code = "enough-proposed"


def propose(
    session: Session, participant_id: UUID, *, title: str, consents: bool, by: UUID | None = None, now: datetime
) -> Story:
    """Offer to tell a story; an organiser decides. Raises NotFound, NotComing, EnoughProposed."""
    participant = coming(session, participant_id)
    check_not_too_many(session, Story, participant_id)
    story = Story(
        gathering_id=participant.gathering_id,
        participant_id=participant_id,
        title=title,
        consents=consents,
        state="proposed",
        proposed_at=now,
    )
    session.add(story)
    session.flush()
    telling.note(session, "story proposed", story.id, gathering_id=story.gathering_id, by=by, now=now)
    return story


def accept(session: Session, gathering_id: UUID, story_id: UUID, *, by: UUID, now: datetime) -> Story:
    """Make a story part of the day. Accepting twice is as good as once. Raises NotFound, NotComing."""
    story = find(session, gathering_id, story_id)
    if story.state == "accepted":
        return story
    coming(session, story.participant_id)
    story.state, story.decided_at = "accepted", now
    publish(session, StoryAccepted, about=told(story), now=now)
    telling.note(session, "story accepted", story.id, gathering_id=gathering_id, by=by, now=now)
    return story


def decline(session: Session, gathering_id: UUID, story_id: UUID, *, by: UUID, now: datetime) -> Story:
    """Leave a story out of the day, also one that had been accepted. Raises NotFound."""
    story = find(session, gathering_id, story_id)
    _leave(session, story, "declined", by=by, now=now)
    return story


def withdraw_all(session: Session, participant_id: UUID, *, now: datetime) -> None:
    """Take every story of someone who will not come out of the day."""
    brought = select(Story).where(Story.participant_id == participant_id).with_for_update()
    for story in session.scalars(brought).all():
        _leave(session, story, "withdrawn", by=None, now=now)


def find(session: Session, gathering_id: UUID, story_id: UUID) -> Story:
    """A story of this gathering, locked. Raises NotFound."""
    story = session.get(Story, story_id, with_for_update=True)
    if story is None or story.gathering_id != gathering_id:
        raise NotFound("There is no such story.")
    return story


def coming(session: Session, participant_id: UUID) -> Participant:
    """A participant who holds a seat of their own. Raises NotFound, NotComing."""
    participant = session.get(Participant, participant_id)
    if participant is None:
        raise NotFound("There is no such place.")
    if participant.state not in (State.registered, State.present):
        raise NotComing("This is for people who hold a seat.")
    return participant


def check_not_too_many(session: Session, kind: type[Any], participant_id: UUID) -> None:
    """Raise EnoughProposed when someone has proposed as many as we can read."""
    proposed = session.scalars(select(kind.id).where(kind.participant_id == participant_id)).all()
    if len(proposed) >= ENOUGH:
        raise EnoughProposed("You have proposed enough for one day. Thank you!")


def _leave(session: Session, story: Story, state: str, *, by: UUID | None, now: datetime) -> None:
    if story.state in ("declined", "withdrawn"):
        return
    was_accepted = story.state == "accepted"
    story.state, story.decided_at = state, now
    if was_accepted:
        publish(session, StoryWithdrawn, about={**told(story), "reason": state}, now=now)
    telling.note(session, f"story {state}", story.id, gathering_id=story.gathering_id, by=by, now=now)


def told(story: Story) -> dict[str, Any]:
    """Everything a fact about a story says."""
    return {
        "story_id": story.id,
        "gathering_id": story.gathering_id,
        "participant_id": story.participant_id,
        "title": story.title,
    }
