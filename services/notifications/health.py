"""How the letters are: what waits, since when, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.measures import Measure
from services.notifications.models import EarlyFact, Letter

# A letter that waits longer than this without the server having asked for it means that nobody posts.
SLOW_S = 60


@dataclass(frozen=True, slots=True)
class Letters:
    """Counts of letters; `oldest_s` is how long the first in the queue has been waiting to leave."""

    waiting: int
    oldest_s: float
    deferred: int
    next_at: datetime | None
    unknown: int
    failed: int
    drafts: int
    sent: int
    early: int

    @property
    def are_slow(self) -> bool:
        return self.oldest_s > SLOW_S


def of(session: Session, now: datetime) -> Letters:
    rows: dict[str, int] = {
        state: count
        for state, count in session.execute(select(Letter.state, func.count()).group_by(Letter.state)).all()
    }
    on_the_way = Letter.state.in_(("queued", "claimed", "handed"))
    # What waits for the morning is not late.
    since = func.coalesce(Letter.next_at, Letter.claimed_at)
    first = session.scalar(select(func.min(since)).where(on_the_way, since <= now))
    return Letters(
        waiting=sum(rows.get(state, 0) for state in ("queued", "claimed", "handed")),
        oldest_s=round(max(0.0, (now - first).total_seconds()), 1) if first else 0.0,
        deferred=rows.get("deferred", 0),
        next_at=session.scalar(select(func.min(Letter.next_at)).where(Letter.state == "deferred")),
        unknown=rows.get("unknown", 0),
        failed=rows.get("failed", 0),
        drafts=rows.get("draft", 0),
        sent=rows.get("sent", 0),
        early=session.scalar(select(func.count()).select_from(EarlyFact)) or 0,
    )


def measures(session: Session, now: datetime) -> Iterable[Measure]:
    """The letters, for who watches: how many are in each state, and how long the first has been waiting to leave."""
    found = of(session, now)
    states = ("waiting", "deferred", "unknown", "failed", "sent")
    for state in states:
        yield Measure("letters", "Letters by state.", getattr(found, state), marks={"state": state})
    yield Measure("oldest_letter_seconds", "How long the first letter has waited to leave.", found.oldest_s)
