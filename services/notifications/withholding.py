"""Letters that were to leave and do not: why, said once for whoever has a reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLCoreOperations

from services.notifications.models import Delivery, Letter


def withhold(
    session: Session,
    letter_ids: Iterable[UUID],
    *where: SQLCoreOperations[bool],
    outcome: str,
    reply: str,
    now: datetime,
) -> set[UUID]:
    """Of these letters, those for which `where` holds do not leave; which ones. None of none.

    Each gets a line in its history: `outcome` for programs, `reply` (a msgid) for people.
    """
    ids = list(letter_ids)
    if not ids:
        return set()
    held = session.scalars(
        update(Letter)
        .where(Letter.id.in_(ids), *where)
        .values(state="suppressed", next_at=None, claimed_by=None, reply=reply)
        .returning(Letter.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    session.add_all(Delivery(letter_id=letter_id, at=now, outcome=outcome, reply=reply) for letter_id in held)
    return set(held)
