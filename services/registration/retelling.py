"""What the others hear of people who are joined or parted: facts they know, told again with what is true now."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.registration import stories, telling, topics, waiting_list
from services.registration.events import (
    AddressToConfirm,
    ParticipantAbsent,
    ParticipantCancelled,
    ParticipantChanged,
    ParticipantCheckedIn,
    ParticipantRegistered,
    ParticipantWaitlisted,
    SeatOffered,
    StoryAccepted,
    TopicAccepted,
    WishesRanked,
)
from services.registration.links import Links
from services.registration.models import Gathering, Participant, State, Story, Topic

DETAILS = ("family", "email", "trade", "structure", "territory")


def standing(session: Session, gathering: Gathering, who: Participant, *, links: Links, now: datetime) -> None:
    """Tell where somebody stands now; a letter that they had about it is not written again."""
    told = telling.of(who, links)
    if who.state == State.waiting:
        place = waiting_list.place(session, gathering, who)
        publish(
            session,
            ParticipantWaitlisted,
            about={**told, "rank": place.rank, "reason": str(place.reason)},
            now=now,
        )
    elif who.state == State.offered:
        publish(session, SeatOffered, about=told, now=now)
    elif who.state == State.pending_email and who.deadline_at is not None:
        about = {**told, "code": links.code(who.id, who.deadline_at), "handed_by": ""}
        publish(session, AddressToConfirm, about=about, now=now)
    elif who.state in (State.registered, State.present, State.no_show):
        publish(
            session, ParticipantRegistered, about={**told, "registered_at": who.registered_at or now}, now=now
        )
        if who.state == State.present:
            publish(session, ParticipantCheckedIn, about=told, now=now)
        if who.state == State.no_show:
            publish(session, ParticipantAbsent, about={**told, "noted_at": now}, now=now)
    else:
        gone(session, who, held=False, links=links, now=now)


def gone(session: Session, who: Participant, *, held: bool, links: Links, now: datetime) -> None:
    """Tell that a row is nobody's any more; no letter is written of it."""
    told = telling.of(who, links, held_seat=held, cancelled_at=now, is_silent=True)
    publish(session, ParticipantCancelled, about=told, now=now)


def details(session: Session, who: Participant, before: dict[str, Any], *, links: Links, now: datetime) -> None:
    """Tell what the row says otherwise than `before`, by the names of its columns; nothing where it says the same."""
    after = {name: getattr(who, name) for name in before if getattr(who, name) != before[name]}
    shown = {name: value for name, value in after.items() if name in DETAILS}
    if shown:
        was = {name: before[name] for name in shown}
        publish(session, ParticipantChanged, about=telling.of(who, links, before=was, after=shown), now=now)
    if "wishes" in after:
        wishes(session, who, now=now)


def wishes(session: Session, who: Participant, *, now: datetime) -> None:
    """Tell which topics somebody wishes for now; none is told too."""
    about = {
        "participant_id": who.id,
        "gathering_id": who.gathering_id,
        "topic_ids": [UUID(one) for one in who.wishes],
    }
    publish(session, WishesRanked, about=about, now=now)


def brought(session: Session, kept: dict[str, Any], *, now: datetime) -> None:
    """Tell who brings each accepted story and topic now."""
    for one in session.scalars(select(Story).where(Story.id.in_([UUID(one) for one in kept["stories"]]))):
        if one.state == "accepted":
            publish(session, StoryAccepted, about=stories.told(one), now=now)
    for topic in session.scalars(select(Topic).where(Topic.id.in_([UUID(one) for one in kept["topics"]]))):
        if topic.state == "accepted":
            publish(session, TopicAccepted, about=topics.told(topic), now=now)
