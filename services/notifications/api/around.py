"""Whose doors these are."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.auth import require
from services.notifications.models import Gathering
from services.notifications.people import UnknownGathering


def ours(session: Session, gathering_id: UUID) -> Gathering:
    """The gathering, for those who organise it. Raises SignInNeeded, Forbidden, UnknownGathering."""
    # Roles first: whether a gathering exists is nobody else's business.
    require(session, gathering_id)
    gathering = session.get(Gathering, gathering_id)
    if gathering is None:
        raise UnknownGathering("There is no such gathering.")
    return gathering
