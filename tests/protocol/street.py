"""One teller and two hearers on SQLite, with the real outbox, relay, inbox and acknowledgements, and any death.

Only the broker is ours. A process dies where a test says: just before or just after any of its commits, or while it
sends. Time is the hour written in the rows: `pass_time` moves what waits nearer instead of waiting.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import UUID

import redis
from marshmallow import ValidationError, fields
from sqlalchemy import Column, Integer, Table, Uuid, event, insert, select, update
from sqlalchemy.orm import Session

from services.chassis import prune
from services.chassis.broker import acks_queue, events_queue
from services.chassis.db import Database, ack_out, delivery, inbox, own_tables
from services.chassis.due import apart
from services.chassis.inbox import Heard, Inbox
from services.chassis.outbox import Event, publish
from services.chassis.relay import Relay
from services.chassis.service import Service
from services.chassis.settings import Settings
from services.chassis.starts import STARTS
from services.chassis.worker import acknowledge, sing, take
from tests.protocol.broker import Broker, Message, Post

Say = Callable[[Database, type[Event], UUID, int], None]

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


# Facts whose shape their hearers cannot read.
MISSHAPEN: set[int] = set()


def _readable(number: int) -> None:
    if number in MISSHAPEN:
        raise ValidationError("unreadable")


class Numbered(Heard):
    person = fields.UUID(required=True)
    number = fields.Integer(required=True, validate=_readable)


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
    """Begins with empty databases; `ears` makes each hearer's inbox, `say` tells. A test may have either made badly."""

    def __init__(
        self, houses: Houses, ears: Callable[[str], Inbox], broker: Broker, say: Say | None = None
    ) -> None:
        houses.wipe()
        MISSHAPEN.clear()
        self.broker, self.death, self.databases = broker, houses.death, houses.databases
        self.say = say or do_and_tell
        self.poisoned: set[int] = set()
        # Facts that kill each worker that acts on them; how often each did so under suspicion since it was decided on.
        self.lethal: set[int] = set()
        self.kills: Counter[tuple[str, int]] = Counter()
        self._hearer = ""
        self._suspects: set[int] = set()
        # Facts that were in the hands of a worker that died.
        self.struck: set[int] = set()
        self.services: dict[str, Service] = {}
        for name in (TELLER, *HEARERS):
            inbox = ears(name)
            for kind, hearers in KINDS.items():
                if name in hearers:
                    inbox.on(kind.type, reads=Numbered)(self._note)
            self.services[name] = Service(name, METADATA, inbox, (), _no_web, houses.folder)
        self.relays: dict[str, Relay] = {}

    def _note(self, session: Session, fact: dict[str, Any], now: datetime) -> None:
        if fact["number"] in self.lethal:
            self.kills[self._hearer, fact["number"]] += fact["number"] in self._suspects
            raise Killed
        if fact["number"] in self.poisoned:
            raise RuntimeError("poison")
        session.execute(insert(effects).values(subject=fact["person"], number=fact["number"]))

    def tell(self, kind: type[Event], subject: UUID, number: int, dies: tuple[str, int] | None = None) -> bool:
        """The teller does something and tells it; False when it died before that was so."""
        with self.death.comes(dies):
            self.say(self.databases[TELLER], kind, subject, number)
        with self.databases[TELLER].reading() as session:
            return session.scalar(select(effects.c.id).where(effects.c.number == number)) is not None

    def relay(self, name: str, dies: tuple[str, int] | None = None) -> None:
        """One turn of a relay; one that died is another process next time."""
        relay = self.relays.get(name)
        if relay is None:
            relay = Relay(self.services[name], Settings(), self.databases[name])
            relay.post = Post(self.broker, lambda: self.death.meet("sending"))  # type: ignore[assignment]
            self.relays[name] = relay
        # Acknowledgements are gathered for a moment; the moment is over.
        relay._next["acks"], relay._seen = 0.0, None
        with self.death.comes(dies), suppress(redis.ConnectionError):
            relay.turn()
            return
        del self.relays[name]

    def deliver(self, queue: str, place: int, dies: tuple[str, int] | None = None, again: bool = False) -> None:
        """A worker takes one message; it stays in the broker when the worker dies (late acknowledgement)."""
        message = self.broker.queues[queue][place]
        self._hearer, self._suspects = queue.partition(".")[0], _suspects(message)
        with self.death.comes(dies):
            self._work(deepcopy(message))
            if again:
                message.was_taken = True
            else:
                del self.broker.queues[queue][place]
            return
        message.was_taken = True
        over = {one for one, times in self.kills.items() if times > STARTS}
        assert not over, f"{over} kill one worker after the other"
        facts = message.args[:1] if message.task.endswith(".hear") else []
        self.struck.update(int(fact["data"]["number"]) for one in facts for fact in apart(one))

    def _work(self, message: Message) -> None:
        args = message.args
        name, _, verb = message.task.partition(".")
        if verb == "hear":
            take(self.services[name].inbox, self.databases[name], *args, again=message.was_taken)
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


def do_and_tell(database: Database, kind: type[Event], subject: UUID, number: int) -> None:
    """What the teller did and the fact of it, in one transaction."""
    with database.transaction() as session:
        do(session, subject, number)
        publish(session, kind, about={"person": subject, "number": number})


def do(session: Session, subject: UUID, number: int) -> None:
    session.execute(insert(effects).values(subject=subject, number=number))


def _suspects(message: Message) -> set[int]:
    """The numbers of the facts of a message that may have killed its worker before."""
    if not message.task.endswith(".hear"):
        return set()
    facts = apart(message.args[0])
    is_again = facts[0]["attempt"] > 1 and not facts[0].get("afresh")
    return {int(fact["data"]["number"]) for fact in facts} if is_again or message.was_taken else set()


def _without_fsync(connection: Any, _record: object) -> None:
    connection.execute("pragma synchronous=off")


def _no_web(*_: object) -> Any:
    raise AssertionError("nobody asks the web here")
