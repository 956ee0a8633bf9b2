"""Complete registrations a second on PostgreSQL, two web processes of four threads, beside the raw ceiling.

Up to the held seat: the form, the answers, the page that says what comes next. With the confirmation: the link of
the letter, its button, one's own place. The link is read from the outbox, as the letter would carry it. The race
puts everybody at one moment before the last seats, on both databases.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from infra.day.board import Board, table
from services.chassis import auth, migrations, settings
from services.chassis.db import Database
from services.registration import sign_ins
from services.registration.app import service
from tests.bench import ceiling, servers, visits
from tests.bench.load import Run, Visitor, load, repeat

OUT = Path("var/bench-web.json")
WORKERS, THREADS = 2, 4
AT_ONCE = (1, 8, 32)
POSTS_AT_ONCE, POSTS = 8, 240
RUNS = 3
FLOWS = {1: 30, 8: 96, 32: 160}
SEATS, PEOPLE = 130, 1000
# Together 136 for 130 seats: the last seats are refused by the total in some territories, by a quota in others.
QUOTAS = (30, 24, 20, 18, 16, 12, 10, 6)
Rows = list[tuple[str, ...]]


def main() -> None:
    # Ended from outside, it still ends the servers it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    board = Board()
    folder = Path(tempfile.mkdtemp(prefix="palabre-bench-"))
    figures: dict[str, Any] = {"load1": round(os.getloadavg()[0], 2), "workers": WORKERS, "threads": THREADS}
    rows: Rows = []
    try:
        with servers.postgres("registration", "ceiling") as url, servers.broker(folder) as broker:
            database, env = _opened(url, broker)
            made = url.replace("{service}", "ceiling")
            engine = create_engine(made)
            ceiling.metadata.create_all(engine)
            engine.dispose()
            raw = servers.web(
                "tests.bench.ceiling:create_app()",
                {"CEILING_URL": made},
                folder,
                workers=WORKERS,
                threads=THREADS,
            )
            house = servers.web("tests.bench.app:app()", env, folder, workers=WORKERS, threads=THREADS)
            with raw as ceiling_port, house as port:
                _posts(ceiling_port, port, database, figures)
                _registrations(ceiling_port, port, database, figures, rows)
                figures["page_bytes"], figures["page_requests"] = _weight(port, database)
                figures["people_ms"] = _lists(port, database, env)
                figures["race"] = _race(port, database)
                figures["race_ceiling"] = _raw_race(ceiling_port)
            database.dispose()
            url = f"sqlite:///{folder}/{{service}}.db"
            database, env = _opened(url, broker)
            with servers.web("tests.bench.app:app()", env, folder, workers=WORKERS, threads=THREADS) as port:
                figures["race_sqlite"] = _race(port, database)
            database.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _say(board, figures, rows)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _opened(url: str, broker: str) -> tuple[Database, dict[str, str]]:
    env = visits.environ(url, broker)
    database = Database(settings.read(env).database_of("registration"), "registration")
    migrations.run(service, database)
    return database, env


def _posts(ceiling_port: int, port: int, database: Database, figures: dict[str, Any]) -> None:
    """The POST alone beside the ceiling's, in turns, so that both meet the same machine."""
    slug = visits.open_gathering(database, seats=100_000, title="Envois")
    ours, raw = [], []
    for turn in range(RUNS + 1):
        raw.append(repeat(ceiling_port, lambda _: {}, visits.raw_post, at_once=POSTS_AT_ONCE, flows=POSTS))
        send = visits.sent(slug, f"post.{turn}")
        ours.append(repeat(port, visits.opened(slug), send, at_once=POSTS_AT_ONCE, flows=POSTS))
    # The first turn warms both up.
    figures["ceiling_post_per_s"] = _median(raw[1:])
    figures["post_per_s"] = _median(ours[1:])
    figures["post_p99_ms"] = round(max(run.quantile_ms(0.99) for run in ours[1:]), 1)
    figures["post_wrong"] = sum(len(run.wrong) for run in ours)


def _registrations(
    ceiling_port: int, port: int, database: Database, figures: dict[str, Any], rows: Rows
) -> None:
    slug = visits.open_gathering(database, seats=100_000)
    load(port, visits.quietly(visits.held(slug, "warm")), at_once=8, flows=40)
    figures |= {"flow_ceilings_per_s": {}, "held_per_s": {}, "registrations_per_s": {}}
    ways: dict[str, tuple[str, int, Callable[[str], Callable[[Visitor, int], None]]]] = {
        "flow_ceilings_per_s": ("raw form and INSERT", ceiling_port, lambda _: visits.raw),
        "held_per_s": (
            "up to the held seat",
            port,
            lambda tag: visits.quietly(visits.held(slug, tag)),
        ),
        "registrations_per_s": (
            "with the confirmation",
            port,
            lambda tag: visits.confirmed(slug, tag, database),
        ),
    }
    for at_once in AT_ONCE:
        runs: dict[str, list[Run]] = {key: [] for key in ways}
        for turn in range(RUNS):
            for key, (_, where, flow) in ways.items():
                tag = f"{key}.{at_once}.{turn}"
                runs[key].append(load(where, flow(tag), at_once=at_once, flows=FLOWS[at_once]))
        top = _median(runs["flow_ceilings_per_s"])
        for key, (says, _, _) in ways.items():
            figures[key][str(at_once)] = _median(runs[key])
            rows.append(_row(says, at_once, runs[key], top))
    figures["flow_ceiling_per_s"] = figures["flow_ceilings_per_s"]["8"]
    for key, way in (
        ("requests", visits.quietly(visits.held(slug, "count"))),
        ("requests_confirmed", visits.confirmed(slug, "whole", database)),
    ):
        visitor = Visitor(port)
        way(visitor, 0)
        figures[key] = visitor.requests


def _weight(port: int, database: Database) -> tuple[int, int]:
    return visits.weight(Visitor(port), visits.open_gathering(database, seats=SEATS, quotas=QUOTAS))


def _lists(port: int, database: Database, env: dict[str, str]) -> dict[str, float]:
    """Milliseconds of the organisers' list, as one who waits for it sees them: a short one whole, a long one sought."""
    visitor, told = Visitor(port), {}
    with database.transaction() as session:
        owner = sign_ins.welcome(session, visits.OWNER, now=visits.now())
    who = auth.Actor("organiser", owner.id, owner.email, None)
    visitor.cookies[auth.ORGANISER_COOKIE] = auth.issue(settings.read(env), who, 3600)
    for people, sought in ((132, ""), (10_000, "?q=elise+nguyen+12&territory=A&page=2")):
        address = f"/o/{visits.filled(database, people=people)}/personnes{sought}"
        for _ in range(31):
            assert visitor.get(address).status == 200
        told[str(people)] = round(1000 * statistics.median(visitor.requests_s[-30:]), 1)
    return told


def _race(port: int, database: Database) -> dict[str, Any]:
    told = visits.race(port, database, seats=SEATS, people=PEOPLE, quotas=QUOTAS)
    return {**told, "taken": told["held"], "errors": told["wrong"]}


def _raw_race(port: int) -> dict[str, float]:
    """As many people at once at the ceiling: what the server and this client alone make of such a moment."""
    run = load(port, visits.raw, at_once=PEOPLE, flows=PEOPLE)
    return {
        "request_p50_ms": round(run.request_ms(0.5), 1),
        "request_p99_ms": round(run.request_ms(0.99), 1),
        "seconds": round(run.seconds, 2),
        "wrong": len(run.wrong),
    }


def _median(runs: list[Run]) -> float:
    return round(statistics.median(run.per_s for run in runs), 1)


def _row(says: str, at_once: int, runs: list[Run], top: float) -> tuple[str, ...]:
    typical = sorted(runs, key=lambda run: run.per_s)[len(runs) // 2]
    requests = typical.requests / max(1, len(typical.flows_s) + len(typical.wrong))
    return (
        says,
        str(at_once),
        f"{_median(runs)}",
        f"{typical.quantile_ms(0.5):.1f}",
        f"{max(run.quantile_ms(0.99) for run in runs):.1f}",
        f"{requests:.1f}",
        f"{_median(runs) / top:.0%}",
        str(sum(len(run.wrong) for run in runs)),
    )


def _say(board: Board, figures: dict[str, Any], rows: Rows) -> None:
    heads = ("PostgreSQL, 2 x 4", "at once", "a second", "p50 ms", "p99 ms", "requests", "of ceiling", "wrong")
    board.say(table(rows, heads))
    share = figures["post_per_s"] / figures["ceiling_post_per_s"]
    board.say(
        f"POST alone, {POSTS_AT_ONCE} at once: {figures['post_per_s']} a second, "
        f"the raw insert {figures['ceiling_post_per_s']}: {share:.0%}"
    )
    board.say(f"first look at the page: {figures['page_bytes']} bytes in {figures['page_requests']} requests")
    board.say(
        "list of people, median: " + ", ".join(f"{n} in {ms} ms" for n, ms in figures["people_ms"].items())
    )
    for name, key in (("PostgreSQL", "race"), ("SQLite", "race_sqlite")):
        board.say(
            "race on {name}: {people} people for {seats} seats and 8 quotas: {held} held, {waiting} wait, over a quota "
            "{over_quota}, true ranks {true_ranks}, wrong {wrong}, p99 of a request {request_p99_ms} ms, of all "
            "three {flow_p99_ms} ms, {seconds} s".format(name=name, **figures[key])
        )
    board.say(
        "the same moment at the ceiling: p99 of a request {request_p99_ms} ms, {seconds} s".format(
            **figures["race_ceiling"]
        )
    )


if __name__ == "__main__":
    main()
