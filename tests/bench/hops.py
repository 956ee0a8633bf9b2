"""From a commit in one service to the committed effect in another.

Beside it, in the same run: the raw hop (a commit, a trip through the broker, a commit) with a driver and nothing else.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import psutil
import redis
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from services.chassis.db import Database, delivery, pulse
from services.chassis.opening import open_database
from services.chassis.outbox import publish
from tests.bench import servers
from tests.bench.hand import Hand, Place
from tests.bench.probe import WishesRanked, teller

WARM_UP = 25
PATIENCE_S = 60
END = b"end"


def quantiles_ms(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the worst, in milliseconds; zeros of an empty list."""
    ordered = sorted(seconds) or [0.0]
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * part))], 2)
        for name, part in at.items()
    }


class Pair:
    """A teller here, and a hearer's worker with both relays and the teller's worker in processes of their own."""

    def __init__(self, place: Place, database: Database, pids: list[int]) -> None:
        self.database = database
        self._pids = pids
        self._notes = place.folder / f"notes.{place.name}"
        self._known: dict[str, float] = {}
        self._read = 0

    def tell(self, facts: int, a_second: float) -> dict[str, float]:
        """Tell so many at an even pace (0: as fast as it goes); when each was committed, by its id."""
        told: dict[str, float] = {}
        committed: list[float] = []

        def now(_: Session) -> None:
            committed.append(time.time())

        began = time.monotonic()
        for number in range(facts):
            if a_second:
                time.sleep(max(0.0, began + number / a_second - time.monotonic()))
            with self.database.transaction() as session:
                event.listen(session, "after_commit", now, once=True)
                about = {"participant_id": uuid4(), "gathering_id": uuid4(), "topic_ids": []}
                fact = publish(session, WishesRanked, about=about)
            told[str(fact)] = committed[-1]
        return told

    def effects(self, told: dict[str, float]) -> dict[str, float]:
        """When the effect of each was committed, by its id; those that did not come in time are missing."""
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            self._look()
            if told.keys() <= self._known.keys():
                break
            time.sleep(0.05)
        return {fact: self._known[fact] for fact in told if fact in self._known}

    def sendings(self) -> tuple[int, int]:
        """Sendings and facts so far."""
        with self.database.reading() as session:
            sent, facts = session.execute(select(func.sum(delivery.c.attempts), func.count())).one()
        return int(sent or 0), int(facts)

    def cpu_s(self) -> float:
        """Processor time that workers and relays took so far."""
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self._pids)

    def _look(self) -> None:
        if self._notes.exists():
            with self._notes.open(encoding="ascii") as notes:
                notes.seek(self._read)
                new = notes.read()
            whole = new[: new.rfind("\n") + 1]
            self._read += len(whole)
            self._known.update((fact, float(at)) for fact, at in (line.split() for line in whole.splitlines()))


@contextmanager
def pair(place: Place) -> Iterator[Pair]:
    """Running, and warm: a canary went round in both services, and some facts."""
    env = {**place.environ, "PROBE_NOTES": str(place.folder / f"notes.{place.name}")}
    with ExitStack() as street, place.database("grouping") as other:
        database = open_database(teller.name, place.settings)
        street.callback(database.dispose)
        pids: list[int] = []
        for service in ("registration", "grouping"):
            for verb in ("work", "relay"):
                command = [sys.executable, "-m", "tests.bench.probe", service, verb]
                log = place.folder / f"{place.name}.{service}.{verb}.log"
                pids.append(street.enter_context(servers.running(command, env, log)).pid)
        _wait_for_canaries(database, other)
        made = Pair(place, database, pids)
        made.effects(made.tell(WARM_UP, 50))
        time.sleep(0.5)
        yield made


def _wait_for_canaries(*databases: Database) -> None:
    give_up = time.monotonic() + PATIENCE_S
    for database in databases:
        while True:
            with database.reading() as session:
                if session.scalar(select(pulse.c.at).where(pulse.c.name == "canary")):
                    break
            if time.monotonic() > give_up:
                raise TimeoutError(f"No canary of {database.service} went round")
            time.sleep(0.05)


def latency(pair: Pair, facts: int, a_second: float) -> dict[str, Any]:
    """Commit to committed effect of facts at an even pace, and how often each was sent."""
    before, cpu_s = pair.sendings(), pair.cpu_s()
    told = pair.tell(facts, a_second)
    effects = pair.effects(told)
    after, cpu_s = pair.sendings(), pair.cpu_s() - cpu_s
    return {
        **quantiles_ms([effects[fact] - at for fact, at in told.items() if fact in effects]),
        "cpu_ms_a_fact": round(1000 * cpu_s / facts, 2),
        "facts": facts,
        "lost": facts - len(effects),
        "amplification": round((after[0] - before[0]) / (after[1] - before[1]), 3),
    }


def capacity(pair: Pair, facts: int) -> float:
    """Facts a second from the first commit to the last effect, when they are told as fast as it goes."""
    told = pair.tell(facts, 0)
    effects = pair.effects(told)
    if len(effects) < facts:
        raise AssertionError(f"{facts - len(effects)} of {facts} facts had no effect")
    return facts / (max(effects.values()) - min(told.values()))


def _far_side(place: Place, times: Any) -> None:
    broker, hand = redis.Redis.from_url(place.broker, socket_timeout=None), Hand(place, "far")
    while True:
        told: Any = broker.brpop(["raw"], timeout=0)
        if told[1] == END:
            return
        hand.save()
        times.put(time.time() - float(told[1][:20]))


def raw_hop(place: Place, facts: int, a_second: float) -> dict[str, float]:
    """Two commits and one trip through the broker, between two processes, at an even pace."""
    own = multiprocessing.get_context("spawn")
    times = own.Queue()
    far = own.Process(target=_far_side, args=(place, times))
    far.start()
    broker, hand = redis.Redis.from_url(place.broker), Hand(place, "near")

    def hop() -> None:
        began = time.time()
        hand.save()
        broker.lpush("raw", f"{began:<20.6f}" + "x" * 900)

    hop()
    times.get(timeout=PATIENCE_S)
    start = time.monotonic()
    for number in range(facts):
        time.sleep(max(0.0, start + number / a_second - time.monotonic()))
        hop()
    found = quantiles_ms([times.get(timeout=PATIENCE_S) for _ in range(facts)])
    broker.lpush("raw", END)
    far.join(timeout=10)
    hand.close()
    return found
