"""Addresses that letters come back from: nobody writes to them until somebody takes them off the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from http import HTTPStatus
from uuid import UUID, uuid4

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.errors import NotFound, Refused
from services.chassis.ledger import upsert
from services.notifications.models import Letter, Suppression
from services.notifications.withholding import withhold

HELD_BACK = N_("Letters come back from this address; nothing is sent there.")
# Who asks to sign in reads their letters now, and may be the one who can take the address off the list.
EXEMPT = ("sign-in",)


class UnknownSuppression(NotFound):
    code = "unknown-suppression"


class NoReason(Refused):
    code, status = "no-reason", HTTPStatus.UNPROCESSABLE_ENTITY


def is_suppressed(session: Session, email: str) -> bool:
    """Whether nothing is to be sent to this address."""
    here = Suppression.email == email.strip().lower()
    return session.scalar(select(Suppression.id).where(here, Suppression.released_at.is_(None))) is not None


def suppress(session: Session, email: str, *, letter_id: UUID | None, said: str, now: datetime) -> None:
    """Put an address on the list, once; letters to it that wait do not leave."""
    session.execute(
        upsert(session)(Suppression)
        .values(id=uuid4(), email=email.strip().lower(), letter_id=letter_id, said=said, since=now)
        .on_conflict_do_nothing(
            index_elements=[Suppression.email], index_where=Suppression.released_at.is_(None)
        )
    )
    waiting = select(Letter.id).where(
        func.lower(Letter.email) == email.strip().lower(), Letter.state.in_(("queued", "deferred"))
    )
    hold_back(session, session.scalars(waiting.with_for_update()).all(), now)


def hold_back(session: Session, letter_ids: Iterable[UUID], now: datetime) -> int:
    """Of these letters, those to an address on the list do not leave. Returns how many."""
    listed_here = exists().where(
        Suppression.email == func.lower(Letter.email), Suppression.released_at.is_(None)
    )
    may_wait = Letter.kind.not_in(EXEMPT)
    return len(
        withhold(session, letter_ids, may_wait, listed_here, outcome="suppressed", reply=HELD_BACK, now=now)
    )


def release(
    session: Session, gathering_id: UUID, suppression_id: UUID, *, why: str, by: UUID, now: datetime
) -> Suppression:
    """Take an address off the list; letters written from now on go there, those held back can be sent one by one.

    Raises UnknownSuppression when none of the gathering's people has this address, NoReason.
    """
    found = session.get(Suppression, suppression_id, with_for_update=True)
    if found is None or found.released_at is not None or found.email not in _addresses(session, gathering_id):
        raise UnknownSuppression("This address is not on the list.")
    if not why.strip():
        raise NoReason("Say why letters will arrive from now on.", field="why")
    found.released_at, found.released_by, found.released_why = now, by, why.strip()
    return found


def listed(session: Session, gathering_id: UUID) -> Sequence[tuple[Suppression, Letter | None]]:
    """The addresses of a gathering's letters that are or were on the list, those in force first.

    With each comes the letter that came back, when it was one of this gathering's: others are not its business.
    """
    rows = session.execute(
        select(Suppression, Letter)
        .outerjoin(Letter, (Letter.id == Suppression.letter_id) & (Letter.gathering_id == gathering_id))
        .where(Suppression.email.in_(_addresses(session, gathering_id)))
        .order_by(Suppression.released_at.is_not(None), Suppression.since.desc(), Suppression.email)
    )
    return [(row[0], row[1]) for row in rows]


def _addresses(session: Session, gathering_id: UUID) -> set[str]:
    on_list = select(Suppression.email).distinct()
    here = select(func.lower(Letter.email)).where(
        Letter.gathering_id == gathering_id, func.lower(Letter.email).in_(on_list)
    )
    return set(session.scalars(here))
