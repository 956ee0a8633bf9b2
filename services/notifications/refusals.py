"""Who asked not to be asked: no more invitations, reminders and questionnaires of one gathering (RFC 8058)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.ledger import upsert
from services.notifications.models import Letter, Refusal
from services.notifications.withholding import withhold

log = structlog.get_logger()

UNWANTED = N_("This person asked for no more invitations, reminders and questionnaires.")
# From `handed` on a server may have it.
STILL_HERE = ("draft", "queued", "deferred", "claimed")


def refuse(session: Session, letter: Letter, now: datetime) -> bool:
    """Nothing that solicits goes to this letter's person again, in its gathering; whether that is new.

    Letters of this kind that wait do not leave. The person is an address with a name: two people who share an address
    choose each for themselves. Somebody who was forgotten meanwhile has nothing left to refuse.
    """
    if letter.gathering_id is None or not letter.email:
        return False
    added = session.execute(
        upsert(session)(Refusal)
        .values(**_person(letter), letter_id=letter.id, since=now)
        .on_conflict_do_nothing()
        .returning(Refusal.since)
    ).first()
    here = (Letter.gathering_id == letter.gathering_id, func.lower(Letter.email) == letter.email.lower())
    waiting = select(Letter.id).where(*here, Letter.name == letter.name, Letter.state.in_(STILL_HERE))
    held = hold_back(session, session.scalars(waiting.with_for_update()).all(), now)
    log.info("letters_refused", letter=str(letter.id), kind=letter.kind, is_new=added is not None, held=held)
    return added is not None


def take_back(session: Session, letter: Letter) -> bool:
    """The letter's person wants to be asked again; whether they had refused. What was held back stays here."""
    refusal = of(session, letter)
    if refusal is not None:
        session.delete(refusal)
    return refusal is not None


def is_refused(session: Session, letter: Letter) -> bool:
    """Whether this letter's person refused what solicits in its gathering."""
    return of(session, letter) is not None


def of(session: Session, letter: Letter) -> Refusal | None:
    """What the letter's person refused in its gathering."""
    return session.get(Refusal, (letter.gathering_id, letter.email.lower(), letter.name))


def hold_back(session: Session, letter_ids: Iterable[UUID], now: datetime) -> set[UUID]:
    """Of these letters, those that solicit who refused do not leave; which ones."""
    same = and_(
        Refusal.gathering_id == Letter.gathering_id,
        Refusal.email == func.lower(Letter.email),
        Refusal.name == Letter.name,
    )
    return withhold(
        session,
        letter_ids,
        Letter.is_solicitation,
        exists().where(same),
        outcome="unwanted",
        reply=UNWANTED,
        now=now,
    )


def listed(session: Session, gathering_id: UUID) -> Sequence[Refusal]:
    """Who refused in this gathering, the latest first."""
    here = select(Refusal).where(Refusal.gathering_id == gathering_id)
    return session.scalars(here.order_by(Refusal.since.desc(), Refusal.email, Refusal.name)).all()


def _person(letter: Letter) -> dict[str, object]:
    return {"gathering_id": letter.gathering_id, "email": letter.email.lower(), "name": letter.name}
