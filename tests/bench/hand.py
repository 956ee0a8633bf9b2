"""What a server does by hand, with its driver and nothing else; and where a bench has its servers."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis
from sqlalchemy.engine import make_url

from services.chassis import settings
from services.chassis.db import Database
from tests.bench.probe import hearer, teller

RAW_S = 2.0
PIPELINE = 200
SMALL, LARGE = "x" * 60, "x" * 700


@dataclass(frozen=True)
class Place:
    """Where one bench runs: a database of each service and a broker, all of its own."""

    name: str
    url: str
    broker: str
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PALABRE_DATABASE_URL": self.url,
            "PALABRE_REDIS_URL": self.broker,
            "PALABRE_LOG_LEVEL": "WARNING",
            "PALABRE_SECRET_KEY": "k" * 40,
            "PALABRE_MODE": "test",
        }

    @property
    def settings(self) -> settings.Settings:
        return settings.read(self.environ)

    @contextmanager
    def database(self, service: str) -> Iterator[Database]:
        found = Database(self.settings.database_of(service), service)
        yield found
        found.dispose()

    def make(self) -> None:
        """The tables of both services."""
        for service in (teller, hearer):
            with self.database(service.name) as database:
                service.metadata.create_all(database.engine)


class Hand:
    """One connection that waits for its disk; `save` is one transaction of two inserts."""

    def __init__(self, place: Place, name: str) -> None:
        if place.name == "sqlite":
            self._own: Any = sqlite3.connect(place.folder / f"raw.{name}.db", isolation_level=None, timeout=30)
            self._own.execute("pragma journal_mode=wal")
            self._own.execute("pragma synchronous=full")
            self._begin, mark, key = "begin immediate", "?", "integer primary key"
        else:
            url = make_url(place.url.replace("{service}", "raw")).set(drivername="postgresql")
            self._own = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
            self._begin, mark, key = "begin", "%s", "bigserial primary key"
        self._inserts = [f"insert into {name}_{table}(body) values({mark})" for table in "ab"]  # noqa: S608
        for table in "ab":
            self._own.execute(f"create table if not exists {name}_{table}(id {key}, body text)")

    def save(self) -> None:
        self._own.execute(self._begin)
        for insert, body in zip(self._inserts, (SMALL, LARGE), strict=True):
            self._own.execute(insert, (body,))
        self._own.execute("commit")

    def close(self) -> None:
        self._own.close()


def transactions_per_s(place: Place) -> float:
    """Transactions of two inserts, one after the other on one connection, as fast as the driver goes."""
    hand, done = Hand(place, "rate"), 0
    began = time.perf_counter()
    while time.perf_counter() - began < RAW_S:
        hand.save()
        done += 1
    took = time.perf_counter() - began
    hand.close()
    return done / took


def pushes_per_s(place: Place, size: int) -> float:
    """LPUSH of messages of `size` bytes by one client, many in a pipeline."""
    broker, body, pushed = redis.Redis.from_url(place.broker), b"x" * size, 0
    began = time.perf_counter()
    while time.perf_counter() - began < RAW_S / 2:
        pipe: Any = broker.pipeline(transaction=False)
        for _ in range(PIPELINE):
            pipe.lpush("raw", body)
        pipe.execute()
        pushed += PIPELINE
    took = time.perf_counter() - began
    broker.delete("raw")
    return pushed / took
