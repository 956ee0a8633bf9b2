"""Forgetting a person: that somebody was there stays a number. Answers are nobody's, and cannot be found."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.feedback.events import PersonErased
from services.feedback.models import Attendance, Name


def erase(session: Session, participant_id: UUID, gathering_id: UUID, *, family: str, now: datetime) -> None:
    """Forget how to reach somebody, and their name when nobody else bears it; confirm it."""
    gone = forget(session, participant_id, gathering_id, family=family)
    about = {"participant_id": participant_id, "gathering_id": gathering_id, "gone": gone, "erased_at": now}
    publish(session, PersonErased, about=about, now=now)


def forget(session: Session, participant_id: UUID, gathering_id: UUID, *, family: str) -> dict[str, int]:
    """Empty what leads to somebody; returns how much of what."""
    contacts = 0
    attendance = session.get(Attendance, participant_id)
    if attendance is not None:
        contacts = int(attendance.email is not None)
        attendance.email = attendance.given = attendance.family = attendance.language = None
    if family:
        same = (Name.gathering_id == gathering_id, Name.family == family.strip())
        session.execute(delete(Name).where(*same))
    session.flush()
    return {"contacts": contacts}
