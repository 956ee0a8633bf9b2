"""Dead facts: what could not be heard, why, and what waits behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.db import inbox, parked

LISTED = 200
"""Lines of a page; nobody settles more of them in one sitting."""


@dataclass(frozen=True, slots=True)
class DeadFact:
    """One of them; `behind` counts the younger facts about the same subject that wait for it."""

    event_id: UUID
    source: str
    type: str
    subject: UUID
    version: int
    since: datetime
    attempts: int
    trace: str
    error: str
    behind: int
    envelope: dict[str, Any]

    @property
    def reason(self) -> str:
        """The line of the error that names it."""
        lines = self.error.strip().splitlines() or [""]
        named = [line for line in lines if re.match(r"[\w.]+(Error|Exception|Refused)?: ", line)]
        return (named or lines)[-1]

    def as_json(self) -> dict[str, Any]:
        """Everything but what the fact says of people."""
        return {
            "id": str(self.event_id),
            "source": self.source,
            "type": self.type,
            "subject": str(self.subject),
            "version": self.version,
            "since": self.since.isoformat(),
            "attempts": self.attempts,
            "trace": self.trace,
            "reason": self.reason,
            "behind": self.behind,
        }


def every(session: Session, *, limit: int | None = None) -> Sequence[DeadFact]:
    """The dead facts, the oldest first; the first `limit` of them if it is given."""
    mine = select(inbox, _BEHIND).where(inbox.c.status == "dead")
    rows = session.execute(mine.order_by(inbox.c.heard_at, inbox.c.event_id).limit(limit)).all()
    return [_of(row) for row in rows]


def count(session: Session) -> int:
    """How many there are, listed or not."""
    return session.scalar(select(func.count()).where(inbox.c.status == "dead")) or 0


def one(session: Session, event_id: UUID) -> DeadFact | None:
    """The dead fact of this id; None when there is none (any more)."""
    mine = select(inbox, _BEHIND).where(inbox.c.status == "dead", inbox.c.event_id == event_id)
    row = session.execute(mine).one_or_none()
    return _of(row) if row is not None else None


def behind(session: Session, fact: DeadFact) -> list[tuple[int, UUID, str]]:
    """What is parked behind a fact: version, id and type, in the order it will be applied."""
    waiting = (
        parked.c.source == fact.source,
        parked.c.subject == fact.subject,
        parked.c.version > fact.version,
    )
    rows = session.execute(select(parked).where(*waiting).order_by(parked.c.version)).all()
    return [(row.version, row.event_id, str(row.envelope.get("type", ""))) for row in rows]


_BEHIND = (
    select(func.count())
    .where(
        parked.c.source == inbox.c.source,
        parked.c.subject == inbox.c.subject,
        parked.c.version > inbox.c.version,
    )
    .scalar_subquery()
    .label("behind")
)


def _of(row: Any) -> DeadFact:
    return DeadFact(
        row.event_id,
        row.source,
        row.type,
        row.subject,
        row.version,
        row.heard_at,
        # Tries that ended badly, and those that never ended.
        row.attempts + row.starts,
        (row.trace or "--").split("-")[1],
        row.error or "",
        row.behind,
        row.envelope or {},
    )
