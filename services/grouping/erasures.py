"""Forgetting a person: their place in a group stays, as a free one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.grouping import plans
from services.grouping.events import PersonErased
from services.grouping.models import Announcement, Ask, Link, Lock, Member, Round, Story, Wish


def erase(session: Session, participant_id: UUID, gathering_id: UUID, *, now: datetime) -> None:
    """Forget who somebody is and confirm it; a group keeps its size, with a free place, and its roles."""
    gone = forget(session, participant_id, gathering_id)
    plans.hand_over(session, participant_id, now=now)
    about = {"participant_id": participant_id, "gathering_id": gathering_id, "gone": gone, "erased_at": now}
    publish(session, PersonErased, about=about, now=now)


def forget(session: Session, participant_id: UUID, gathering_id: UUID) -> dict[str, int]:
    """Empty what names somebody and take away what was only theirs; returns how much of what."""
    member = session.get(Member, participant_id)
    if member is not None:
        _forget_refusals(session, gathering_id, member.name)
        member.given = member.family = member.trade = member.structure = ""
        member.state = "cancelled"
    rules = delete(Link).where(or_(Link.one_id == participant_id, Link.other_id == participant_id))
    gone = {"rules": _count(session.execute(rules.returning(Link.id)))}
    for kind in (Lock, Announcement):
        session.execute(delete(kind).where(kind.participant_id == participant_id))
    wish = session.get(Wish, participant_id)
    if wish is not None:
        gone["wishes"], wish.topic_ids = len(wish.topic_ids), []
    session.execute(update(Story).where(Story.participant_id == participant_id).values(title=""))
    session.flush()
    return gone


def _forget_refusals(session: Session, gathering_id: UUID, name: str) -> None:
    """A refusal names the people whose rules cannot be kept together: it has been read, or is asked for again."""
    asks = select(Ask).join(Round, Round.id == Ask.round_id).where(Round.gathering_id == gathering_id)
    for ask in session.scalars(asks.where(Ask.problem.is_not(None))):
        if name and _says(ask.problem, name):
            ask.problem, ask.state = None, "dropped"


def _says(told: Any, name: str) -> bool:
    if isinstance(told, dict):
        return any(_says(one, name) for one in told.values())
    if isinstance(told, list):
        return any(_says(one, name) for one in told)
    return isinstance(told, str) and name in told


def _count(rows: Iterable[Any]) -> int:
    return sum(1 for _ in rows)
