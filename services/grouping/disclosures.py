"""Everything this service holds about a person, told to them when they ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.grouping.events import PersonDisclosed
from services.grouping.models import Group, Link, Member, Placement, Plan, Round, Story, Topic, Wish


def tell(session: Session, participant_id: UUID, gathering_id: UUID, *, now: datetime) -> None:
    """Tell somebody what is held about them here."""
    about = {
        "participant_id": participant_id,
        "gathering_id": gathering_id,
        "holdings": held(session, participant_id),
        "told_at": now,
    }
    publish(session, PersonDisclosed, about=about, now=now)


def held(session: Session, participant_id: UUID) -> list[dict[str, Any]]:
    """What is known of somebody, by what it is. Of arrangements about whom they sit with, only their number is told:
    each speaks of another person too.
    """
    member = session.get(Member, participant_id)
    names = ("given", "family", "territory", "trade", "structure", "state", "walk_in")
    wish = session.get(Wish, participant_id)
    topics = {str(one.id): one.question for one in session.scalars(select(Topic))} if wish else {}
    placed = (
        select(Round.name, Group.number, Group.name.label("group"), Placement.duty, Plan.published_at)
        .join(Plan, Plan.round_id == Round.id)
        .join(Placement, Placement.plan_id == Plan.id)
        .join(Group, Group.id == Placement.group_id)
        .where(Placement.participant_id == participant_id, Plan.published_at.is_not(None))
        .order_by(Plan.published_at)
    )
    rules = select(func.count()).where(or_(Link.one_id == participant_id, Link.other_id == participant_id))
    told = select(Story).where(Story.participant_id == participant_id)
    return [
        {"what": "person", "rows": [{name: getattr(member, name) for name in names}] if member else []},
        {
            "what": "wishes",
            "rows": [{"question": topics.get(one, "")} for one in wish.topic_ids] if wish else [],
        },
        {
            "what": "groups",
            "rows": [
                {
                    "round": name,
                    "number": number,
                    "group": group,
                    "duty": duty,
                    "published_at": at.isoformat() if at else "",
                }
                for name, number, group, duty, at in session.execute(placed)
            ],
        },
        {"what": "stories", "rows": [{"title": one.title} for one in session.scalars(told)]},
        {"what": "rules", "rows": [{"number": session.scalar(rules)}] if session.scalar(rules) else []},
    ]
