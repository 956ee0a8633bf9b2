"""Stories and topics for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.doors import Doors
from services.chassis.shapes import PageQuery, page, page_of
from services.chassis.web import now, reading, transacted
from services.registration import participants, stories, topics
from services.registration.api.doors import may
from services.registration.models import Story, Topic
from services.registration.schemas.offers import StoryEntry, StoryView, TopicEntry, TopicView, TopicWording

api = Doors("stories", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.get("/<uuid:gathering_id>/stories")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, page_of(StoryView))
def stories_listed(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Stories, the undecided first."""
    may(session, gathering_id)
    return page([story for story, _ in participants.brought(session, Story, gathering_id)], **wanted)


@api.post("/<uuid:gathering_id>/stories")
@api.arguments(StoryEntry)
@transacted
@api.response(201, StoryView)
def bring_story(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Story:
    """Enter a story for a participant."""
    by = may(session, gathering_id)
    teller = participants.find(session, gathering_id, wanted["participant_id"])
    return stories.propose(
        session, teller.id, title=wanted["title"], consents=wanted["consents"], by=by, now=now()
    )


@api.post("/<uuid:gathering_id>/stories/<uuid:story_id>/accept")
@transacted
@api.response(200, StoryView)
def accept_story(session: Session, gathering_id: UUID, story_id: UUID) -> Story:
    """Make a story part of the day."""
    by = may(session, gathering_id)
    return stories.accept(session, gathering_id, story_id, by=by, now=now())


@api.post("/<uuid:gathering_id>/stories/<uuid:story_id>/decline")
@transacted
@api.response(200, StoryView)
def decline_story(session: Session, gathering_id: UUID, story_id: UUID) -> Story:
    """Leave a story out of the day."""
    by = may(session, gathering_id)
    return stories.decline(session, gathering_id, story_id, by=by, now=now())


@api.get("/<uuid:gathering_id>/topics")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, page_of(TopicView))
def topics_listed(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Topics, the undecided first."""
    may(session, gathering_id)
    return page([topic for topic, _ in participants.brought(session, Topic, gathering_id)], **wanted)


@api.post("/<uuid:gathering_id>/topics")
@api.arguments(TopicEntry)
@transacted
@api.response(201, TopicView)
def bring_topic(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Topic:
    """Enter a topic for a participant."""
    by = may(session, gathering_id)
    carrier = participants.find(session, gathering_id, wanted["participant_id"])
    return topics.propose(session, carrier.id, question=wanted["question"], by=by, now=now())


@api.post("/<uuid:gathering_id>/topics/<uuid:topic_id>/accept")
@api.arguments(TopicWording)
@transacted
@api.response(200, TopicView)
def accept_topic(session: Session, wanted: dict[str, Any], gathering_id: UUID, topic_id: UUID) -> Topic:
    """Make a topic part of the day under the next number, reworded if need be."""
    by = may(session, gathering_id)
    return topics.accept(session, gathering_id, topic_id, **wanted, by=by, now=now())


@api.post("/<uuid:gathering_id>/topics/<uuid:topic_id>/decline")
@transacted
@api.response(200, TopicView)
def decline_topic(session: Session, gathering_id: UUID, topic_id: UUID) -> Topic:
    """Leave a topic out of the day."""
    by = may(session, gathering_id)
    return topics.decline(session, gathering_id, topic_id, by=by, now=now())
