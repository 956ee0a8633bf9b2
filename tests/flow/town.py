"""The four services in one process on real databases: real relays and workers' tasks, a broker in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from sqlalchemy import func, select

from services.chassis import auth, recalls, worker
from services.chassis.db import Database, delivery
from services.chassis.mirrors import Mirror
from services.chassis.relay import Relay
from services.chassis.settings import Settings
from services.feedback.app import service as feedback
from services.grouping.app import service as grouping
from services.notifications.app import service as notifications
from services.registration.app import service as registration
from tests.protocol.broker import Broker, Post

SERVICES = {service.name: service for service in (registration, grouping, feedback, notifications)}
HEARINGS = [
    (service.name, source)
    for service in (grouping, feedback, notifications)
    for source in service.inbox.sources
]
_SIGNING, _VERIFYING = auth.new_keys()
SETTINGS = Settings(
    mode="test",
    public_url="https://palabre.example.org",
    secret_key="s" * 40,
    signing_key=_SIGNING,
    verify_key=_VERIFYING,
)


class Town:
    """`open_database` opens an empty one."""

    def __init__(self, open_database: Callable[..., Database]) -> None:
        self._open = open_database
        self.broker = Broker()
        self.databases: dict[str, Database] = {}
        self.relays: dict[str, Relay] = {}
        self.workers: dict[str, Celery] = {}
        for name in SERVICES:
            self.move_in(name)

    def move_in(self, name: str) -> None:
        """Give a service an empty database, whatever it had before."""
        service = SERVICES[name]
        # Letters stay in their tables, and nothing happens by the clock.
        still = replace(service, sweeps=(), chores=())
        database = self.databases[name] = self._open(service.metadata, name)
        relay = self.relays[name] = Relay(still, SETTINGS, database)
        relay.post = self._post()
        self.workers[name] = worker.build(service, SETTINGS, database=lambda: database, post=self._post())

    def _post(self) -> Any:
        return Post(self.broker, lambda: None)

    def deliver(self, queue: str) -> None:
        """A worker takes the first message of a queue."""
        message = self.broker.queues[queue].pop(0)
        name = message.task.partition(".")[0]
        self.workers[name].tasks[message.task](*message.args)

    def turn_relays(self) -> None:
        """Each does what is due, as if a moment had gone by; canaries are not sung."""
        for relay in self.relays.values():
            relay._next["acks"] = relay._next["recalls"] = 0.0
            relay._next["canary"] = float("inf")
            relay.turn()

    def turn(self) -> bool:
        """Every relay turns once and every message is taken; tells whether there was any but canaries."""
        moved = False
        self.turn_relays()
        for queue in list(self.broker.queues):
            while self.broker.queues[queue]:
                self.deliver(queue)
                moved = True
        return moved

    def settle(self) -> None:
        """Until nothing is under way."""
        while self.turn():
            pass
        for name in SERVICES:
            with self.databases[name].reading() as session:
                due = select(func.count()).select_from(delivery).where(delivery.c.acked_at.is_(None))
                assert session.scalar(due) == 0, name

    def recall(self, hearer: str, source: str, kind: str = "rebuild") -> recalls.Progress:
        """Have `hearer` told everything again by `source`, to the end."""
        self.begin(hearer, source, kind)
        self.settle()
        return self.progress(hearer, source)

    def begin(self, hearer: str, source: str, kind: str = "rebuild") -> None:
        with self.databases[hearer].transaction() as session:
            recalls.begin(session, source, kind=kind, now=datetime.now(UTC))

    def progress(self, hearer: str, source: str) -> recalls.Progress:
        with self.databases[hearer].reading() as session:
            (found,) = [one for one in recalls.progress(session) if one.source == source]
        return found

    def rows(self, name: str, tables: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
        """Whole tables, sorted."""
        known = SERVICES[name].metadata.tables
        with self.databases[name].reading() as session:
            return {
                table: sorted((tuple(row) for row in session.execute(select(known[table]))), key=repr)
                for table in tables
            }

    def everything(self, name: str) -> dict[str, list[tuple[Any, ...]]]:
        """All tables of the service's own, and what it was told of roles."""
        house = {"outbox", "delivery", "told", "inbox", "seen", "parked", "ack_out", "once", "pulse"}
        house |= {"recalls", "drifts"}
        return self.rows(name, sorted(SERVICES[name].metadata.tables.keys() - house))

    def mirrors(self, hearer: str, source: str) -> list[Mirror]:
        return [mirror for mirror in SERVICES[hearer].inbox.mirrors if mirror.source == source]

    def told(self, name: str) -> int:
        """How many facts the service has told so far."""
        with self.databases[name].reading() as session:
            outbox = SERVICES[name].metadata.tables["outbox"]
            return session.scalar(select(func.max(outbox.c.sequence))) or 0
