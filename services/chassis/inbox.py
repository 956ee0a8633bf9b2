"""The inbox: a fact heard twice is acted on once, and facts about one subject in the order they were told.

A handler's effect, the record that the fact was heard, what the handler publishes in turn and the acknowledgement to
the teller all commit together. Nothing else is trusted: the broker may lose, repeat or reorder as it likes.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from marshmallow import EXCLUDE, Schema, ValidationError
from sqlalchemy import Select, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from services.chassis.db import Database, ack_out, inbox, parked, seen

log = structlog.get_logger()

Fact = dict[str, Any]
Handler = Callable[..., None]
Prepare = Callable[[Session, Fact, datetime], Any]

# A handler that raises is tried this often, then its fact is dead and waits for a person.
TRIES = 5
# Nothing more is done about a fact of these statuses.
DONE = ("heard", "discarded", "dead")
# A fact that was begun this often and never ended has killed its worker each time.
STARTS = 3


class Heard(Schema):
    """What a service reads of another's event: the fields it needs, blind to the rest."""

    class Meta:
        unknown = EXCLUDE


@dataclass(frozen=True)
class Ear:
    """One type of fact that a service hears: its shape, what is done, and what is worked out beforehand."""

    reads: type[Heard]
    handle: Handler
    prepare: Prepare | None


class Inbox:
    """The facts one service hears, and the handler of each."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.ears: dict[str, Ear] = {}

    def on(
        self, event_type: str, *, reads: type[Heard], prepare: Prepare | None = None
    ) -> Callable[[Handler], Handler]:
        """Hear facts of this type with the decorated handler: `handler(session, fact, now)`.

        `fact` is what `reads` loads, and `_event_id`, `_happened_at`, `_trace`. With `prepare`, the long part runs
        first on a read-only session, outside the write transaction, and its result is the handler's fourth argument.
        """

        def remember(handler: Handler) -> Handler:
            if event_type in self.ears:
                raise ValueError(f"{self.service} hears {event_type} twice")
            self.ears[event_type] = Ear(reads, handler, prepare)
            return handler

        return remember

    def hear(self, database: Database, envelope: dict[str, Any]) -> str:
        """Act on one fact and tell what became of it: heard, again, parked, unknown, failed or dead.

        Never raises for what is in the fact; a database that cannot be reached does raise, and the teller sends
        the fact again.
        """
        ear = self.ears.get(envelope.get("type", ""))
        if ear is None:
            log.warning("fact_unknown", type=envelope.get("type"))
            return "unknown"
        event_id = UUID(envelope["id"])
        # The first sending pays no commit for this; a repeated one may be the one that kills its worker.
        if int(envelope.get("attempt", 1)) > 1 and not self._may_start(database, envelope):
            return "dead"
        try:
            outcome = self._apply(database, ear, envelope)
        except DBAPIError as error:
            if _is_passing(error):
                raise
            return self._failed(database, envelope, error)
        except ValidationError as error:
            return self._failed(database, envelope, error, final=True)
        except (
            Exception
        ) as error:  # the handler's own fault: counted, shown, and never in the way of other facts
            return self._failed(database, envelope, error)
        if outcome == "heard":
            self._unpark(database, envelope["source"], UUID(envelope["subject"]))
        elif outcome == "again":
            log.info("fact_again", fact=str(event_id), type=envelope["type"])
        return outcome

    def retry(self, database: Database, event_id: UUID) -> str:
        """Try a dead fact once more, and what is parked behind it. Raises LookupError when there is none."""
        with database.transaction() as session:
            row = session.execute(_dead(event_id)).one_or_none()
            if row is None:
                raise LookupError(f"no dead fact {event_id}")
            session.execute(
                update(inbox).where(inbox.c.event_id == event_id).values(status="failed", attempts=0, starts=0)
            )
        return self.hear(database, {**row.envelope, "attempt": 1})

    def discard(self, database: Database, event_id: UUID, *, now: datetime) -> None:
        """Leave a dead fact unheard for good; what is parked behind it goes on. Raises LookupError."""
        with database.transaction() as session:
            row = session.execute(_dead(event_id)).one_or_none()
            if row is None:
                raise LookupError(f"no dead fact {event_id}")
            session.execute(
                update(inbox)
                .where(inbox.c.event_id == event_id)
                .values(status="discarded", envelope=None, heard_at=now)
            )
            _remember_version(session, row.source, row.subject, row.version)
        self._unpark(database, row.source, row.subject)

    def _apply(self, database: Database, ear: Ear, envelope: dict[str, Any]) -> str:
        now = datetime.now(UTC)
        event_id, source = UUID(envelope["id"]), str(envelope["source"])
        subject, version = UUID(envelope["subject"]), int(envelope["aggversion"])
        fact = ear.reads().load(envelope["data"])
        fact["_event_id"] = event_id
        fact["_happened_at"] = datetime.fromisoformat(envelope["time"])
        fact["_trace"] = envelope["traceparent"]
        prepared: tuple[Any, ...] = ()
        if ear.prepare is not None:
            with database.reading() as session:
                if _was_heard(session, event_id) not in DONE:
                    prepared = (ear.prepare(session, fact, now),)

        with database.transaction(trace=envelope["traceparent"], cause=event_id) as session:
            # The subject's row is locked first: neither the same fact nor its younger brother can pass meanwhile.
            last = _lock_subject(session, source, subject)
            if _was_heard(session, event_id) in DONE or version <= last:
                session.execute(
                    update(inbox).where(inbox.c.event_id == event_id).values(again=inbox.c.again + 1)
                )
                _acknowledge(session, source, event_id)
                return "again"
            if version > last + 1:
                # Not acknowledged: the teller sends it again, so nothing depends on who takes it out of here.
                _park(session, envelope, now)
                return "parked"
            if ear.prepare is not None and not prepared:
                # It was heard elsewhere between the two looks, and that was undone: the teller sends it again.
                log.warning("fact_unprepared", fact=str(event_id), type=envelope["type"])
                return "failed"
            ear.handle(session, fact, now, *prepared)
            _record(session, envelope, status="heard", now=now)
            _remember_version(session, source, subject, version)
            _acknowledge(session, source, event_id)
        log.info("fact_heard", fact=str(event_id), type=envelope["type"])
        return "heard"

    def _may_start(self, database: Database, envelope: dict[str, Any]) -> bool:
        now, event_id = datetime.now(UTC), UUID(envelope["id"])
        with database.transaction() as session:
            row = session.execute(
                select(inbox.c.status, inbox.c.starts).where(inbox.c.event_id == event_id)
            ).one_or_none()
            if row is None:
                _record(session, envelope, status="started", now=now, starts=1, keep=True)
            elif row.status in ("started", "failed") and row.starts >= STARTS:
                error = f"Begun {row.starts} times and never ended: it seems to kill its worker."
                session.execute(
                    update(inbox).where(inbox.c.event_id == event_id).values(status="dead", error=error)
                )
                _acknowledge(session, str(envelope["source"]), event_id)
                log.error("fact_dead", fact=str(event_id), type=envelope["type"])
                return False
            elif row.status in ("started", "failed"):
                session.execute(update(inbox).where(inbox.c.event_id == event_id).values(starts=row.starts + 1))
        return True

    def _failed(
        self, database: Database, envelope: dict[str, Any], error: Exception, *, final: bool = False
    ) -> str:
        now, event_id = datetime.now(UTC), UUID(envelope["id"])
        told_of = "".join(traceback.format_exception(error))[-4000:]
        with database.transaction() as session:
            row = session.execute(
                select(inbox.c.status, inbox.c.attempts).where(inbox.c.event_id == event_id)
            ).one_or_none()
            tries = 1 if row is None else row.attempts + 1
            status = "dead" if final or tries >= TRIES else "failed"
            _record(session, envelope, status=status, now=now, attempts=tries, keep=True, error=told_of)
            if status == "dead":
                _acknowledge(session, str(envelope["source"]), event_id)
        # The error's own text may speak of people; it stays in the database, where operators are let in.
        log.error(f"fact_{status}", fact=str(event_id), type=envelope["type"], error=type(error).__name__)
        return status

    def _unpark(self, database: Database, source: str, subject: UUID) -> None:
        """Apply what waited for its elder, one transaction each."""
        while True:
            with database.reading() as session:
                last = session.scalar(
                    select(seen.c.version).where(seen.c.source == source, seen.c.subject == subject)
                )
                waiting = session.scalar(
                    select(parked.c.envelope).where(
                        parked.c.source == source,
                        parked.c.subject == subject,
                        parked.c.version == (last or 0) + 1,
                    )
                )
            if waiting is None:
                return
            outcome = self.hear(database, {**waiting, "attempt": 1})
            if outcome not in ("heard", "again"):
                return


def _dead(event_id: UUID) -> Select[Any]:
    return select(inbox).where(inbox.c.event_id == event_id, inbox.c.status == "dead")


def _was_heard(session: Session, event_id: UUID) -> str | None:
    status: str | None = session.scalar(select(inbox.c.status).where(inbox.c.event_id == event_id))
    return status


def _lock_subject(session: Session, source: str, subject: UUID) -> int:
    """The version last applied of this subject (0: none yet), locked until the transaction ends."""
    statement = (
        upsert(session)(seen)
        .values(source=source, subject=subject, version=0)
        .on_conflict_do_update(index_elements=[seen.c.source, seen.c.subject], set_={"version": seen.c.version})
        .returning(seen.c.version)
    )
    version: int = session.execute(statement).scalar_one()
    return version


def upsert(session: Session) -> Any:
    """The INSERT that knows what to do on conflict, in the words of the session's database."""
    return sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert


def _record(
    session: Session,
    envelope: dict[str, Any],
    *,
    status: str,
    now: datetime,
    attempts: int = 0,
    starts: int = 0,
    keep: bool = False,
    error: str | None = None,
) -> None:
    """Write the inbox row; the whole envelope is kept only while a person may have to look at it."""
    values = {
        "status": status,
        "attempts": attempts,
        "starts": starts,
        "error": error,
        "envelope": envelope if keep else None,
        "heard_at": now,
    }
    session.execute(
        upsert(session)(inbox)
        .values(
            event_id=UUID(envelope["id"]),
            source=str(envelope["source"]),
            type=str(envelope["type"]),
            subject=UUID(envelope["subject"]),
            version=int(envelope["aggversion"]),
            trace=str(envelope["traceparent"]),
            again=0,
            **values,
        )
        .on_conflict_do_update(index_elements=[inbox.c.event_id], set_=values)
    )


def _remember_version(session: Session, source: str, subject: UUID, version: int) -> None:
    session.execute(
        upsert(session)(seen)
        .values(source=source, subject=subject, version=version)
        .on_conflict_do_update(index_elements=[seen.c.source, seen.c.subject], set_={"version": version})
    )
    session.execute(
        delete(parked).where(
            parked.c.source == source, parked.c.subject == subject, parked.c.version <= version
        )
    )


def _acknowledge(session: Session, source: str, event_id: UUID) -> None:
    session.execute(insert(ack_out).values(source=source, event_id=event_id))


def _park(session: Session, envelope: dict[str, Any], now: datetime) -> None:
    session.execute(
        upsert(session)(parked)
        .values(
            source=str(envelope["source"]),
            subject=UUID(envelope["subject"]),
            version=int(envelope["aggversion"]),
            event_id=UUID(envelope["id"]),
            envelope=envelope,
            parked_at=now,
        )
        .on_conflict_do_nothing()
    )


# SQLite says "operational" of a missing table too; these are the ones that pass by themselves.
_PASSING_ON_SQLITE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_PROTOCOL",
)


def _is_passing(error: DBAPIError) -> bool:
    """A database that is away, busy, full or restarting; anything else is about the statement itself."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    name: str | None = getattr(error.orig, "sqlite_errorname", None)
    return name is None or name.startswith(_PASSING_ON_SQLITE)
