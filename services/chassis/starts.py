"""How often a fact was begun and never ended: what kills its worker each time must not be given to it for ever.

A start is counted in a commit of its own before the effect, and the effect's commit ends it. A start that ends because
the database went away is no fault of the fact, and is not counted: a worker that lives on takes it back as soon as it
can write again, and where the worker went away as well, the server itself tells that it was started since.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Interval, func, select, update
from sqlalchemy.orm import Session

from services.chassis import ledger
from services.chassis.db import Database, inbox
from services.chassis.ledger import Told

log = structlog.get_logger()

# A fact that was begun this often and never ended has killed its worker each time.
STARTS = 3
# Nothing has ended yet of facts of these statuses.
OPEN = ("started", "failed")


class Starts:
    """The starts of the facts one process hears."""

    def __init__(self) -> None:
        # What the database's going away ended, by fact; its row still counts it.
        self._to_take_back: Counter[UUID] = Counter()

    def may(self, database: Database, told: Told) -> bool:
        """Count one more start of a fact that is sent again; False when it is dead, or dies of having had too many."""
        now, back = datetime.now(UTC), dict(self._to_take_back)
        with database.transaction() as session:
            if told.version > ledger.lock(session, [told.thread])[told.thread] + 1:
                # It is not begun: it comes before its elder, as often as it is sent.
                return True
            _take_back(session, back)
            row = session.execute(
                select(inbox.c.status, inbox.c.starts, inbox.c.heard_at).where(
                    inbox.c.event_id == told.event_id
                )
            ).one_or_none()
            begins = True
            if row is None:
                ledger.record(session, [told], status="started", now=now, starts=1, keep=True)
            elif row.status in OPEN:
                # Whoever began it last may have gone away together with the database.
                lost = row.starts > 0 and _database_began_after(session, row.heard_at, now)
                begins = _begin(session, told, row.starts - lost, now)
        # Only now: had the commit failed, they would still be to be taken back.
        self._to_take_back.subtract(back)
        self._to_take_back += Counter()
        return begins

    def ended_by_database(self, told: Told) -> None:
        """The last start of this fact ended because the database went away; that it was counted is taken back."""
        self._to_take_back[told.event_id] += 1


def _take_back(session: Session, back: dict[UUID, int]) -> None:
    for event_id, starts in sorted(back.items()):
        mine = (inbox.c.event_id == event_id, inbox.c.status.in_(OPEN), inbox.c.starts >= starts)
        session.execute(update(inbox).where(*mine).values(starts=inbox.c.starts - starts))


def _begin(session: Session, told: Told, before: int, now: datetime) -> bool:
    mine = update(inbox).where(inbox.c.event_id == told.event_id)
    if before < STARTS:
        session.execute(mine.values(starts=before + 1, heard_at=now))
        return True
    error = f"Begun {before} times and never ended: it seems to kill its worker."
    session.execute(mine.values(status="dead", error=error, heard_at=now))
    ledger.acknowledge(session, [told])
    log.error("fact_dead", **told.for_the_log)
    return False


def _database_began_after(session: Session, began_at: datetime, now: datetime) -> bool:
    """Whether the server was started since; a file cannot be. Ages are compared, so that clocks may differ."""
    if session.get_bind().dialect.name == "sqlite":
        return False
    age: timedelta = session.execute(
        select((func.clock_timestamp() - func.pg_postmaster_start_time()).cast(Interval))
    ).scalar_one()
    return age < now - began_at
