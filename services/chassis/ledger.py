"""The rows of what is heard: the order of each subject, what became of each fact, what waits, what is acknowledged.

Everything here takes many facts at once: one statement for all of them, whatever their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from services.chassis.db import ack_out, inbox, parked, seen

# Nothing more is done about a fact of these statuses.
DONE = ("heard", "discarded", "dead")
# About whom, from whom: facts of one such pair are applied in the order they were told.
Thread = tuple[str, UUID]


@dataclass(frozen=True)
class Told:
    """The outside of one envelope, read once."""

    envelope: Mapping[str, Any]
    event_id: UUID
    source: str
    type: str
    subject: UUID
    version: int

    @classmethod
    def of(cls, envelope: Mapping[str, Any]) -> Told:
        """Raises KeyError or ValueError for something that is no envelope."""
        return cls(
            envelope,
            UUID(envelope["id"]),
            str(envelope["source"]),
            str(envelope["type"]),
            UUID(envelope["subject"]),
            int(envelope["aggversion"]),
        )

    @property
    def thread(self) -> Thread:
        return self.source, self.subject

    @property
    def for_the_log(self) -> dict[str, str]:
        """What a log line says of it: enough to find its story, and nothing of people."""
        # The version, the trace, the step and the flags, with dashes between (W3C Trace Context).
        trace = str(self.envelope.get("traceparent", "")).split("-")
        return {"fact": str(self.event_id), "type": self.type, "trace": trace[1] if len(trace) > 1 else ""}


def upsert(session: Session) -> Any:
    """The INSERT that knows what to do on conflict, in the words of the session's database."""
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert


# Statements are made once for each database: to make one takes longer than to use it.
@cache
def _locking(insert_or: Any) -> Any:
    return (
        insert_or(seen)
        .on_conflict_do_update(index_elements=[seen.c.source, seen.c.subject], set_={"version": seen.c.version})
        .returning(seen.c.source, seen.c.subject, seen.c.version)
    )


@cache
def _recording(insert_or: Any) -> Any:
    changing = ("status", "attempts", "starts", "error", "envelope", "heard_at")
    new = insert_or(inbox)
    return new.on_conflict_do_update(
        index_elements=[inbox.c.event_id], set_={name: new.excluded[name] for name in changing}
    )


def lock(session: Session, threads: Iterable[Thread]) -> dict[Thread, int]:
    """The version last applied of each (0: none yet), locked until the transaction ends.

    Sorted, so that two workers with the same subjects in hand wait for each other in one direction only.
    """
    wanted = [{"source": source, "subject": subject, "version": 0} for source, subject in sorted(set(threads))]
    return {
        (row.source, row.subject): row.version for row in session.execute(_locking(upsert(session)), wanted)
    }


def statuses(session: Session, event_ids: Collection[UUID]) -> dict[UUID, str]:
    """What became of those of them that are known here."""
    found = session.execute(select(inbox.c.event_id, inbox.c.status).where(inbox.c.event_id.in_(event_ids)))
    return {row.event_id: row.status for row in found}


def record(
    session: Session,
    facts: Sequence[Told],
    *,
    status: str,
    now: datetime,
    attempts: int = 0,
    starts: int = 0,
    keep: bool = False,
    error: str | None = None,
) -> None:
    """Write the inbox rows; the whole envelope is kept only while a person may have to look at it."""
    if not facts:
        return
    rows = [
        {
            "event_id": fact.event_id,
            "source": fact.source,
            "type": fact.type,
            "subject": fact.subject,
            "version": fact.version,
            "trace": str(fact.envelope["traceparent"]),
            "again": 0,
            "status": status,
            "attempts": attempts,
            "starts": starts,
            "error": error,
            "envelope": fact.envelope if keep else None,
            "heard_at": now,
        }
        for fact in facts
    ]
    session.execute(_recording(upsert(session)), rows)


def count_again(session: Session, event_ids: Collection[UUID]) -> None:
    """Note that these came once more and changed nothing."""
    if event_ids:
        session.execute(update(inbox).where(inbox.c.event_id.in_(event_ids)).values(again=inbox.c.again + 1))


_ARRIVED = (
    update(seen)
    .where(seen.c.source == bindparam("of_source"), seen.c.subject == bindparam("of_subject"))
    .values(version=bindparam("to_version"))
)


def remember(session: Session, versions: Mapping[Thread, int]) -> list[Thread]:
    """Note how far each has come, and forget what was parked up to there; returns those with more parked behind.

    The threads must be locked: whoever parks a fact holds that lock, so nothing can be parked unseen.
    """
    if not versions:
        return []
    session.connection().execute(
        _ARRIVED,
        [
            {"of_source": source, "of_subject": subject, "to_version": version}
            for (source, subject), version in versions.items()
        ],
    )
    waiting = session.execute(
        select(parked.c.source, parked.c.subject, parked.c.version).where(
            parked.c.source.in_({source for source, _ in versions}),
            parked.c.subject.in_({subject for _, subject in versions}),
        )
    ).all()
    behind: dict[Thread, None] = {}
    for source, subject, version in waiting:
        arrived = versions.get((source, subject))
        if arrived is None:
            continue
        if version > arrived:
            behind[source, subject] = None
        else:
            session.execute(
                delete(parked).where(
                    parked.c.source == source, parked.c.subject == subject, parked.c.version == version
                )
            )
    return list(behind)


def acknowledge(session: Session, facts: Iterable[Told]) -> None:
    """Promise the tellers of these facts that they need not send them again; it leaves after the commit."""
    rows = [{"source": fact.source, "event_id": fact.event_id} for fact in facts]
    if rows:
        session.execute(insert(ack_out), rows)


def park(session: Session, facts: Sequence[Told], now: datetime) -> None:
    """Keep facts that came before their elders. Each has ended its start: a fact that waits kills no worker."""
    if not facts:
        return
    begun = (inbox.c.event_id.in_([fact.event_id for fact in facts]), inbox.c.status == "started")
    session.execute(update(inbox).where(*begun).values(starts=0))
    session.execute(
        upsert(session)(parked).on_conflict_do_nothing(),
        [
            {
                "source": fact.source,
                "subject": fact.subject,
                "version": fact.version,
                "event_id": fact.event_id,
                "envelope": fact.envelope,
                "parked_at": now,
            }
            for fact in facts
        ],
    )
