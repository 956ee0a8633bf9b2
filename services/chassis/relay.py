"""The relay: sends what the outbox promised until each hearer has acknowledged it, and does the service's chores.

One process a service; any number may run. A claim pushes `next_at` ahead before anything is published, so a crash costs
a delay and never a fact. While the broker cannot be reached nothing is claimed. While a hearer's queue is long nothing
more is sent to it: the backlog waits here, in SQL, and the broker stays small.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import redis
import structlog
from kombu.exceptions import OperationalError
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from services.chassis import prune
from services.chassis.broker import acks_queue, celery_app, client, events_queue, nudge_key
from services.chassis.db import Database, ack_out, delivery, outbox, pulse
from services.chassis.inbox import upsert
from services.chassis.opening import open_database
from services.chassis.outbox import envelope
from services.chassis.routes import services
from services.chassis.service import Chore, Service, Sweep
from services.chassis.settings import Settings
from services.chassis.telemetry import configure

if TYPE_CHECKING:
    from services.chassis.listening import Listener

log = structlog.get_logger()

BATCH = 200
MAX_QUEUE = 200
FIRST_RETRY_S, LONGEST_RETRY_S = 6.0, 300.0
POLL_S = 1.0
CANARY_S = 10.0
EPOCH_KEY = "palabre:epoch"


def retry_after_s(attempts: int) -> float:
    """How long an unacknowledged fact waits before its next sending, after `attempts` (0, 1, 2…) earlier ones."""
    doubled: float = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(attempts, 10))
    return doubled * random.uniform(1, 1.2)  # noqa: S311


class Relay:
    """One service's relay. `turn()` does all that is due once; `run(stop)` goes on until told to stop."""

    def __init__(self, service: Service, settings: Settings, database: Database | None = None) -> None:
        self.service = service
        self.settings = settings
        self.database = database or open_database(service.name, settings)
        self._app = celery_app(service.name, settings)
        self._redis = client(settings)
        self._waiter = client(settings, timeout_s=POLL_S + 2)
        self._connection: Any = None
        self._producer: Any = None
        self._listener = _listener(self.database)
        self._next: dict[str, float] = defaultdict(float)
        self._run_id = ""

    def run(self, stop: threading.Event) -> None:
        """Turn and wait for a nudge, until `stop` is set."""
        while not stop.is_set():
            busy = False
            try:
                busy = self.turn()
            except (redis.RedisError, OperationalError, OSError) as error:
                self._let_go("broker_away", error)
                stop.wait(0.2)
            except DBAPIError as error:
                self._let_go("database_away", error)
                stop.wait(0.5)
            if not busy and not stop.is_set():
                self._wait(stop)
        self._close()

    def turn(self) -> bool:
        """Do what is due; True when there is more to do at once. Raises when broker or database are away."""
        self._chores()
        lengths = self._look_at_broker()
        sent = self._send_facts(lengths)
        acked = self._send_acks()
        swept = self._sweeps()
        if self._due("canary", CANARY_S):
            self._send(
                f"{self.service.name}.canary", [datetime.now(UTC).isoformat()], events_queue(self.service.name)
            )
        return sent >= BATCH or acked >= BATCH or swept

    def _look_at_broker(self) -> dict[str, int]:
        """Lengths of the hearers' queues; notices a broker that forgot and makes everything unacknowledged due."""
        names = services()
        pipe: Any = self._redis.pipeline(transaction=False)
        pipe.set(EPOCH_KEY, uuid4().hex, nx=True)
        pipe.get(EPOCH_KEY)
        for name in names:
            pipe.llen(events_queue(name))
        answers = pipe.execute()
        if self._due("run_id", POLL_S) or not self._run_id:
            # A broker that came back from its own files keeps the epoch and may still have lost its last second.
            self._run_id = str(self._redis.info("server").get("run_id", ""))
        epoch = f"{answers[1].decode()}:{self._run_id}"
        with self.database.reading() as session:
            known = session.scalar(select(pulse.c.value).where(pulse.c.name == "epoch"))
        if epoch != known:
            with self.database.transaction() as session:
                now = datetime.now(UTC)
                session.execute(
                    update(delivery)
                    .where(delivery.c.acked_at.is_(None), delivery.c.attempts > 0)
                    .values(next_at=now)
                )
                session.execute(
                    upsert(session)(pulse)
                    .values(name="epoch", value=epoch, at=now)
                    .on_conflict_do_update(index_elements=[pulse.c.name], set_={"value": epoch, "at": now})
                )
            if known is not None:
                log.warning("broker_forgot")
        return dict(zip(names, answers[2:], strict=True))

    def _send_facts(self, lengths: dict[str, int]) -> int:
        open_to = [name for name, length in lengths.items() if length <= MAX_QUEUE]
        due = (
            delivery.c.acked_at.is_(None),
            delivery.c.next_at <= datetime.now(UTC),
            delivery.c.hearer.in_(open_to),
        )
        with self.database.reading() as session:
            if session.execute(select(delivery.c.event_id).where(*due).limit(1)).first() is None:
                return 0
        with self.database.transaction() as session:
            rows = session.execute(
                select(outbox, delivery.c.hearer, delivery.c.version, delivery.c.attempts)
                .join(delivery, delivery.c.event_id == outbox.c.event_id)
                .where(*due)
                .order_by(delivery.c.sequence)
                .limit(BATCH)
                .with_for_update(skip_locked=True, of=delivery)
            ).all()
            _push_ahead(session, rows)
        for row in rows:
            fact = envelope(row, self.service.name, row.version, row.attempts + 1)
            self._send(f"{row.hearer}.hear", [fact], events_queue(row.hearer))
        return len(rows)

    def _send_acks(self) -> int:
        with self.database.reading() as session:
            rows = session.execute(select(ack_out).order_by(ack_out.c.sequence).limit(500)).all()
        if not rows:
            return 0
        by_source: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_source[row.source].append(str(row.event_id))
        for source, ids in by_source.items():
            self._send(f"{source}.ack", [self.service.name, ids], acks_queue(source))
        with self.database.transaction() as session:
            session.execute(delete(ack_out).where(ack_out.c.sequence.in_([row.sequence for row in rows])))
        return len(rows)

    def _chores(self) -> None:
        for chore in (*self.service.chores, *prune.CHORES):
            if self._due(f"chore {chore.name}", chore.every_s):
                self._attempt(chore)

    def _attempt(self, chore: Chore) -> None:
        try:
            with self.database.transaction(settings=self.settings) as session:
                chore.do(session, datetime.now(UTC))
        except DBAPIError:
            raise
        except Exception as error:  # one broken chore must not stop facts from travelling
            log.error("chore_broke", chore=chore.name, exc_info=error)

    def _sweeps(self) -> bool:
        found = False
        for sweep in self.service.sweeps:
            try:
                calls = self._found(sweep)
            except DBAPIError:
                raise
            except Exception as error:  # as above
                log.error("sweep_broke", sweep=sweep.name, exc_info=error)
                continue
            queue = next(task.queue for task in self.service.tasks if task.name == sweep.task)
            for args in calls:
                self._send(f"{self.service.name}.{sweep.task}", args, queue)
            found = found or bool(calls)
        return found

    def _found(self, sweep: Sweep) -> list[list[Any]]:
        with self.database.transaction(settings=self.settings) as session:
            return sweep.find(session, datetime.now(UTC))

    def _send(self, task: str, args: list[Any], queue: str) -> None:
        if self._producer is None:
            self._connection = self._app.connection_for_write()
            self._connection.ensure_connection(max_retries=1, timeout=2)
            self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)
        self._app.send_task(task, args=args, producer=self._producer, retry=False, queue=queue)

    def _due(self, what: str, every_s: float) -> bool:
        hour = time.monotonic()
        if hour < self._next[what]:
            return False
        self._next[what] = hour + every_s
        return True

    def _wait(self, stop: threading.Event) -> None:
        """Until somebody nudges, or a second has gone by."""
        try:
            if self._listener is None:
                self._waiter.brpop([nudge_key(self.service.name)], timeout=POLL_S)
            else:
                self._listener.wait(POLL_S)
        except (redis.RedisError, OSError):
            stop.wait(0.2)

    def _let_go(self, what: str, error: Exception) -> None:
        log.warning(what, error=type(error).__name__)
        self._producer, self._run_id = None, ""
        if self._connection is not None:
            try:
                self._connection.release()
            except OSError:
                log.debug("connection_was_gone")
            self._connection = None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.release()
        if self._listener is not None:
            self._listener.close()
        self.database.dispose()


def _listener(database: Database) -> Listener | None:
    if database.is_sqlite:
        return None
    from services.chassis.listening import Listener  # noqa: PLC0415  the driver is for PostgreSQL alone

    return Listener(database.url)


def _push_ahead(session: Session, rows: Sequence[Any]) -> None:
    now = datetime.now(UTC)
    by_attempts: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for row in rows:
        by_attempts[row.hearer, row.attempts].append(row.event_id)
    for (hearer, attempts), ids in by_attempts.items():
        session.execute(
            update(delivery)
            .where(delivery.c.hearer == hearer, delivery.c.event_id.in_(ids))
            .values(attempts=attempts + 1, next_at=now + timedelta(seconds=retry_after_s(attempts)))
        )


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda *_: stop.set())
    yield stop


def run(service: Service, settings: Settings) -> int:
    """Relay until told to stop; returns the exit code."""
    configure(settings, service.name, "relay")
    with _told_to_stop() as stop:
        Relay(service, settings).run(stop)
    return 0
