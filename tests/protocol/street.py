"""One teller and two hearers on SQLite, with the real outbox, relay, inbox and acknowledgements, and any death.

Only the broker is ours. A process dies where a test says: just before or just after any of its commits, or while it
sends. Time is the hour written in the rows: `pass_time` moves what waits nearer instead of waiting.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import redis
from marshmallow import fields
from sqlalchemy import Column, Integer, Table, Uuid, event, insert, select, update
from sqlalchemy.orm import Session

from services.chassis import prune
from services.chassis.broker import acks_queue, events_queue
from services.chassis.db import Database, ack_out, delivery, inbox, own_tables
from services.chassis.inbox import Heard, Inbox
from services.chassis.outbox import Event, publish
from services.chassis.post import Seen
from services.chassis.relay import Relay
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.worker import acknowledge, sing, take
from tests.protocol.broker import Broker, Message

TELLER, HEARERS = "registration", ("grouping", "notifications")

METADATA = own_tables()
effects = Table(
    "effects",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("subject", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
)


class Both(Event):
    """Heard by grouping and notifications."""

    type = "registration.participant_registered.v1"
    subject = "person"

    person = fields.UUID(required=True)
    number = fields.Integer(required=True)


class GroupingAlone(Both):
    type = "registration.wishes_ranked.v1"


class NotificationsAlone(Both):
    type = "registration.participant_waitlisted.v1"


KINDS: dict[type[Event], tuple[str, ...]] = {
    Both: HEARERS,
    GroupingAlone: ("grouping",),
    NotificationsAlone: ("notifications",),
}


class Numbered(Heard):
    person = fields.UUID(required=True)
    number = fields.Integer(required=True)


class Killed(BaseException):
    """SIGKILL: nobody catches it, nothing is tidied up."""


class Death:
    """Kills the process at its n-th commit, before or after it is safe, or at its n-th message."""

    def __init__(self) -> None:
        self.at: tuple[str, int] | None = None

    def meet(self, what: str) -> None:
        if self.at is not None and self.at[0] == what:
            self.at = (what, self.at[1] - 1)
            if self.at[1] < 0:
                self.at = None
                raise Killed

    @contextmanager
    def comes(self, at: tuple[str, int] | None) -> Iterator[None]:
        self.at = at
        try:
            yield
        except Killed:
            pass
        finally:
            self.at = None


class _Post:
    """Where the real relay has its post: what it sends goes into the broker in memory."""

    def __init__(self, broker: Broker, death: Death) -> None:
        self._broker, self._death = broker, death
        self._waiting: list[tuple[str, Message]] = []

    def put(self, queue: str, task: str, arguments: str) -> None:
        self._waiting.append((queue, (task, json.loads(arguments))))

    def exchange(self, queues: Sequence[str]) -> Seen:
        leaving, self._waiting = self._waiting, []
        for queue, message in leaving:
            self._death.meet("sending")
            self._broker.put(queue, message)
        return self._broker.look(queues)

    def close(self) -> None:
        self._waiting = []


class _Relay(Relay):
    """The real relay; it sends acknowledgements at every turn, because no time passes here."""

    def __init__(self, service: Service, database: Database, broker: Broker, death: Death) -> None:
        super().__init__(service, Settings(), database)
        self.post = _Post(broker, death)  # type: ignore[assignment]

    def turn(self) -> bool:
        self._seen = None
        self._next.pop("acks", None)
        return super().turn()


class Houses:
    """The three databases, opened once: `wipe` makes them as good as new much sooner than new ones are made."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="protocol-"))
        self.death = Death()
        self.databases = {name: self._opened(name) for name in (TELLER, *HEARERS)}

    def _opened(self, name: str) -> Database:
        database = Database(f"sqlite:///{self.folder}/{name}.db", name)
        event.listen(database.engine, "connect", _without_fsync)
        METADATA.create_all(database.engine)
        event.listen(database._write, "before_commit", lambda _: self.death.meet("before commit"))
        event.listen(database._write, "after_commit", lambda _: self.death.meet("after commit"))
        return database

    def wipe(self) -> None:
        for database in self.databases.values():
            with database.transaction() as session:
                for table in METADATA.sorted_tables:
                    session.execute(table.delete())

    def close(self) -> None:
        for database in self.databases.values():
            database.dispose()
        shutil.rmtree(self.folder)


class Street:
    """Begins with empty databases; `ears` makes each hearer's inbox, and a test may have it made badly."""

    def __init__(self, houses: Houses, ears: Callable[[str], Inbox], broker: Broker) -> None:
        houses.wipe()
        self.broker, self.death, self.databases = broker, houses.death, houses.databases
        self.poisoned: set[int] = set()
        self.services: dict[str, Service] = {}
        for name in (TELLER, *HEARERS):
            inbox = ears(name)
            for kind, hearers in KINDS.items():
                if name in hearers:
                    inbox.on(kind.type, reads=Numbered)(self._note)
            self.services[name] = Service(name, METADATA, inbox, (), _no_web, houses.folder)
        self.relays: dict[str, Relay] = {}

    def _note(self, session: Session, fact: dict[str, Any], now: datetime) -> None:
        if fact["number"] in self.poisoned:
            raise RuntimeError("poison")
        session.execute(insert(effects).values(subject=fact["person"], number=fact["number"]))

    def tell(self, kind: type[Event], subject: UUID, number: int) -> None:
        with self.databases[TELLER].transaction() as session:
            publish(session, kind, about={"person": subject, "number": number})

    def relay(self, name: str, dies: tuple[str, int] | None = None) -> None:
        """One turn of a relay; one that died is another process next time."""
        relay = self.relays.get(name)
        if relay is None:
            relay = self.relays[name] = _Relay(
                self.services[name], self.databases[name], self.broker, self.death
            )
        with self.death.comes(dies), suppress(redis.ConnectionError):
            relay.turn()
            return
        del self.relays[name]

    def deliver(self, queue: str, place: int, dies: tuple[str, int] | None = None, again: bool = False) -> None:
        """A worker takes one message; it stays in the broker when the worker dies (late acknowledgement)."""
        with self.death.comes(dies):
            self._work(self.broker.queues[queue][place])
            if not again:
                del self.broker.queues[queue][place]

    def _work(self, message: Message) -> None:
        task, args = message
        name, _, verb = task.partition(".")
        if verb == "hear":
            take(self.services[name].inbox, self.databases[name], *args)
        elif verb == "ack":
            acknowledge(self.databases[name], args[0], [UUID(i) for i in args[1]])
        else:
            sing(self.databases[name], *args)

    def pass_time(self, seconds: float) -> None:
        with self.databases[TELLER].transaction() as session:
            rows = session.execute(select(delivery.c.event_id, delivery.c.hearer, delivery.c.next_at)).all()
            for row in rows:
                mine = (delivery.c.event_id == row.event_id) & (delivery.c.hearer == row.hearer)
                sooner = row.next_at - timedelta(seconds=seconds)
                session.execute(update(delivery).where(mine).values(next_at=sooner))

    def prune(self, name: str, days: int) -> None:
        """Keep house as if `days` had gone by."""
        with self.databases[name].transaction() as session:
            prune.prune(session, datetime.now(UTC) + timedelta(days=days))

    def dead(self, name: str) -> list[UUID]:
        with self.databases[name].reading() as session:
            found = select(inbox.c.event_id).where(inbox.c.status == "dead").order_by(inbox.c.version)
            return list(session.scalars(found))

    def number_of(self, name: str, event_id: UUID) -> int:
        with self.databases[name].reading() as session:
            kept = session.scalar(select(inbox.c.envelope).where(inbox.c.event_id == event_id))
            return int(kept["data"]["number"]) if kept else 0

    def applied(self, name: str) -> dict[UUID, list[int]]:
        """The numbers that took effect at one hearer, by subject, in the order of their effects."""
        found: dict[UUID, list[int]] = {}
        with self.databases[name].reading() as session:
            for row in session.execute(select(effects).order_by(effects.c.id)):
                found.setdefault(row.subject, []).append(row.number)
        return found

    def unacknowledged(self) -> int:
        with self.databases[TELLER].reading() as session:
            return len(session.execute(select(delivery).where(delivery.c.acked_at.is_(None))).all())

    def acks_on_their_way(self) -> int:
        waiting = 0
        for name in HEARERS:
            with self.databases[name].reading() as session:
                waiting += len(session.execute(select(ack_out)).all())
        return waiting

    def go_round(self) -> None:
        """Everybody does what is due, acknowledgements first, and every message arrives."""
        for name in (*HEARERS, TELLER):
            self.relay(name)
            for queue in (acks_queue(TELLER), *(events_queue(n) for n in (*HEARERS, TELLER))):
                while self.broker.queues.get(queue):
                    self.deliver(queue, 0)


def _without_fsync(connection: Any, _record: object) -> None:
    connection.execute("pragma synchronous=off")


def _no_web(*_: object) -> Any:
    raise AssertionError("nobody asks the web here")
