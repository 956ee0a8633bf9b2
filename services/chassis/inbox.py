"""The inbox: a fact heard twice is acted on once, and facts about one subject in the order they were told.

A handler's effect, the record that the fact was heard, what the handler publishes in turn and the acknowledgement to
the teller all commit together. Nothing else is trusted: the broker may lose, repeat or reorder as it likes.

Facts that come together are committed together: waiting for the disk costs more than most effects. When one of them
cannot be applied, nothing of that common transaction stays, and each is heard alone.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from marshmallow import EXCLUDE, Schema, ValidationError
from sqlalchemy import Select, Table, select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from services.chassis import ledger
from services.chassis.db import Database, inbox, parked, seen
from services.chassis.ledger import DONE, Told
from services.chassis.ledger import upsert as upsert
from services.chassis.mirrors import Mirror, Settle, mirror_of
from services.chassis.outbox import wake
from services.chassis.pace import POLL_S
from services.chassis.starts import Starts

log = structlog.get_logger()

Fact = dict[str, Any]
Envelope = dict[str, Any]
Handler = Callable[..., None]
Prepare = Callable[[Session, Fact, datetime], Any]

# A handler that raises is tried this often, then its fact is dead and waits for a person.
TRIES = 5
# One transaction applies facts for this long: on SQLite nobody else can write meanwhile.
TOGETHER_S = 0.05
# What a message holds beyond this is left to its teller; a worker may have 45 s for one message.
PATIENCE_S = 20.0


class Heard(Schema):
    """What a service reads of another's event: the fields it needs, blind to the rest."""

    class Meta:
        unknown = EXCLUDE


@dataclass(frozen=True)
class Ear:
    """One type of fact that a service hears: its shape, what is done, and what is worked out beforehand."""

    reads: type[Heard]
    shape: Heard
    handle: Handler
    prepare: Prepare | None
    replay: Handler | None

    def fact(self, envelope: Envelope) -> Fact:
        """What a handler is given. Raises ValidationError."""
        fact: Fact = self.shape.load(envelope["data"])
        fact["_event_id"] = UUID(envelope["id"])
        fact["_happened_at"] = datetime.fromisoformat(envelope["time"])
        fact["_trace"] = envelope["traceparent"]
        return fact


@dataclass(frozen=True)
class _Read:
    """One fact as its handler takes it."""

    told: Told
    ear: Ear
    fact: Fact

    @classmethod
    def of(cls, ear: Ear, envelope: Envelope) -> _Read:
        return cls(Told.of(envelope), ear, ear.fact(envelope))


class Inbox:
    """The facts one service hears, and the handler of each."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.ears: dict[str, Ear] = {}
        self.mirrors: list[Mirror] = []
        self.starts = Starts()
        # By time.monotonic().
        self._wake_at = 0.0

    def on(
        self,
        event_type: str,
        *,
        reads: type[Heard],
        prepare: Prepare | None = None,
        replays: bool | Handler = False,
    ) -> Callable[[Handler], Handler]:
        """Hear facts of this type with the decorated handler: `handler(session, fact, now)`.

        `fact` is what `reads` loads, and `_event_id`, `_happened_at`, `_trace`. With `prepare`, the long part runs
        first on a read-only session, outside the write transaction, and its result is the handler's fourth argument.
        A handler does nothing but write to its session: what it did is undone and done anew when a neighbour fails.

        `replays` says what is done when the fact is told again to write mirrored rows anew: the same, for a handler
        that does nothing else (True), another handler, or nothing (False).
        """

        def remember(handler: Handler) -> Handler:
            if event_type in self.ears:
                raise ValueError(f"{self.service} hears {event_type} twice")
            replay = handler if replays is True else replays or None
            self.ears[event_type] = Ear(reads, reads(), handler, prepare, replay)
            return handler

        return remember

    def mirror(
        self,
        source: str,
        kept: type[Any] | Table,
        *,
        by: str,
        own: tuple[str, ...] = (),
        settle: Settle | None = None,
    ) -> None:
        """Say that the rows of `kept` come from what `source` told, each from the facts about one subject.

        `by` is the column that holds the subject, `own` are columns that a row keeps when it is written anew, and
        `settle(session, subjects, now)` makes right afterwards what depends on both.
        """
        self.mirrors.append(mirror_of(source, kept, by, own, settle))

    @property
    def sources(self) -> tuple[str, ...]:
        """The tellers whose facts can be told again here."""
        return tuple(dict.fromkeys(mirror.source for mirror in self.mirrors))

    def hear_all(
        self, database: Database, envelopes: Sequence[Envelope], *, patience_s: float = PATIENCE_S
    ) -> list[str]:
        """Act on facts in the order given, many in one commit, and tell what became of each, as `hear` does.

        A fact that comes again or has a long part is heard alone. Those that are not begun within `patience_s` are
        "left": they are not acknowledged, so their teller sends them again. An empty list does nothing.
        """
        outcomes: list[str] = []
        give_up = time.monotonic() + patience_s
        while len(outcomes) < len(envelopes):
            rest = envelopes[len(outcomes) :]
            if outcomes and time.monotonic() > give_up:
                log.warning("facts_left", facts=len(rest))
                return outcomes + ["left"] * len(rest)
            alone = next((i for i, envelope in enumerate(rest) if not self._may_go_along(envelope)), len(rest))
            if alone > 1:
                outcomes += self._hear_together(database, rest[:alone])
            else:
                outcomes.append(self.hear(database, rest[0]))
        return outcomes

    def hear(self, database: Database, envelope: Envelope) -> str:
        """Act on one fact and tell what became of it: heard, again, parked, unknown, failed or dead.

        Unknown is what nobody here hears, and what is not an envelope; it is left alone.

        Never raises for what is in the fact; a database that cannot be reached does raise, and the teller sends
        the fact again.
        """
        return self._hear(database, envelope, unparks=True)

    def _hear(self, database: Database, envelope: Envelope, *, unparks: bool, revives: bool = False) -> str:
        ear = self.ears.get(envelope.get("type", ""))
        if ear is None:
            log.warning("fact_unknown", type=envelope.get("type"))
            return "unknown"
        try:
            told = Told.of(envelope)
        except (KeyError, ValueError, TypeError):
            log.error("not_a_fact", type=envelope.get("type"))
            return "unknown"
        # The first sending pays no commit for this; a repeated one may be the one that kills its worker.
        is_counted = _is_suspect(envelope)
        try:
            if is_counted and not self.starts.may(database, told):
                return "dead"
            return self._apply(database, ear, envelope, unparks=unparks, revives=revives)
        except DBAPIError as error:
            if is_passing(error):
                if is_counted:
                    self.starts.ended_by_database(told)
                raise
            return self._failed(database, envelope, error, revives=revives)
        except ValidationError as error:
            return self._failed(database, envelope, error, final=True, revives=revives)
        except (
            Exception
        ) as error:  # the handler's own fault: counted, shown, and never in the way of other facts
            return self._failed(database, envelope, error, revives=revives)

    def retry(self, database: Database, event_id: UUID) -> str:
        """Try a dead fact once more, and what is parked behind it. Raises LookupError when there is none.

        It stays dead until it is heard, whatever happens meanwhile: nobody would send it again.
        """
        with database.reading() as session:
            row = session.execute(_dead(event_id)).one_or_none()
        if row is None:
            raise LookupError(f"no dead fact {event_id}")
        return self._hear(database, {**row.envelope, "attempt": 1}, unparks=True, revives=True)

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
            thread = (row.source, row.subject)
            ledger.lock(session, [thread])
            ledger.remember(session, {thread: row.version})
        self._unpark(database, row.source, row.subject)

    def _may_go_along(self, envelope: Envelope) -> bool:
        """Whether a fact is committed with others: above suspicion, known, and quick to apply."""
        ear = self.ears.get(envelope.get("type", ""))
        return ear is not None and ear.prepare is None and not _is_suspect(envelope)

    def _hear_together(self, database: Database, envelopes: Sequence[Envelope]) -> list[str]:
        """Apply as many as there is time for in one transaction; at least one is begun."""
        try:
            reads = [_Read.of(self.ears[envelope["type"]], envelope) for envelope in envelopes]
            outcomes, unparked = self._commit(database, reads)
        except Exception as error:  # whatever it was: it meets the one it belongs to, and nobody else
            log.info("facts_alone", facts=len(envelopes), error=type(error).__name__)
            return [self.hear(database, envelope) for envelope in envelopes]
        for source, subject in unparked:
            self._unpark(database, source, subject)
        return outcomes

    def _apply(self, database: Database, ear: Ear, envelope: Envelope, *, unparks: bool, revives: bool) -> str:
        read = _Read.of(ear, envelope)
        prepared: tuple[Any, ...] = ()
        if ear.prepare is not None:
            with database.reading() as session:
                if revives or _was_heard(session, read.told.event_id) not in DONE:
                    prepared = (ear.prepare(session, read.fact, datetime.now(UTC)),)
        (outcome,), unparked = self._commit(database, [read], *prepared, revives=revives)
        for source, subject in unparked if unparks else ():
            self._unpark(database, source, subject)
        return outcome

    def _commit(
        self, database: Database, reads: Sequence[_Read], *prepared: Any, revives: bool = False
    ) -> tuple[list[str], list[ledger.Thread]]:
        """One transaction: what became of the first facts, at least one, and the threads with more parked behind.

        `prepared` is the result of the long part; only a fact that is alone has one. What is done with is not begun
        again, unless a person `revives` it and it was never applied.
        """
        now, enough = datetime.now(UTC), time.monotonic() + TOGETHER_S
        outcomes: list[str] = []
        heard: dict[UUID, _Read] = {}
        again: list[Told] = []
        early: list[Told] = []
        moved: dict[ledger.Thread, int] = {}
        with database.transaction() as session:
            # The subjects' rows are locked first: neither the same fact nor its younger brother can pass meanwhile.
            last = ledger.lock(session, (read.told.thread for read in reads))
            known = ledger.statuses(session, [read.told.event_id for read in reads])
            for read in reads:
                told = read.told
                is_done = known.get(told.event_id) in DONE and not revives
                if is_done or told.version <= last[told.thread]:
                    again.append(told)
                    outcomes.append("again")
                elif told.version > last[told.thread] + 1:
                    # Not acknowledged: the teller sends it again, so nothing depends on who takes it out of here.
                    early.append(told)
                    outcomes.append("parked")
                elif read.ear.prepare is not None and not prepared:
                    # Heard elsewhere between the two looks, and that was undone: the teller sends it again.
                    outcomes.append("failed")
                else:
                    session.info.update(trace=told.envelope["traceparent"], cause=told.event_id)
                    read.ear.handle(session, read.fact, now, *prepared)
                    # The next fact must find what this one wrote, and nothing that is only remembered.
                    session.flush()
                    session.expunge_all()
                    heard[told.event_id] = read
                    last[told.thread] = moved[told.thread] = told.version
                    outcomes.append("heard")
                if time.monotonic() > enough:
                    break
            ledger.record(session, [read.told for read in heard.values()], status="heard", now=now)
            ledger.count_again(session, [told.event_id for told in again])
            ledger.park(session, early, now)
            unparked = ledger.remember(session, moved)
            self._acknowledge(session, [*again, *(read.told for read in heard.values())])
        for read, outcome in zip(reads, outcomes, strict=False):
            log.info(f"fact_{outcome}", **read.told.for_the_log)
        return outcomes, unparked

    def _failed(
        self,
        database: Database,
        envelope: Envelope,
        error: Exception,
        *,
        final: bool = False,
        revives: bool = False,
    ) -> str:
        now, told = datetime.now(UTC), Told.of(envelope)
        story = "".join(traceback.format_exception(error))[-4000:]
        with database.transaction() as session:
            last = ledger.lock(session, [told.thread])[told.thread]
            row = session.execute(
                select(inbox.c.status, inbox.c.attempts).where(inbox.c.event_id == told.event_id)
            ).one_or_none()
            if told.version <= last or (row is not None and row.status in DONE and not revives):
                ledger.count_again(session, [told.event_id])
                self._acknowledge(session, [told])
                return "again"
            if told.version > last + 1:
                # Whatever is wrong with it, its elders come first.
                ledger.park(session, [told], now)
                return "parked"
            tries = 1 if row is None else row.attempts + 1
            status = "dead" if final or revives or tries >= TRIES else "failed"
            ledger.record(session, [told], status=status, now=now, attempts=tries, keep=True, error=story)
            if status == "dead":
                self._acknowledge(session, [told])
        # The error's own text may speak of people; it stays in the database, where operators are let in.
        log.error(f"fact_{status}", **told.for_the_log, error=type(error).__name__)
        return status

    def _acknowledge(self, session: Session, facts: Sequence[Told]) -> None:
        """Promise their tellers that these facts need not come again, before they would send them anew.

        A relay that rests looks only every few seconds. Woken, it looks again within one: once in it is enough.
        """
        ledger.acknowledge(session, facts)
        if facts and time.monotonic() >= self._wake_at:
            self._wake_at = time.monotonic() + POLL_S
            wake(session)

    def _unpark(self, database: Database, source: str, subject: UUID) -> None:
        """Apply what waited for its elder, one transaction each, until one of them does not take us further."""
        before: int | None = -1
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
            # One that failed, is dead or is in another's hands moves nothing: it is tried once here, not for ever.
            if waiting is None or last == before:
                return
            before = last
            self._hear(database, {**waiting, "attempt": 1}, unparks=False)


def _is_suspect(envelope: Envelope) -> bool:
    """Sent again because nobody acknowledged it; not because the broker forgot it, which is no fault of its own."""
    return int(envelope.get("attempt", 1)) > 1 and not envelope.get("afresh")


def _dead(event_id: UUID) -> Select[Any]:
    return select(inbox).where(inbox.c.event_id == event_id, inbox.c.status == "dead")


def _was_heard(session: Session, event_id: UUID) -> str | None:
    status: str | None = session.scalar(select(inbox.c.status).where(inbox.c.event_id == event_id))
    return status


# SQLite says "operational" of a missing table too; these are the ones that pass by themselves.
_PASSING_ON_SQLITE = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_PROTOCOL",
)


def is_passing(error: DBAPIError) -> bool:
    """A database that is away, busy, full or restarting; anything else is about the statement itself."""
    if error.connection_invalidated:
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    name: str | None = getattr(error.orig, "sqlite_errorname", None)
    return name is None or name.startswith(_PASSING_ON_SQLITE)
