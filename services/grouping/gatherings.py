"""What grouping remembers of gatherings, their stories and their topics."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.grouping.models import Gathering, Story, Topic

_TOLD = (
    "slug",
    "title",
    "starts_at",
    "ends_at",
    "zone",
    "place",
    "language",
    "state",
    "territories",
    "trades",
    "angles",
)


class UnknownGathering(NotFound):
    code = "unknown-gathering"


def at(session: Session, slug: str) -> Gathering:
    """The gathering at this address. Raises UnknownGathering."""
    found = session.scalar(select(Gathering).where(Gathering.slug == slug))
    if found is None:
        raise UnknownGathering("There is no gathering at this address.")
    return found


def by_id(session: Session, gathering_id: UUID) -> Gathering:
    found = session.get(Gathering, gathering_id)
    if found is None:
        raise UnknownGathering("There is no such gathering.")
    return found


def describe(session: Session, gathering_id: UUID, *, version: int, about: dict[str, Any]) -> None:
    """Keep the newest description; an older one that comes late changes nothing."""
    gathering = session.get(Gathering, gathering_id)
    if gathering is None:
        gathering = Gathering(id=gathering_id, version=version)
        session.add(gathering)
    elif version < gathering.version:
        return
    gathering.version = version
    for name in _TOLD:
        if about.get(name) is not None:
            setattr(gathering, name, about[name])


def accept_story(
    session: Session, story_id: UUID, *, gathering_id: UUID, participant_id: UUID, title: str
) -> None:
    story = session.get(Story, story_id)
    if story is None:
        story = Story(id=story_id, gathering_id=gathering_id, participant_id=participant_id)
        session.add(story)
    story.participant_id, story.title, story.is_accepted = participant_id, title, True


def withdraw_story(session: Session, story_id: UUID) -> None:
    story = session.get(Story, story_id)
    if story is not None:
        story.is_accepted = False


def accept_topic(
    session: Session, topic_id: UUID, *, gathering_id: UUID, participant_id: UUID, question: str, number: int
) -> None:
    topic = session.get(Topic, topic_id)
    if topic is None:
        topic = Topic(id=topic_id, gathering_id=gathering_id, participant_id=participant_id)
        session.add(topic)
    topic.participant_id, topic.question, topic.number, topic.is_accepted = (
        participant_id,
        question,
        number,
        True,
    )


def withdraw_topic(session: Session, topic_id: UUID) -> None:
    topic = session.get(Topic, topic_id)
    if topic is not None:
        topic.is_accepted = False


def topics(session: Session, gathering_id: UUID) -> list[Topic]:
    """The accepted topics, in order of their numbers."""
    mine = (Topic.gathering_id == gathering_id) & Topic.is_accepted
    return list(session.scalars(select(Topic).where(mine).order_by(Topic.number, Topic.id)))


def tellers(session: Session, gathering_id: UUID) -> dict[UUID, str]:
    """Who tells a story, and its title."""
    mine = (Story.gathering_id == gathering_id) & Story.is_accepted
    return {story.participant_id: story.title for story in session.scalars(select(Story).where(mine))}


def territories(session: Session, gathering_id: UUID) -> dict[str, str]:
    """The names of the territories by letter; none while the gathering is not described yet."""
    gathering = session.get(Gathering, gathering_id)
    told = gathering.territories if gathering else []
    return {str(one.get("letter", "")): str(one.get("name", "")) for one in told}
