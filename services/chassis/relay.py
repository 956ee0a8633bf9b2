"""The relay: sends what the outbox promised until each hearer has acknowledged it, and does the service's chores.

One process a service; any number may run. A claim pushes `next_at` ahead before anything is published, so a crash costs
a delay and never a fact. While the broker cannot be reached nothing is claimed. While a hearer has many facts before it
nothing more is sent to it: the backlog waits here, in SQL, and the broker stays small.
"""

from __future__ import annotations

import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from json import dumps
from typing import TYPE_CHECKING, Any

import redis
import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from services.chassis import due, prune, recalls
from services.chassis.broker import acks_queue, client, events_queue, nudge_key
from services.chassis.db import Database, ack_out
from services.chassis.opening import open_database
from services.chassis.pace import IDLE_S, POLL_S, Pace
from services.chassis.post import Post, Seen
from services.chassis.routes import services
from services.chassis.service import Chore, Service, Sweep
from services.chassis.settings import Settings
from services.chassis.telemetry import configure
from services.chassis.ways import QUEUED, Way

if TYPE_CHECKING:
    from services.chassis.listening import Listener

log = structlog.get_logger()

ACKS = 500
ACKS_S = 0.2
# How soon a hearer's queue is looked at again while facts wait for room in it; doubled while it does not shrink.
ROOM_S = 0.02
# How long facts gather for one message while others wait before their hearer: it is not helped by many small ones.
GATHER_S = 0.025
CANARY_S = 10.0
# How often it is looked for facts that wait for a clock which was set back; at every turn for a while once one was
# found: where two clocks differ, every fact that follows waits as well.
CLOCKS_S, DIFFERENT_S = 5.0, 60.0


_ANY_ACK = select(ack_out.c.sequence).limit(1)


@dataclass(frozen=True)
class _Waiting:
    """What a look into the database found: who is to be told, and what else there is to do."""

    now: datetime
    hearers: list[str]
    has_another_clock: bool
    acks: bool
    questions: bool
    is_quiet: bool


class Relay:
    """One service's relay. `turn()` does all that is due once; `run(stop)` goes on until told to stop.

    What leaves, leaves through `post`.
    """

    def __init__(self, service: Service, settings: Settings, database: Database | None = None) -> None:
        self.service = service
        self.settings = settings
        self.database = database or open_database(service.name, settings)
        self.post = Post(settings)
        self._queues = [events_queue(name) for name in services()]
        self._ways: dict[str, Way] = {name: Way() for name in services()}
        self._epoch = ""
        self._seen: Seen | None = None
        self._unsent = False
        self._waiter = client(settings, timeout_s=IDLE_S + 2)
        self._listener = _listener(self.database)
        self._next: dict[str, float] = defaultdict(float)
        # By time.monotonic(), as all that is compared with itself alone.
        self._differs_until = 0.0
        self._pause_s = POLL_S
        self._held: dict[str, int] = {}
        self._is_crowded = False
        self._is_quiet = False
        self.pace = Pace()
        # When `run` last came round, by time.monotonic(): one that hangs comes round no more.
        self.turned_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Turn and wait for a nudge, until `stop` is set."""
        while not stop.is_set():
            self.turned_at = time.monotonic()
            busy = False
            try:
                busy = self.turn()
            except (redis.RedisError, OSError) as error:
                self._let_go("broker_away", error)
                stop.wait(0.2)
            except DBAPIError as error:
                self._let_go("database_away", error)
                stop.wait(0.5)
            if busy:
                self.pace.wake()
            elif not stop.is_set():
                self._seen = None
                self._wait(stop)
        self._close()

    def wake(self) -> None:
        """Have `run` look now instead of waiting on, from another thread."""
        if self.database.after_commit is not None:
            self.database.after_commit()

    def turn(self) -> bool:
        """Do what is due; True when there is more to do at once. Raises when broker or database are away."""
        self._chores()
        # What the last sending saw of the broker still holds when it was just now.
        seen = self._seen or self._exchange()
        waiting = self._look()
        self._is_quiet = waiting.is_quiet and not waiting.questions
        more = self._send_facts(waiting, seen)
        more = (waiting.acks and self._send_acks()) or more
        more = self._sweeps() or more
        if waiting.questions:
            self._ask_again()
        if self._due("canary", CANARY_S):
            self._send(
                f"{self.service.name}.canary", [datetime.now(UTC).isoformat()], events_queue(self.service.name)
            )
        if self._unsent:
            self._exchange()
        return more

    def _exchange(self) -> Seen:
        """Send what is ready and look at the broker; one that forgot makes everything unacknowledged due."""
        self._unsent = False
        seen = self.post.exchange(self._queues)
        if seen.epoch != self._epoch:
            with self.database.transaction() as session:
                if due.all_again(session, seen.epoch):
                    log.warning("broker_forgot")
            self._epoch = seen.epoch
        self._seen = seen
        return seen

    def _look(self) -> _Waiting:
        """What waits in the database, asked in one go: most turns find nothing."""
        now = datetime.now(UTC)
        with self.database.reading() as session:
            hearers = due.hearers(session, self._ways, now)
            return _Waiting(
                now,
                hearers,
                self._minds_clocks() and due.by_another_clock(session, self._ways, now),
                self._due("acks", ACKS_S) and session.execute(_ANY_ACK).first() is not None,
                self._due("recalls", POLL_S) and recalls.is_waiting(session),
                # Asked at rest alone: who was nudged looks again soon anyway.
                not (hearers or self.pace.is_woken or due.is_any_unacknowledged(session)),
            )

    def _send_facts(self, waiting: _Waiting, seen: Seen) -> bool:
        now, wanted = waiting.now, waiting.hearers
        if waiting.has_another_clock:
            self._set_right(now)
        lengths = {name: seen.lengths[events_queue(name)] for name in wanted}
        hour = time.monotonic()
        room = {name: self._ways[name].room(length, hour) for name, length in lengths.items()}
        self._mind_the_held({name: length for name, length in lengths.items() if not room[name]})
        claimed = {}
        for hearer in (name for name in wanted if room[name]):
            with self.database.transaction() as session:
                spare = self._ways[hearer].spare(lengths[hearer], hour)
                claimed[hearer] = due.claim(session, hearer, room[hearer], now, spare=spare)
        self._is_crowded = any(rows and lengths[hearer] > QUEUED for hearer, rows in claimed.items())
        for hearer, rows in claimed.items():
            for arguments, facts in due.messages(rows, self.service.name):
                self.post.put(events_queue(hearer), f"{hearer}.hear", arguments)
                self._ways[hearer].sent(facts, hour)
        if claimed:
            self._exchange()
        return waiting.has_another_clock or any(len(rows) == room[hearer] for hearer, rows in claimed.items())

    def _minds_clocks(self) -> bool:
        return self._due("clocks", CLOCKS_S) or time.monotonic() < self._differs_until

    def _set_right(self, now: datetime) -> None:
        if time.monotonic() > self._differs_until:
            log.warning("clock_was_set")
        self._differs_until = time.monotonic() + DIFFERENT_S
        with self.database.transaction() as session:
            due.set_right(session, self._ways, now)

    def _mind_the_held(self, held: dict[str, int]) -> None:
        """Look again soon while queues without room shrink, and ever later while they do not."""
        if not held:
            self._pause_s = POLL_S
        elif not self._held or any(length < self._held.get(name, 0) for name, length in held.items()):
            self._pause_s = ROOM_S
        else:
            self._pause_s = min(POLL_S, 2 * self._pause_s)
        self._held = held

    def _send_acks(self) -> bool:
        # Forgotten before they leave: one that is lost so comes of itself when the fact is sent again. And what is
        # read in a transaction that commits is on disk; nothing that a power cut could undo is acknowledged.
        first = select(ack_out.c.sequence).order_by(ack_out.c.sequence).limit(ACKS)
        with self.database.transaction() as session:
            rows = session.execute(
                delete(ack_out)
                .where(ack_out.c.sequence.in_(first))
                .returning(ack_out.c.source, ack_out.c.event_id)
            ).all()
        by_source: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            by_source[row.source].append(str(row.event_id))
        for source, ids in by_source.items():
            self._send(f"{source}.ack", [self.service.name, ids], acks_queue(source))
        if len(rows) < ACKS:
            return False
        self._next["acks"] = 0.0
        return True

    def _ask_again(self) -> None:
        """Ask the tellers for what this service wants to be told again, and got no answer to."""
        with self.database.transaction() as session:
            questions = recalls.due(session, datetime.now(UTC))
        for source, question in questions:
            self._send(f"{source}.recollect", [self.service.name, question.as_json()], events_queue(source))

    def _chores(self) -> None:
        for chore in (*self.service.chores, *prune.chores(self.service), *recalls.chores(self.service)):
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
        """Sweep what is due: what somebody may have left work for, and else each at its own pace."""
        found = False
        for sweep in self.service.sweeps:
            is_called = self.pace.is_woken and not sweep.by_clock
            if not (self._due(_turn_of(sweep), sweep.every_s) or is_called):
                continue
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
        self.post.put(queue, task, dumps(args))
        self._unsent = True

    def _due(self, what: str, every_s: float) -> bool:
        hour = time.monotonic()
        if hour < self._next[what]:
            return False
        self._next[what] = hour + every_s
        return True

    def _wait(self, stop: threading.Event) -> None:
        """Until somebody nudges, or it is time to look; nudges count only so often while messages wait at a hearer."""
        if self._is_crowded:
            stop.wait(min(GATHER_S, self._pause_s))
            return
        pause_s = self.pace.pause_s if self._pause_s == POLL_S else self._pause_s
        try:
            if self._listener is None:
                nudged = self._waiter.brpop([nudge_key(self.service.name)], timeout=pause_s) is not None
            else:
                nudged = self._listener.wait(pause_s)
        except (redis.RedisError, OSError):
            nudged = True
            stop.wait(0.2)
        if nudged:
            self.pace.wake()
        else:
            self.pace.rest(is_quiet=self._is_quiet)

    def _let_go(self, what: str, error: Exception) -> None:
        log.warning(what, error=type(error).__name__)
        self._seen, self._unsent, self._pause_s, self._is_crowded = None, False, POLL_S, False
        self.pace.wake()
        for sweep in self.service.sweeps:
            # What one found and could not send is found again.
            self._next.pop(_turn_of(sweep), None)
        self.post.close()

    def _close(self) -> None:
        self.post.close()
        if self._listener is not None:
            self._listener.close()
        self.database.dispose()


def _turn_of(sweep: Sweep) -> str:
    return f"sweep {sweep.name}"


def _listener(database: Database) -> Listener | None:
    if database.is_sqlite:
        return None
    from services.chassis.listening import Listener  # noqa: PLC0415  the driver is for PostgreSQL alone

    return Listener(database.url)


@contextmanager
def _told_to_stop(wake: Callable[[], None]) -> Iterator[threading.Event]:
    stop = threading.Event()

    def told(*_: object) -> None:
        stop.set()
        # Whom the signal interrupted goes on waiting for a nudge.
        threading.Thread(target=wake, daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, told)
    yield stop


def run(service: Service, settings: Settings) -> int:
    """Relay until told to stop; returns the exit code."""
    configure(settings, service.name, "relay")
    relay = Relay(service, settings)
    with _told_to_stop(relay.wake) as stop:
        relay.run(stop)
    return 0
