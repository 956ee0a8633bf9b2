"""Whether a service lives: what went round, what waits, what needs a person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.db import delivery, inbox, outbox, parked, pulse

# The relay sends a canary every 10 s; three missed ones mean that facts do not go round.
SILENCE_S = 35


def of(session: Session, now: datetime) -> dict[str, Any]:
    """Counts of this service's backbone. `ready` is true while a canary went round lately."""
    sung = session.scalar(select(pulse.c.at).where(pulse.c.name == "canary"))
    age = (now - sung).total_seconds() if sung else None
    told = session.scalar(select(func.count()).select_from(outbox)) or 0
    deliveries = session.scalar(select(func.count()).select_from(delivery)) or 0
    attempts = session.scalar(select(func.coalesce(func.sum(delivery.c.attempts), 0))) or 0
    waiting = session.execute(
        select(func.count(), func.min(outbox.c.happened_at))
        .select_from(delivery)
        .join(outbox, outbox.c.event_id == delivery.c.event_id)
        .where(delivery.c.acked_at.is_(None))
    ).one()
    statuses: dict[str, int] = {
        status: count
        for status, count in session.execute(
            select(inbox.c.status, func.count()).group_by(inbox.c.status)
        ).all()
    }
    again = session.scalar(select(func.coalesce(func.sum(inbox.c.again), 0))) or 0
    return {
        "ready": age is not None and age < SILENCE_S,
        "canary_age_s": round(age, 3) if age is not None else None,
        "outbox": {
            "told": told,
            "deliveries": deliveries,
            "sendings": attempts,
            "unacknowledged": waiting[0],
            "oldest_s": round((now - waiting[1]).total_seconds(), 3) if waiting[1] else 0,
        },
        "inbox": {
            "heard": statuses.get("heard", 0),
            "again": again,
            "failed": statuses.get("failed", 0) + statuses.get("started", 0),
            "dead": statuses.get("dead", 0),
            "discarded": statuses.get("discarded", 0),
            "parked": session.scalar(select(func.count()).select_from(parked)) or 0,
        },
    }
