"""How many a second: what leaves, what is heard, what is saved; each with what the same server does by hand."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

import redis
from sqlalchemy import func, insert, select

from services.chassis import due
from services.chassis.broker import events_queue
from services.chassis.db import Database, delivery, inbox, outbox
from services.chassis.outbox import new_trace, uuid7
from services.chassis.post import Post
from services.chassis.relay import Relay
from tests.bench import door, hand, servers
from tests.bench.hand import Place
from tests.bench.probe import TYPE, effects, teller

RELAYED, HEARD = 20_000, 6_000
POSTS_S, AT_ONCE = 4.0, 32
TO, TO_QUEUE = "grouping", events_queue("grouping")


def _tell_many(database: Database, facts: int) -> None:
    """Rows as `publish` leaves them, written in one go."""
    now = datetime.now(UTC)
    rows = []
    for number in range(1, facts + 1):
        person = uuid4()
        body = {"participant_id": str(person), "gathering_id": str(uuid4()), "topic_ids": []}
        told = {"event_id": uuid7(), "type": TYPE, "subject": person, "body": body, "trace": new_trace()}
        rows.append({**told, "sequence": number, "cause": None, "happened_at": now})
    with database.transaction() as session:
        session.execute(insert(outbox), rows)
        session.execute(
            insert(delivery),
            [
                {"event_id": row["event_id"], "hearer": TO, "sequence": row["sequence"], "version": 1}
                | {"attempts": 0, "next_at": now}
                for row in rows
            ],
        )


def relayed(place: Place) -> dict[str, float]:
    """A full outbox sent by one relay, whose queue is emptied after each turn; pushes by hand before and after."""
    broker = redis.Redis.from_url(place.broker)
    with place.database(teller.name) as database:
        _tell_many(database, RELAYED)
        relay = Relay(teller, place.settings, database)
        relay.turn()
        size = int(sum(map(len, broker.lrange(TO_QUEUE, 0, -1))) / _sent(database))  # type: ignore[arg-type]
        raw = [hand.pushes_per_s(place, size)]
        before, began = _sent(database), time.perf_counter()
        while True:
            broker.delete(TO_QUEUE)
            relay._seen = None  # the queue is empty again
            if not relay.turn():
                break
        took = time.perf_counter() - began
        told = {"relay_per_s": (_sent(database) - before) / took, "bytes_a_fact": size}
        raw.append(hand.pushes_per_s(place, size))
        broker.delete(TO_QUEUE)
        with database.transaction() as session:
            for table in (delivery, outbox):
                session.execute(table.delete())
    return {**told, "lpush_pipelined_per_s": max(raw)}


def _sent(database: Database) -> int:
    with database.reading() as session:
        sent = select(func.count()).select_from(delivery).where(delivery.c.attempts > 0)
        return int(session.scalar(sent) or 0)


def heard(place: Place) -> dict[str, float]:
    """A queue of facts heard by one worker process; transactions by hand before and after."""
    raw = [hand.transactions_per_s(place)]
    post, broker = Post(place.settings), redis.Redis.from_url(place.broker)
    with place.database(teller.name) as database:
        _tell_many(database, HEARD)
        with database.transaction() as session:
            rows = due.claim(session, TO, HEARD, datetime.now(UTC))
        for arguments, _ in due.messages(rows, teller.name):
            post.put(TO_QUEUE, f"{TO}.hear", arguments)
        with database.transaction() as session:
            for table in (delivery, outbox):
                session.execute(table.delete())
    with place.database(TO) as database:
        post.exchange([])
        command = [sys.executable, "-m", "tests.bench.probe", TO, "work"]
        with servers.running(command, place.environ, place.folder / "heard.log"):
            first, began = _wait_for_effects(database, 1)
            _, ended = _wait_for_effects(database, HEARD)
        with database.transaction() as session:
            for table in (effects, inbox):
                session.execute(table.delete())
    broker.flushdb()
    raw.append(hand.transactions_per_s(place))
    return {"consumer_per_s": (HEARD - first) / (ended - began), "raw_tx_per_s": max(raw)}


def _wait_for_effects(database: Database, wanted: int) -> tuple[int, float]:
    give_up = time.monotonic() + 120
    while True:
        with database.reading() as session:
            found = int(session.scalar(select(func.count()).select_from(effects)) or 0)
        now = time.perf_counter()
        if found >= wanted:
            return found, now
        if time.monotonic() > give_up:
            raise TimeoutError(f"{found} of {wanted} facts were heard")
        time.sleep(0.02)


def posted(place: Place) -> dict[str, float]:
    """Writes through HTTP, two web processes of eight threads; transactions by hand before and after."""
    raw = [hand.transactions_per_s(place)]
    with servers.web("tests.bench.door:app()", place.environ, place.folder, workers=2, threads=8) as port:
        door.posts(port, at_once=AT_ONCE, seconds=1)
        runs = [door.posts(port, at_once=AT_ONCE, seconds=POSTS_S) for _ in range(2)]
    best = max(runs, key=lambda run: run.per_s)
    raw.append(hand.transactions_per_s(place))
    if any(run.refused for run in runs):
        raise AssertionError(f"{[run.refused for run in runs]} writes were refused")
    p99 = sorted(best.took_s)[int(len(best.took_s) * 0.99)]
    return {"post_per_s": best.per_s, "post_p99_ms": 1000 * p99, "post_raw_tx_per_s": max(raw)}


def saved(place: Place, at_once: int = 16) -> dict[str, float]:
    """The same writes without HTTP: many threads, each in transactions of its own; by hand before and after."""
    command = [sys.executable, "-m", "tests.bench.saving", str(at_once)]
    raw = [hand.transactions_per_s(place)]
    told = servers.asked(command, place.environ)
    raw.append(hand.transactions_per_s(place))
    return {"saved_per_s": json.loads(told)["per_s"], "saved_raw_tx_per_s": max(raw)}
