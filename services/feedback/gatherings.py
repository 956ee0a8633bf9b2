"""The gatherings feedback has heard of, and what was told there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.feedback.models import Gathering, Plan, Story, Synthesis, Topic


class UnknownGathering(NotFound):
    code = "unknown-gathering"


def describe(session: Session, gathering_id: UUID, told: Mapping[str, Any]) -> Gathering:
    """Keep the newest description of a gathering."""
    return session.merge(
        Gathering(
            id=gathering_id,
            slug=told["slug"],
            title=told["title"],
            purpose=told["purpose"],
            starts_at=told["starts_at"],
            ends_at=told["ends_at"],
            zone=told["zone"],
            place=told["place"],
            language=told["language"],
            state=told["state"],
            public_url=told["public_url"],
            territories=[dict(territory) for territory in told["territories"]],
            trades=list(told["trades"]),
            version=told["version"],
        )
    )


def by_slug(session: Session, slug: str) -> Gathering:
    """The gathering at this address. Raises UnknownGathering, also for a draft nobody is to see yet."""
    newest_first = select(Gathering).where(Gathering.slug == slug).order_by(Gathering.starts_at.desc())
    gathering = session.scalars(newest_first).first()
    if gathering is None:
        raise UnknownGathering("There is no such gathering.")
    return gathering


def by_id(session: Session, gathering_id: UUID) -> Gathering:
    """Raises UnknownGathering."""
    gathering = session.get(Gathering, gathering_id)
    if gathering is None:
        raise UnknownGathering("There is no such gathering.")
    return gathering


def home(gathering: Gathering) -> str:
    """The address under which every page of Palabre stands, without a slash at its end."""
    page = urlsplit(gathering.public_url)
    return f"{page.scheme}://{page.netloc}{page.path.partition('/r/')[0].rstrip('/')}"


def accept_story(session: Session, story_id: UUID, gathering_id: UUID, *, title: str) -> None:
    session.merge(Story(id=story_id, gathering_id=gathering_id, title=title))


def accept_topic(session: Session, topic_id: UUID, gathering_id: UUID, *, number: int, question: str) -> None:
    session.merge(Topic(id=topic_id, gathering_id=gathering_id, number=number, question=question))


def withdraw_story(session: Session, story_id: UUID) -> None:
    if (story := session.get(Story, story_id)) is not None:
        session.delete(story)


def withdraw_topic(session: Session, topic_id: UUID) -> None:
    if (topic := session.get(Topic, topic_id)) is not None:
        session.delete(topic)


def remember_plan(session: Session, round_id: UUID, gathering_id: UUID, told: Mapping[str, Any]) -> None:
    """Keep the newest plan of a round, as counts."""
    session.merge(
        Plan(
            round_id=round_id,
            gathering_id=gathering_id,
            kind=told["kind"],
            name=told["name"],
            version=told["version"],
            people=told["people"],
            groups=[
                {
                    "name": group.get("name") or "",
                    "size": group.get("size") or 0,
                    "territories": _names(group.get("territories")),
                    "trades": _names(group.get("trades")),
                }
                for group in told["groups"]
            ],
        )
    )


def remember_synthesis(
    session: Session,
    group_id: UUID,
    gathering_id: UUID,
    *,
    angle: str,
    modalities: list[str],
    written_at: datetime,
) -> None:
    """Keep the newest synthesis of a circle."""
    session.merge(
        Synthesis(
            group_id=group_id,
            gathering_id=gathering_id,
            angle=angle,
            modalities=modalities,
            written_at=written_at,
        )
    )


def _names(told: object) -> list[str]:
    """Names as a plan told them; a plan that only told how many there are has none to give."""
    return sorted(str(name) for name in told) if isinstance(told, list | tuple | dict) else []
