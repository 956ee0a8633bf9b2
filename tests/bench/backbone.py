"""From a commit in one service to the committed effect in another, at 50 facts a second, on SQLite.

Beside it, in the same run: the raw trip through the broker, one commit, and the same path made by hand (commit,
nudge, commit, message, commit) with nothing but sqlite3 and Redis.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import redis
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from infra.day.board import Board, table
from services.chassis import settings
from services.chassis.db import Database
from services.chassis.opening import open_database
from services.chassis.outbox import publish
from tests.bench import servers
from tests.bench.probe import WishesRanked, hearer, teller

OUT = Path("var/bench-backbone.json")
A_SECOND = 50
FACTS = 1000
WARM_UP = 25
END = b"end"


def quantiles_ms(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the worst, in milliseconds; zeros of an empty list."""
    ordered = sorted(seconds) or [0.0]
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)
        for name, part in at.items()
    }


def through_the_backbone(url: str, folder: Path, *, facts: int, a_second: int) -> dict[str, Any]:
    """Tell `facts` facts at an even pace and wait until each had its effect."""
    notes = folder / "notes"
    env = {
        "PALABRE_DATABASE_URL": f"sqlite:///{folder}/{{service}}.db",
        "PALABRE_REDIS_URL": url,
        "PALABRE_LOG_LEVEL": "WARNING",
        "PROBE_NOTES": str(notes),
    }
    chosen = settings.read({name: value for name, value in env.items() if name.startswith("PALABRE_")})
    database = open_database("registration", chosen)
    teller.metadata.create_all(database.engine)
    other = Database(chosen.database_of("grouping"), "grouping")
    hearer.metadata.create_all(other.engine)
    with ExitStack() as street:
        children = []
        for service in ("registration", "grouping"):
            for verb in ("work", "relay"):
                command = [sys.executable, "-m", "tests.bench.probe", service, verb]
                children.append(
                    street.enter_context(servers.running(command, env, folder / f"{service}.{verb}.log"))
                )
        _wait_for_canaries(database, other)
        _tell(database, WARM_UP, a_second)
        time.sleep(0.5)
        before = _cpu_s(children)
        told = _tell(database, facts, a_second)
        last = time.time()
        while time.time() < last + 30:
            heard = dict(line.split() for line in notes.read_text().splitlines()) if notes.exists() else {}
            if len(heard) >= facts + WARM_UP:
                break
            time.sleep(0.05)
        time.sleep(0.5)
        cpu = _cpu_s(children) - before
        with database.reading() as session:
            sendings = session.scalar(text("select sum(attempts) from delivery"))
    trips = [float(heard[fact]) - at for fact, at in told.items() if fact in heard]
    database.dispose()
    other.dispose()
    return {
        **quantiles_ms(trips),
        "facts": facts,
        "lost": facts - len(trips),
        "sendings": sendings - WARM_UP,
        "cpu_ms_a_fact": round(1000 * cpu / facts, 2),
    }


def _wait_for_canaries(*databases: Database) -> None:
    give_up = time.monotonic() + 30
    for database in databases:
        while True:
            with database.reading() as session:
                if session.scalar(text("select count(*) from pulse where name = 'canary'")):
                    break
            if time.monotonic() > give_up:
                raise TimeoutError(f"No canary of {database.service} went round")
            time.sleep(0.05)


def _tell(database: Database, facts: int, a_second: int) -> dict[str, float]:
    told: dict[str, float] = {}
    committed: list[float] = []

    def now(_: Session) -> None:
        committed.append(time.time())

    began = time.monotonic()
    for number in range(facts):
        time.sleep(max(0.0, began + number / a_second - time.monotonic()))
        with database.transaction() as session:
            event.listen(session, "after_commit", now, once=True)
            about = {"participant_id": uuid4(), "gathering_id": uuid4(), "topic_ids": []}
            fact = publish(session, WishesRanked, about=about)
        told[str(fact)] = committed[-1]
    return told


def _cpu_s(children: list[Any]) -> float:
    return sum(sum(psutil.Process(child.pid).cpu_times()[:2]) for child in children)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table if not exists rows(id integer primary key, body text)")
    return connection


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("begin immediate")
    connection.execute("insert into rows(body) values(?)", ("x" * 700,))
    connection.execute("commit")


def _next(broker: redis.Redis, key: str) -> bytes:
    told: Any = broker.brpop([key], timeout=0)
    body: bytes = told[1]
    return body


def _by_hand_relay(url: str, folder: Path) -> None:
    broker, connection = redis.Redis.from_url(url, socket_timeout=None), _open(folder / "teller.db")
    while (told := _next(broker, "hand:nudge")) != END:
        _commit(connection)
        broker.lpush("hand:events", told)
    broker.lpush("hand:events", END)


def _by_hand_worker(url: str, folder: Path, times: Any) -> None:
    broker, connection = redis.Redis.from_url(url, socket_timeout=None), _open(folder / "hearer.db")
    while (told := _next(broker, "hand:events")) != END:
        _commit(connection)
        times.put(time.time() - float(told[:20]))


def _raw_worker(url: str, times: Any) -> None:
    broker = redis.Redis.from_url(url, socket_timeout=None)
    while (told := _next(broker, "raw")) != END:
        times.put(time.time() - float(told[:20]))


def by_hand(url: str, folder: Path, *, facts: int, a_second: int) -> dict[str, dict[str, float]]:
    """The floor: the raw trip, one commit, and the three commits and two trips of a fact without our code."""
    own = multiprocessing.get_context("spawn")
    times = own.Queue()
    broker, connection = redis.Redis.from_url(url, socket_timeout=None), _open(folder / "teller.db")
    body, commits, found = "x" * 680, [], {}
    ways = {
        "raw": (own.Process(target=_raw_worker, args=(url, times)),),
        "hand:nudge": (
            own.Process(target=_by_hand_relay, args=(url, folder)),
            own.Process(target=_by_hand_worker, args=(url, folder, times)),
        ),
    }
    for key, processes in ways.items():
        for process in processes:
            process.start()
        broker.lpush(key, f"{time.time():<20.6f}{body}")
        times.get(timeout=30)
        began = time.monotonic()
        for number in range(facts):
            time.sleep(max(0.0, began + number / a_second - time.monotonic()))
            if key != "raw":
                start = time.perf_counter()
                _commit(connection)
                commits.append(time.perf_counter() - start)
            broker.lpush(key, f"{time.time():<20.6f}{body}")
        found[key] = quantiles_ms([times.get(timeout=30) for _ in range(facts)])
        broker.lpush(key, END)
        for process in processes:
            process.join(timeout=10)
    return {"redis_trip": found["raw"], "sqlite_commit": quantiles_ms(commits), "by_hand": found["hand:nudge"]}


def main() -> None:
    facts = int(sys.argv[1]) if len(sys.argv) > 1 else FACTS
    folder = Path(tempfile.mkdtemp(prefix="palabre-bench-"))
    try:
        with servers.broker(folder) as url:
            figures: dict[str, Any] = by_hand(url, folder, facts=facts // 2, a_second=A_SECOND)
            figures["palabre"] = through_the_backbone(url, folder, facts=facts, a_second=A_SECOND)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    figures["load1"] = round(os.getloadavg()[0], 2)
    names = {
        "redis_trip": "raw trip through the broker",
        "sqlite_commit": "one commit of SQLite, FULL",
        "by_hand": "the path by hand: 3 commits, 2 trips",
        "palabre": "commit to effect, Palabre",
    }
    rows = [
        (says, *(f"{figures[name][quantile]:.1f}" for quantile in ("p50", "p99", "max")))
        for name, says in names.items()
    ]
    board = Board()
    board.say(table(rows, (f"{A_SECOND} facts a second, ms", "p50", "p99", "max")))
    board.say(
        "facts {facts}, lost {lost}, sendings {sendings}, CPU {cpu_ms_a_fact} ms a fact".format(
            **figures["palabre"]
        )
    )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
