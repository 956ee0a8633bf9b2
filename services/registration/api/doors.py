"""What every door for programs needs."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.errors import SignInNeeded
from services.chassis.web import settings
from services.registration.links import Links

DESK = ("owner", "organiser", "desk")


def links() -> Links:
    return Links.of(settings())


def organiser_id() -> UUID:
    """The organiser who asks, of whatever gathering. Raises SignInNeeded."""
    who = auth.actor()
    if who.kind != "organiser" or who.id is None:
        raise SignInNeeded("Sign in to open this page.")
    return who.id


def may(session: Session, gathering_id: UUID, *roles: str) -> UUID:
    """The organiser who asks, when their role allows it. Raises SignInNeeded, Forbidden."""
    found = auth.require(session, gathering_id, *roles).id
    if found is None:
        raise SignInNeeded("Sign in to open this page.")
    return found
