"""Who may do what at which gathering, as registration tells it; `auth` asks, and knows the web, which this does not."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import fields
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from services.chassis.db import roles
from services.chassis.inbox import Heard, Inbox


def grant(
    session: Session,
    *,
    role_id: UUID,
    gathering_id: UUID,
    organiser_id: UUID,
    role: str,
    name: str = "",
    email: str = "",
) -> None:
    """Write that someone holds a role; granting it again brings their name and address up to date."""
    row = {
        "gathering_id": gathering_id,
        "organiser_id": organiser_id,
        "role": role,
        "name": name,
        "email": email,
    }
    known = session.execute(select(roles.c.role_id).where(roles.c.role_id == role_id)).first()
    if known:
        session.execute(update(roles).where(roles.c.role_id == role_id).values(**row))
    else:
        session.execute(insert(roles).values(role_id=role_id, **row))


def revoke(session: Session, role_id: UUID) -> None:
    session.execute(delete(roles).where(roles.c.role_id == role_id))


class Granted(Heard):
    role_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    organiser_id = fields.UUID(required=True)
    role = fields.String(required=True)
    name = fields.String(load_default="")
    email = fields.String(load_default="")


class Revoked(Heard):
    role_id = fields.UUID(required=True)


def hear(inbox: Inbox) -> None:
    """Let a service keep the roles that registration tells of."""
    inbox.mirror("registration", roles, by="role_id")

    @inbox.on("registration.role_granted.v1", reads=Granted, replays=True)
    def remember_role(session: Session, fact: dict[str, Any], now: datetime) -> None:
        wanted = ("role_id", "gathering_id", "organiser_id", "role", "name", "email")
        grant(session, **{name: fact[name] for name in wanted})

    @inbox.on("registration.role_revoked.v1", reads=Revoked, replays=True)
    def forget_role(session: Session, fact: dict[str, Any], now: datetime) -> None:
        revoke(session, fact["role_id"])
