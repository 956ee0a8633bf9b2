"""Signs of life: what each service says of itself whenever a canary went round, kept in the broker for who asks.

A service that falls silent says nothing more, and its last sign grows old: that is what a reader looks at. The broker
may forget the signs; the next canary brings them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.db import delivery, drifts, inbox, outbox
from services.chassis.health import SILENCE_S

if TYPE_CHECKING:
    import redis

KEY = "palabre:signs"
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sign:
    """One service at `at`: facts it told that are not acknowledged, the age of the oldest, and facts dead here.

    `drifted` counts the rows that a check found to be other than they had been told since yesterday, and mended.
    """

    at: datetime
    waiting: int
    oldest_s: float
    dead: int
    drifted: int = 0

    def age_s(self, now: datetime) -> float:
        return max(0.0, (now - self.at).total_seconds())

    def is_silent(self, now: datetime) -> bool:
        """Whether so many canaries are missing that facts do not go round."""
        return self.age_s(now) >= SILENCE_S


def of(session: Session, now: datetime) -> Sign:
    """The sign that a service gives of itself; asked every few seconds, so nothing long is counted."""
    waiting = session.execute(
        select(func.count(), func.min(outbox.c.happened_at))
        .select_from(delivery)
        .join(outbox, outbox.c.event_id == delivery.c.event_id)
        .where(delivery.c.acked_at.is_(None))
    ).one()
    oldest_s = (now - waiting[1]).total_seconds() if waiting[1] else 0.0
    dead = session.scalar(select(func.count()).where(inbox.c.status == "dead")) or 0
    drifted = session.scalar(select(func.count()).where(drifts.c.found_at > now - LATELY)) or 0
    return Sign(now, waiting[0], round(max(0.0, oldest_s), 1), dead, drifted)


def give(broker: redis.Redis, service: str, sign: Sign) -> None:
    """Let everybody know. Raises redis.RedisError."""
    broker.hset(KEY, service, json.dumps({**asdict(sign), "at": sign.at.isoformat()}))


def seen(broker: redis.Redis, services: Iterable[str]) -> dict[str, Sign | None]:
    """The last sign of each service, None where there is none (yet, or any more). Raises redis.RedisError."""
    names = list(services)
    kept: list[bytes | None] = broker.hmget(KEY, names)  # type: ignore[assignment]
    return {name: _read(text) if text else None for name, text in zip(names, kept, strict=True)}


def _read(text: bytes) -> Sign:
    said: dict[str, Any] = json.loads(text)
    at = datetime.fromisoformat(said["at"])
    return Sign(
        at, int(said["waiting"]), float(said["oldest_s"]), int(said["dead"]), int(said.get("drifted", 0))
    )
