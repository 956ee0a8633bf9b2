"""The worker: a Celery process that hears facts, takes acknowledgements, and does the service's own tasks."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import redis
from celery import Celery, signals
from celery.worker import state
from kombu.utils.json import dumps
from sqlalchemy import update

from services.chassis import memories, patience, recalls, signs, watch
from services.chassis.broker import acks_queue, client, events_queue
from services.chassis.celery_app import celery_app
from services.chassis.db import Database, delivery, pulse
from services.chassis.due import apart
from services.chassis.inbox import Inbox
from services.chassis.ledger import upsert
from services.chassis.opening import open_database
from services.chassis.post import Post
from services.chassis.service import Service, Task
from services.chassis.settings import Settings
from services.chassis.telemetry import configure


class _Opened:
    """The database as this process opened it: a connection must never cross a fork."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._service, self._settings = service, settings
        self._pid = 0
        self._database: Database | None = None

    def __call__(self) -> Database:
        if self._database is None or self._pid != os.getpid():
            self._database, self._pid = open_database(self._service, self._settings), os.getpid()
        return self._database


def build(
    service: Service,
    settings: Settings,
    *,
    database: Callable[[], Database] | None = None,
    post: Post | None = None,
) -> Celery:
    """The service's Celery app with its tasks: hear, ack, canary, recollect, recall, and its own.

    `database` opens the service's own, `post` is where answers leave; both are made when not given.
    """
    app = celery_app(service.name, settings)
    database = database or _Opened(service.name, settings)
    out, broker = post or Post(settings), client(settings)

    def hear(task: Any, envelope: dict[str, Any]) -> None:
        again = bool((task.request.delivery_info or {}).get("redelivered"))
        patience.until_done(lambda: take(service.inbox, database(), envelope, again=again))

    def ack(hearer: str, event_ids: list[str]) -> None:
        patience.until_done(lambda: acknowledge(database(), hearer, [UUID(i) for i in event_ids]))

    def canary(sung_at: str) -> None:
        sing(database(), sung_at)
        _give_a_sign(database(), broker)

    def recollect(hearer: str, question: dict[str, Any]) -> None:
        asked = memories.Question.of(question)
        answer = memories.recollect(database(), service, settings, hearer, asked)
        send(hearer, "recall", answer)

    def recall(source: str, answer: dict[str, Any]) -> None:
        asked = recalls.take(database(), service.inbox, source, answer, now=datetime.now(UTC))
        if asked is not None:
            send(source, "recollect", asked.as_json())

    def send(to: str, verb: str, what: dict[str, Any]) -> None:
        # One that is lost is asked for again.
        out.put(events_queue(to), f"{to}.{verb}", dumps([service.name, what]))
        out.exchange([])

    app.task(recollect, name=f"{service.name}.recollect", shared=False)
    app.task(recall, name=f"{service.name}.recall", shared=False)
    app.task(hear, bind=True, name=f"{service.name}.hear", shared=False)
    app.task(ack, name=f"{service.name}.ack", shared=False)
    app.task(canary, name=f"{service.name}.canary", shared=False)
    for task in service.tasks:
        app.task(_bound(task, database, settings), name=f"{service.name}.{task.name}", shared=False)
    return app


def _bound(task: Task, database: Callable[[], Database], settings: Settings) -> Any:
    def run(*args: Any) -> None:
        task.do(database(), settings, *args)

    return run


def take(inbox: Inbox, database: Database, message: dict[str, Any], *, again: bool = False) -> list[str]:
    """Hear the facts of one message and tell what became of each; `again` when the broker gives it a second time."""
    facts = apart(message)
    if again:
        # Its worker went away with it: what is begun again is counted, as when its teller sends it again.
        facts = [{**fact, "attempt": max(2, int(fact.get("attempt", 1))), "afresh": False} for fact in facts]
    return inbox.hear_all(database, facts)


def acknowledge(database: Database, hearer: str, event_ids: Sequence[UUID]) -> None:
    """Note that `hearer` has committed these facts; they are not sent to it again."""
    with database.transaction() as session:
        session.execute(
            update(delivery)
            .where(
                delivery.c.hearer == hearer, delivery.c.event_id.in_(event_ids), delivery.c.acked_at.is_(None)
            )
            .values(acked_at=datetime.now(UTC))
        )


def sing(database: Database, sung_at: str) -> None:
    """Note that a canary went round: relay, broker and worker are alive together."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        session.execute(
            upsert(session)(pulse)
            .values(name="canary", value=sung_at, at=now)
            .on_conflict_do_update(index_elements=[pulse.c.name], set_={"value": sung_at, "at": now})
        )


def _give_a_sign(database: Database, broker: redis.Redis) -> None:
    with database.reading() as session:
        sign = signs.of(session, datetime.now(UTC))
    with suppress(redis.RedisError):  # the next canary brings the next sign
        signs.give(broker, database.service, sign)


def _end_between_tasks(**_: Any) -> None:
    """Have SIGTERM end this process after the task it works on, for a pool of one.

    What Celery does then is to cancel its tasks; in a pool of one that breaks the running one from inside its own code,
    and a fact would count as failed because somebody stopped its hearer.
    """

    def stop(*_: Any) -> None:
        state.should_stop = 0

    signal.signal(signal.SIGTERM, stop)


def queues_of(service: Service) -> tuple[str, ...]:
    """The queues that the service's main worker consumes."""
    return events_queue(service.name), acks_queue(service.name)


def run(
    service: Service,
    settings: Settings,
    queues: Sequence[str] | None = None,
    *,
    pool: str = "prefork",
    concurrency: int = 1,
    beat: Callable[[], None] = watch.no_beat,
) -> int:
    """Consume until told to stop; returns the exit code. `beat` is called every two seconds while the process lives.

    A worker that leaves (Celery's does when Redis dies under load, and `watch` ends a silent one) must be started again
    by a supervisor.
    """
    wanted = tuple(queues or queues_of(service))
    mail = not any(queue in queues_of(service) for queue in wanted)
    role = "mail" if mail else "worker"
    configure(settings, service.name, role)
    # A container is stopped with SIGTERM: finish what runs, give back the rest.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    app = build(service, settings)
    if mail:
        app.conf.worker_prefetch_multiplier = 1
    if pool == "solo":
        # The one task that may run blocks the loop until it has ended; waiting on top of that would only be slow.
        app.conf.worker_soft_shutdown_timeout = 0
        # After Celery has set its own handlers.
        signals.worker_ready.connect(_end_between_tasks, weak=False)
    worker = app.Worker(
        hostname=f"{service.name}-{role}-{os.getpid()}@%h",
        pool=pool,
        concurrency=concurrency,
        queues=list(wanted),
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    )
    watch.begin(settings, wanted, beat)
    worker.start()
    return int(worker.exitcode or 0)
