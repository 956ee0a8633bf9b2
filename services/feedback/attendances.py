"""Who was there: counts for the account, and contacts only for as long as nobody has written to them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from services.feedback import questionnaires
from services.feedback.models import Attendance, Gathering, Name, Questionnaire

# A contact nobody wrote to within a month will not be written to; names are looked for until the account is
# old news.
CONTACTS_KEPT = timedelta(days=30)
NAMES_KEPT = timedelta(days=180)


def arrive(
    session: Session,
    participant_id: UUID,
    gathering_id: UUID,
    *,
    email: str | None,
    given: str,
    family: str,
    language: str,
) -> None:
    """Note that a person is there; once the questionnaire is open they get their link at once.

    The questionnaire's row is locked first, so somebody who comes in while it is being opened is not missed.
    """
    questionnaire = session.scalar(
        select(Questionnaire).where(Questionnaire.gathering_id == gathering_id).with_for_update()
    )
    attendance = session.get(Attendance, participant_id)
    if attendance is None:
        attendance = Attendance(participant_id=participant_id, gathering_id=gathering_id, addressed=False)
        session.add(attendance)
    attendance.present = True
    if family.strip():
        session.merge(Name(gathering_id=gathering_id, family=family.strip()))
    if attendance.addressed or not email:
        return
    attendance.email, attendance.given, attendance.family, attendance.language = email, given, family, language
    if questionnaire is not None and questionnaire.state == "open":
        gathering = session.get_one(Gathering, gathering_id)
        questionnaires.address_one(session, gathering, questionnaire, attendance)


def miss(session: Session, participant_id: UUID, gathering_id: UUID) -> None:
    """Note that a person did not come, or was checked in by mistake."""
    attendance = session.get(Attendance, participant_id)
    if attendance is None:
        attendance = Attendance(participant_id=participant_id, gathering_id=gathering_id, addressed=False)
        session.add(attendance)
    attendance.present = False
    attendance.email = attendance.given = attendance.family = attendance.language = None


def present(session: Session, gathering_id: UUID) -> int:
    """How many people are or were there."""
    here = select(func.count()).where(Attendance.gathering_id == gathering_id, Attendance.present)
    return session.scalars(here).one()


def forget(session: Session, now: datetime) -> int:
    """Drop contacts and names whose time is over; returns how many."""
    over = select(Gathering.id).where(Gathering.ends_at < now - CONTACTS_KEPT)
    contacts = session.execute(
        update(Attendance)
        .where(Attendance.email.is_not(None), Attendance.gathering_id.in_(over))
        .values(email=None, given=None, family=None, language=None)
        .returning(Attendance.participant_id)
    ).all()
    past = select(Gathering.id).where(Gathering.ends_at < now - NAMES_KEPT)
    names = session.execute(delete(Name).where(Name.gathering_id.in_(past)).returning(Name.family)).all()
    return len(contacts) + len(names)
