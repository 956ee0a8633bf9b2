"""Facts between two services through a real broker, real workers and relays, some of them killed."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import func, select, update

from infra.embedded.broker import program
from services.chassis import settings
from services.chassis.db import Database, delivery
from services.chassis.due import apart
from services.chassis.opening import open_database
from services.chassis.relay import Relay
from tests import toys
from tests.postgres import free_port

PATIENCE_S = 90


class Pair:
    """The toy pair with its broker; `start`, `kill` and `stop` work on its processes by name."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.environ = {
            "PALABRE_REDIS_URL": f"redis://127.0.0.1:{self.port}/0",
            "PALABRE_DATABASE_URL": database_url,
            "PALABRE_MODE": "test",
        }
        self.settings = settings.read(self.environ)
        self.databases: dict[str, Database] = {}
        for name, service in toys.SERVICES.items():
            self.databases[name] = open_database(name, self.settings)
            service.metadata.create_all(self.databases[name].engine)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        if name == "broker":
            command = [
                str(program()),
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                ".",
            ]
        else:
            command = [sys.executable, "-m", "tests.toys", *name.split()]
        with (self.folder / f"{name.replace(' ', '-')}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                env={**os.environ, **self.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        if name == "broker":
            self._await_broker()

    def start_all(self) -> None:
        for name in (
            "broker",
            "worker registration",
            "worker grouping",
            "relay registration",
            "relay grouping",
        ):
            self.start(name)

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait(10)

    def mend(self) -> None:
        """Start again whatever is dead, as a supervisor would."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self.start(name)

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait(10)
        for database in self.databases.values():
            database.dispose()

    def effects(self) -> list[tuple[UUID, int]]:
        with self.databases["grouping"].reading() as session:
            rows = session.execute(
                select(toys.effects.c.person, toys.effects.c.number).order_by(toys.effects.c.id)
            )
            return [(row.person, row.number) for row in rows]

    def unacknowledged(self) -> int:
        with self.databases["registration"].reading() as session:
            waiting = select(func.count()).select_from(delivery).where(delivery.c.acked_at.is_(None))
            return int(session.scalar(waiting) or 0)

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            self.mend()
            assert time.monotonic() < deadline, (
                f"{len(self.effects())} effects, {self.unacknowledged()} waiting"
            )
            time.sleep(0.1)

    def _await_broker(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                redis.Redis(port=self.port, socket_timeout=1).ping()
                return
            except redis.RedisError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


@pytest.fixture(params=["sqlite", "postgresql"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pair]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/{{service}}.db"
    else:
        suffix = uuid4().hex
        server = request.getfixturevalue("postgres")
        url = server.replace("{service}", f"{{service}}_{suffix}")
        request.getfixturevalue("new_databases")(*(f"{name}_{suffix}" for name in toys.SERVICES))
    pair = Pair(tmp_path, url)
    yield pair
    pair.stop()


def people_and_wishes(people: int, wishes: int) -> list[tuple[UUID, int]]:
    ids = [uuid4() for _ in range(people)]
    return [(person, number) for number in range(1, wishes + 1) for person in ids]


def in_order(effects: list[tuple[UUID, int]]) -> bool:
    last: dict[UUID, int] = {}
    for person, number in effects:
        if number != last.get(person, 0) + 1:
            return False
        last[person] = number
    return True


def facts_in(broker: redis.Redis, queue: str) -> int:
    messages: Any = broker.lrange(queue, 0, -1)
    calls = (json.loads(base64.b64decode(json.loads(message)["body"]))[0] for message in messages)
    return sum(len(apart(told)) for (told,) in calls)


def test_every_fact_is_heard_once_in_order_and_acknowledged(pair):
    pair.start_all()
    wanted = people_and_wishes(20, 3)

    for person, number in wanted:
        toys.wish(pair.databases["registration"], person, number)
    pair.until(lambda: len(pair.effects()) >= len(wanted) and pair.unacknowledged() == 0)

    assert sorted(pair.effects()) == sorted(wanted)
    assert in_order(pair.effects())


def test_no_fact_is_lost_or_heard_twice_whoever_is_killed(pair):
    pair.start_all()
    wanted = people_and_wishes(40, 5)
    victims = iter(
        [
            "worker grouping",
            "relay registration",
            "broker",
            "worker registration",
            "relay grouping",
            "worker grouping",
        ]
    )

    for count, (person, number) in enumerate(wanted):
        toys.wish(pair.databases["registration"], person, number)
        if count % 30 == 20 and (victim := next(victims, None)):
            pair.kill(victim)
            pair.mend()
    pair.until(lambda: len(pair.effects()) >= len(wanted) and pair.unacknowledged() == 0)

    assert sorted(pair.effects()) == sorted(wanted)
    assert in_order(pair.effects())


def test_a_broker_that_forgets_everything_costs_nothing(pair):
    pair.start("broker")
    pair.start("relay registration")
    wanted = people_and_wishes(30, 1)
    for person, number in wanted:
        toys.wish(pair.databases["registration"], person, number)
    broker = redis.Redis(port=pair.port)
    pair.until(lambda: facts_in(broker, "grouping.events") == len(wanted))

    broker.flushall()
    pair.start("worker grouping")
    pair.start("worker registration")
    pair.start("relay grouping")
    pair.until(lambda: len(pair.effects()) >= len(wanted) and pair.unacknowledged() == 0)

    assert sorted(pair.effects()) == sorted(wanted)


def test_where_two_clocks_differ_only_the_first_fact_waits_for_it_to_be_noticed(pair):
    pair.start("broker")
    broker = redis.Redis(port=pair.port)
    telling = pair.databases["registration"]
    relay = Relay(toys.SERVICES["registration"], pair.settings, telling)

    for told in (1, 2, 3):
        toys.wish(telling, uuid4(), 1)
        with telling.transaction() as session:
            by_a_clock_ahead = {"next_at": datetime.now(UTC) + timedelta(hours=1)}
            session.execute(update(delivery).where(delivery.c.attempts == 0).values(by_a_clock_ahead))
        assert relay.turn()  # there is more to do at once
        relay.turn()
        assert facts_in(broker, "grouping.events") == told
