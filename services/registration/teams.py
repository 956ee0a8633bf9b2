"""Who may do what at a gathering."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from services.chassis.db import roles
from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.registration import sign_ins, telling
from services.registration.events import RoleGranted, RoleRevoked
from services.registration.models import Organiser


class OwnerStays(Refused):
    code = "owner-stays"


def grant(
    session: Session, gathering_id: UUID, organiser: Organiser, role: str, *, by: UUID, now: datetime
) -> UUID:
    """Let an organiser act on a gathering; granting twice is as good as once. Returns the id of the role."""
    role_id = uuid5(gathering_id, f"{organiser.id}:{role}")
    if session.scalar(select(exists().where(roles.c.role_id == role_id))):
        return role_id
    about = {
        "role_id": role_id,
        "gathering_id": gathering_id,
        "organiser_id": organiser.id,
        "role": role,
        "email": organiser.email,
        "name": organiser.name,
    }
    session.execute(insert(roles).values(**about))
    publish(session, RoleGranted, about=about, now=now)
    telling.note(session, f"{role} granted", organiser.id, gathering_id=gathering_id, by=by, now=now)
    return role_id


def invite(
    session: Session, gathering_id: UUID, *, email: str, name: str, role: str, by: UUID, now: datetime
) -> Organiser:
    """Let somebody help in a role other than the owner's; they come in through the sign-in page."""
    organiser = sign_ins.welcome(session, email, name=name, now=now)
    grant(session, gathering_id, organiser, role, by=by, now=now)
    return organiser


def revoke(session: Session, gathering_id: UUID, role_id: UUID, *, by: UUID, now: datetime) -> None:
    """Take a role back; it is gone at that person's next click. Raises NotFound, OwnerStays."""
    held = session.execute(
        select(roles).where(roles.c.role_id == role_id, roles.c.gathering_id == gathering_id)
    ).first()
    if held is None:
        raise NotFound("Nobody has this role any more.")
    if held.role == "owner":
        raise OwnerStays("Who made the gathering stays in its team.")
    session.execute(delete(roles).where(roles.c.role_id == role_id))
    publish(session, RoleRevoked, about=held, now=now)
    telling.note(session, f"{held.role} revoked", held.organiser_id, gathering_id=gathering_id, by=by, now=now)


def members(session: Session, gathering_id: UUID) -> Sequence[Any]:
    """Who may act on a gathering: rows of (role_id, name, email, role)."""
    return session.execute(
        select(roles.c.role_id, roles.c.name, roles.c.email, roles.c.role)
        .where(roles.c.gathering_id == gathering_id)
        .order_by(roles.c.email, roles.c.role)
    ).all()
