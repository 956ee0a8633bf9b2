"""Everything this service holds about a person, told to them when they ask."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.feedback.events import PersonDisclosed
from services.feedback.models import Attendance


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
    """Whether somebody was there, and how to reach them while nobody has. Answers are nobody's and cannot be found."""
    attendance = session.get(Attendance, participant_id)
    if attendance is None:
        return [{"what": "presence", "rows": []}]
    names = ("present", "addressed", "email", "given", "family", "language")
    known = {name: getattr(attendance, name) for name in names}
    return [{"what": "presence", "rows": [{name: one for name, one in known.items() if one is not None}]}]
