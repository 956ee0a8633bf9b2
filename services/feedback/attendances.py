"""Who was there: counts for the account, and contacts only for as long as nobody has written to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from services.chassis.ledger import upsert
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
    attendance = remember(
        session, participant_id, gathering_id, email=email, given=given, family=family, language=language
    )
    if attendance.addressed:
        _forget_contact(attendance)
    elif email and questionnaire is not None and questionnaire.state == "open":
        gathering = session.get_one(Gathering, gathering_id)
        questionnaires.address_one(session, gathering, questionnaire, attendance)


def remember(
    session: Session,
    participant_id: UUID,
    gathering_id: UUID,
    *,
    email: str | None,
    given: str,
    family: str,
    language: str,
) -> Attendance:
    """Note that a person is there and how to reach them, and tell nobody."""
    attendance = session.get(Attendance, participant_id)
    if attendance is None:
        attendance = Attendance(participant_id=participant_id, gathering_id=gathering_id, addressed=False)
        session.add(attendance)
    attendance.present = True
    if family.strip():
        name = {"gathering_id": gathering_id, "family": family.strip()}
        session.execute(upsert(session)(Name).values(name).on_conflict_do_nothing())
    if email:
        attendance.email, attendance.given = email, given
        attendance.family, attendance.language = family, language
    return attendance


def forget_reached(session: Session, participant_ids: Sequence[UUID], now: datetime) -> None:
    """Forget how to reach those of these people who have their link, or whose day is long over."""
    over = select(Gathering.id).where(Gathering.ends_at < now - CONTACTS_KEPT)
    session.execute(
        update(Attendance)
        .where(Attendance.participant_id.in_(participant_ids))
        .where(Attendance.addressed | Attendance.gathering_id.in_(over))
        .values(email=None, given=None, family=None, language=None)
    )


def miss(session: Session, participant_id: UUID, gathering_id: UUID) -> None:
    """Note that a person did not come, or was checked in by mistake."""
    attendance = session.get(Attendance, participant_id)
    if attendance is None:
        attendance = Attendance(participant_id=participant_id, gathering_id=gathering_id, addressed=False)
        session.add(attendance)
    attendance.present = False
    _forget_contact(attendance)


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


def _forget_contact(attendance: Attendance) -> None:
    attendance.email = attendance.given = attendance.family = attendance.language = None
