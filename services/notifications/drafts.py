"""Letters that wait for a person's go: reviewed, edited, put aside, sent with the number repeated."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import Refused
from services.chassis.outbox import wake
from services.notifications import letters, suppressions
from services.notifications.models import Gathering, Letter
from services.notifications.writing import composing


class NotADraft(Refused):
    code = "not-a-draft"


class OtherNumber(Refused):
    code = "other-number"


class GatheringCancelled(Refused):
    code, status = "gathering-cancelled", HTTPStatus.CONFLICT


def waiting(session: Session, gathering_id: UUID) -> list[tuple[str, int, datetime, Letter]]:
    """For each kind that waits for a person: how many, when the last was written, and one to read."""
    here = (Letter.gathering_id == gathering_id, Letter.state == "draft")
    kinds = session.execute(
        select(Letter.kind, func.count(), func.max(Letter.created_at)).where(*here).group_by(Letter.kind)
    ).all()
    found = []
    for kind, count, last in kinds:
        first = session.scalars(
            select(Letter).where(*here, Letter.kind == kind).order_by(Letter.name).limit(1)
        ).one()
        found.append((kind, count, last, first))
    return found


def send(
    session: Session, gathering: Gathering, *, kind: str, count: int, upto: datetime, now: datetime
) -> int:
    """Queue the drafts of one kind that were listed: `count` of them, written at `upto` or before.

    Raises GatheringCancelled, OtherNumber when there are more or fewer by now: nobody sends what they did not see.
    """
    if gathering.state == "cancelled":
        raise GatheringCancelled("This gathering is cancelled: its letters stay here.")
    ids = _listed(session, gathering.id, kind=kind, count=count, upto=upto)
    session.execute(
        update(Letter)
        .where(Letter.id.in_(ids))
        .values(state="queued", queued_at=now, next_at=letters.leaves_at(kind, gathering, now))
        .execution_options(synchronize_session=False)
    )
    held = suppressions.hold_back(session, ids, now)
    wake(session)
    return len(ids) - held


def discard_listed(session: Session, gathering: Gathering, *, kind: str, count: int, upto: datetime) -> int:
    """Put the drafts of one kind aside that were listed. Raises OtherNumber, as for sending."""
    ids = _listed(session, gathering.id, kind=kind, count=count, upto=upto)
    session.execute(
        update(Letter)
        .where(Letter.id.in_(ids))
        .values(state="discarded")
        .execution_options(synchronize_session=False)
    )
    return len(ids)


def discard(session: Session, letter: Letter) -> None:
    """Put one draft aside for good. Raises NotADraft."""
    _draft(letter).state = "discarded"


def discard_all(session: Session, gathering_id: UUID) -> None:
    """Put all drafts of a gathering aside."""
    session.execute(
        update(Letter)
        .where(Letter.gathering_id == gathering_id, Letter.state == "draft")
        .values(state="discarded")
        .execution_options(synchronize_session=False)
    )


def edit(session: Session, letter: Letter, *, subject: str, text: str) -> None:
    """Change the words of one draft; its HTML twin follows. Raises NotADraft."""
    _draft(letter)
    written = composing.rewrite(subject, text, language=letter.language)
    letters.dress(letter, written)
    letter.is_by_hand = True


def _listed(session: Session, gathering_id: UUID, *, kind: str, count: int, upto: datetime) -> list[UUID]:
    listed = (
        Letter.gathering_id == gathering_id,
        Letter.state == "draft",
        Letter.kind == kind,
        Letter.created_at <= upto,
    )
    ids = list(session.scalars(select(Letter.id).where(*listed).with_for_update()))
    if len(ids) != count:
        raise OtherNumber(
            "There are %(there)s letters of this kind by now, not %(count)s. Look at them again.",
            there=len(ids),
            count=count,
        )
    return ids


def _draft(letter: Letter) -> Letter:
    if letter.state != "draft":
        raise NotADraft("This letter has left already, or was put aside.")
    return letter
