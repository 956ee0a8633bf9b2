"""Who may do what at a gathering."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.orm import Session

from services.chassis.db import roles
from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.registration import sign_ins, telling
from services.registration.events import ColleagueInvited, RoleGranted, RoleRevoked
from services.registration.links import Links
from services.registration.models import Deed, Gathering, Organiser

_INVITED = "colleague invited"


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
    session: Session,
    gathering: Gathering,
    *,
    email: str,
    name: str,
    role: str,
    language: str,
    links: Links,
    by: UUID,
    now: datetime,
) -> Organiser:
    """Let somebody help in a role other than the owner's, and send them a letter with a way in.

    Asking again sends another letter, at most three an hour.
    """
    organiser = sign_ins.welcome(session, email, name=name, now=now)
    role_id = grant(session, gathering.id, organiser, role, by=by, now=now)
    lately = select(func.count()).where(
        Deed.about == organiser.id, Deed.deed == _INVITED, Deed.at > now - timedelta(hours=1)
    )
    if (session.scalar(lately) or 0) >= sign_ins.AN_HOUR:
        return organiser
    sign_in, token = sign_ins.a_way_in(session, email, valid=sign_ins.INVITED_VALID, now=now)
    host = sign_ins.organiser(session, by)
    about = {
        "role_id": role_id,
        "gathering_id": gathering.id,
        "sign_in_id": sign_in.id,
        "email": email,
        "name": organiser.name,
        "role": role,
        "invited_by": host.name if host is not None else "",
        "link": links.sign_in(token, onward=f"/o/{gathering.slug}"),
        "expires_at": sign_in.expires_at,
        "language": language,
    }
    publish(session, ColleagueInvited, about=about, now=now)
    telling.note(session, _INVITED, organiser.id, gathering_id=gathering.id, by=by, now=now)
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
