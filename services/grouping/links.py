"""Private rules between two people: kept, never told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.grouping import members
from services.grouping.models import Link


class SamePerson(Refused):
    code = "same-person"


class AlreadyLinked(Refused):
    code = "already-linked"


class UnknownLink(NotFound):
    code = "unknown-rule"


def tie(
    session: Session, gathering_id: UUID, *, kind: str, one: UUID, other: UUID, by: UUID | None, now: datetime
) -> Link:
    """Two people must sit together, or must not. Raises UnknownMember, SamePerson, AlreadyLinked."""
    members.one(session, gathering_id, one)
    members.one(session, gathering_id, other)
    if one == other:
        raise SamePerson("Choose two different people.", field="other_id")
    low, high = sorted((one, other))
    pair = (Link.one_id == low) & (Link.other_id == high)
    if session.scalar(select(Link.id).where(pair)):
        raise AlreadyLinked(
            "There is a rule between these two people already. Remove it first.", field="other_id"
        )
    link = Link(gathering_id=gathering_id, kind=kind, one_id=low, other_id=high, made_by=by, made_at=now)
    session.add(link)
    session.flush()
    return link


def untie(session: Session, gathering_id: UUID, link_id: UUID) -> None:
    """Raises UnknownLink."""
    link = session.get(Link, link_id)
    if link is None or link.gathering_id != gathering_id:
        raise UnknownLink("There is no such rule.")
    session.delete(link)


def of(session: Session, gathering_id: UUID) -> list[Link]:
    return list(session.scalars(select(Link).where(Link.gathering_id == gathering_id).order_by(Link.made_at)))
