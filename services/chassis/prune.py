"""What the house forgets: facts that every hearer has acknowledged, and answers nobody asks for again.

A fact that comes once more after its inbox row is gone is still known by its subject's version, so pruning never makes
anything happen twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from services.chassis.db import delivery, inbox, once, outbox
from services.chassis.service import Chore

KEEP_FACTS = timedelta(days=14)
KEEP_ANSWERS = timedelta(days=2)
AT_ONCE = 1000


def prune(session: Session, now: datetime) -> None:
    """Delete up to a thousand old rows of each kind."""
    old = (
        select(outbox.c.event_id)
        .where(
            outbox.c.happened_at < now - KEEP_FACTS,
            ~exists().where(delivery.c.event_id == outbox.c.event_id, delivery.c.acked_at.is_(None)),
        )
        .limit(AT_ONCE)
    )
    gone = session.scalars(old).all()
    session.execute(delete(delivery).where(delivery.c.event_id.in_(gone)))
    session.execute(delete(outbox).where(outbox.c.event_id.in_(gone)))
    session.execute(delete(once).where(once.c.answered_at < now - KEEP_ANSWERS))
    session.execute(delete(inbox).where(inbox.c.status == "heard", inbox.c.heard_at < now - KEEP_FACTS))


CHORES = (Chore("prune", 3600, prune),)
