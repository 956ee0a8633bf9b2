"""What a database must know about having been restored: which of its words may be old, and that they are told again.

The four databases of a backup are not of one instant. Hearers are saved before the tellers they hear, so nothing that a
hearer has heard is missing at its teller; what a teller saved as acknowledged while its hearers were being saved may
be missing there, and is told again. Who heard it says so again, and does nothing twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from services.chassis.db import delivery, pulse
from services.chassis.ledger import upsert

MARK = "restored"
# Clocks of two machines that keep time may differ by so much.
CLOCKS = timedelta(minutes=1)


def settle(session: Session, *, began_at: datetime, ended_at: datetime, now: datetime) -> int:
    """Make a restored database fit to go on, before anything runs on it. Returns how many facts are told again.

    `began_at` and `ended_at` are those of the backup: when its first database was read and when its last was whole.
    """
    again = session.execute(
        update(delivery)
        .where(delivery.c.acked_at >= began_at - CLOCKS)
        .values(acked_at=None, next_at=now)
        .returning(delivery.c.event_id)
    ).all()
    session.execute(update(delivery).where(delivery.c.acked_at.is_(None)).values(next_at=now))
    # The broker and the canaries of that time are gone.
    session.execute(delete(pulse).where(pulse.c.name.in_(("epoch", "canary"))))
    mark = {"value": ended_at.isoformat(), "at": now}
    session.execute(
        upsert(session)(pulse)
        .values(name=MARK, **mark)
        .on_conflict_do_update(index_elements=[pulse.c.name], set_=mark)
    )
    return len(again)


def is_of_before(session: Session) -> bool:
    """Whether what is being heard was told before the moment this database was restored to.

    It may have been heard then, too, and what came of it in the world outside is not known here any more. What is
    done by a person, or was never restored, is not of before.
    """
    cause: UUID | None = session.info.get("cause")
    if cause is None:
        return False
    mark = session.scalar(select(pulse.c.value).where(pulse.c.name == MARK))
    return mark is not None and _told_at(cause) <= datetime.fromisoformat(mark) + CLOCKS


def _told_at(event_id: UUID) -> datetime:
    """Ids of facts begin with their hour (RFC 9562, version 7)."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)
