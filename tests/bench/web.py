"""Complete registrations a second on PostgreSQL, two web processes of four threads, beside the raw ceiling.

Up to the held seat: the form, the answers, the page that says what comes next. With the confirmation: the link of
the letter, its button, one's own place. The link is read from the outbox, as the letter would carry it.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select

from infra.day.board import Board, table
from services.chassis import migrations, settings
from services.chassis.auth import new_keys
from services.chassis.db import Database, outbox
from services.registration import gatherings, sign_ins
from services.registration.app import service
from services.registration.links import Links
from tests.bench import ceiling, servers
from tests.bench.load import Run, Visitor, load

OUT = Path("var/bench-web.json")
WORKERS, THREADS = 2, 4
AT_ONCE = (8, 32)
RUNS = 3
FLOWS = {1: 60, 8: 160, 32: 256}
RACES = ((50, 200), (1, 200))
NOW = datetime.now(UTC)


def environ(url: str, broker: str) -> dict[str, str]:
    signing, verify = new_keys()
    return {
        "PALABRE_DATABASE_URL": url,
        "PALABRE_REDIS_URL": broker,
        "PALABRE_SECRET_KEY": "k" * 40,
        "PALABRE_SIGNING_KEY": signing,
        "PALABRE_VERIFY_KEY": verify,
        "PALABRE_MODE": "test",
        "PALABRE_LOG_LEVEL": "ERROR",
    }


def open_gathering(database: Database, *, seats: int, title: str = "Course") -> str:
    """A gathering anybody may ask a seat of, without quotas; returns its slug."""
    links = Links("http://127.0.0.1", "k" * 40)
    with database.transaction() as session:
        owner = sign_ins.welcome(session, "organisation@palabre.example", now=NOW)
        made = gatherings.create(
            session,
            by=owner,
            links=links,
            now=NOW,
            title=title,
            purpose="",
            starts_at=NOW + timedelta(days=40),
            ends_at=NOW + timedelta(days=40, hours=7),
            zone="Europe/Paris",
            place="",
            seats=seats,
            language="fr",
            writing="epicene",
            organiser_name="",
            reply_to="",
            territories=[{"name": "Armorique", "quota": None}, {"name": "Beauce", "quota": None}],
            trades=["direction", "coordination"],
            angles=[],
        )
        gatherings.open_door(session, made.id, by=owner.id, links=links, now=NOW)
        return made.slug


def held(slug: str, tag: str) -> Callable[[Visitor, int], str]:
    """Up to the held seat, in three requests; returns the address one ends at."""

    def flow(visitor: Visitor, number: int) -> str:
        form = visitor.get(f"/r/{slug}")
        assert form.status == 200, form.status
        fields = {
            **form.hidden(),
            "given": "Ada",
            "family": f"Lovelace {number}",
            "email": f"ada.{tag}.{number}@atelier.example",
            "territory": "A",
            "trade": "direction",
            "structure": "Atelier",
        }
        fields.pop("mend", None)
        sent = visitor.post(f"/r/{slug}/inscription", **fields)
        assert sent.status == 303, (sent.status, sent.body[-300:])
        page = visitor.get(sent.location)
        assert page.status == 200, page.status
        return sent.location

    return flow


def confirmed(slug: str, tag: str, database: Database) -> Callable[[Visitor, int], None]:
    """The whole way: the seat, then the letter's link and its button."""
    first = held(slug, tag)

    def flow(visitor: Visitor, number: int) -> None:
        first(visitor, number)
        email = f"ada.{tag}.{number}@atelier.example"
        with database.reading() as session:
            wanted = (
                outbox.c.type == "registration.address_to_confirm.v1",
                outbox.c.body["email"].as_string() == email,
            )
            newest = select(outbox.c.body).where(*wanted).order_by(outbox.c.sequence.desc()).limit(1)
            body: dict[str, Any] = session.execute(newest).scalar_one()
        path = "/moi/" + body["link"].rpartition("/moi/")[2]
        page = visitor.get(path)
        assert page.status == 200, page.status
        sent = visitor.post(f"{path}/confirmer", **page.hidden())
        assert sent.status == 303, sent.status
        # The place is the page that the button leads to; a third look is not needed to be registered.

    return flow


def raw(visitor: Visitor, number: int) -> None:
    """The ceiling's way of registering."""
    assert visitor.get("/").status == 200
    sent = visitor.post("/", email=f"p{number}@x.example", name="Ada", territory="A", trade="t", structure="s")
    assert sent.status == 303, sent.status
    assert visitor.get(sent.location).status == 200


def race(port: int, database: Database, *, seats: int, people: int) -> dict[str, Any]:
    """Everybody at once for a few seats; counts what registration then holds."""
    slug = open_gathering(database, seats=seats, title=f"Course pour {seats}")
    run = load(port, _quietly(held(slug, slug)), at_once=people, flows=people)
    with database.reading() as session:
        gathering = gatherings.by_slug(session, slug)
        rows = session.execute(
            select(outbox.c.type, outbox.c.body).where(
                outbox.c.body["gathering_id"].as_string() == str(gathering.id),
                outbox.c.type.in_(
                    ("registration.address_to_confirm.v1", "registration.participant_waitlisted.v1")
                ),
            )
        ).all()
    waiting = sorted(row.body["rank"] for row in rows if row.type.endswith("waitlisted.v1"))
    return {
        "seats": seats,
        "people": people,
        "held": len(rows) - len(waiting),
        "waiting": len(waiting),
        "true_ranks": waiting == list(range(1, people - seats + 1)),
        "wrong": len(run.wrong),
        "first_wrong": run.wrong[:1],
        "seconds": round(run.seconds, 2),
    }


def _quietly(flow: Callable[[Visitor, int], str]) -> Callable[[Visitor, int], None]:
    def done(visitor: Visitor, number: int) -> None:
        flow(visitor, number)

    return done


def main() -> None:
    board = Board()
    folder = Path(tempfile.mkdtemp(prefix="palabre-bench-"))
    figures: dict[str, Any] = {"load1": round(os.getloadavg()[0], 2), "workers": WORKERS, "threads": THREADS}
    rows: list[tuple[str, ...]] = []
    try:
        with servers.postgres("registration", "ceiling") as url, servers.broker(folder) as broker:
            env = environ(url, broker)
            database = Database(settings.read(env).database_of("registration"), "registration")
            migrations.run(service, database)
            _raw_ceiling(url.replace("{service}", "ceiling"), folder, figures, rows)
            with servers.web("tests.bench.app:app()", env, folder, workers=WORKERS, threads=THREADS) as port:
                _registrations(port, database, figures, rows)
                figures["races"] = [race(port, database, seats=s, people=p) for s, p in RACES]
            database.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    board.say(
        table(
            rows,
            ("PostgreSQL, 2 x 4", "at once", "a second", "p50 ms", "p99 ms", "requests", "of ceiling", "wrong"),
        )
    )
    for one in figures["races"]:
        board.say(
            "race: {people} people for {seats} seats: {held} held, {waiting} wait, wrong {wrong}".format(**one)
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _raw_ceiling(url: str, folder: Path, figures: dict[str, Any], rows: list[tuple[str, ...]]) -> None:
    engine = create_engine(url)
    ceiling.metadata.create_all(engine)
    engine.dispose()
    with servers.web("tests.bench.ceiling:create_app()", {"CEILING_URL": url}, folder) as port:
        load(port, raw, at_once=8, flows=100)
        for at_once in (1, *AT_ONCE):
            _measure(f"ceiling_{at_once}", "raw form and INSERT", port, lambda _: raw, at_once, figures, rows)


def _registrations(port: int, database: Database, figures: dict[str, Any], rows: list[tuple[str, ...]]) -> None:
    slug = open_gathering(database, seats=100_000)
    load(port, _quietly(held(slug, "warm")), at_once=8, flows=40)
    for at_once in (1, *AT_ONCE):

        def seat(tag: str) -> Callable[[Visitor, int], None]:
            return _quietly(held(slug, tag))

        def whole(tag: str) -> Callable[[Visitor, int], None]:
            return confirmed(slug, tag, database)

        _measure(f"held_{at_once}", "up to the held seat", port, seat, at_once, figures, rows)
        _measure(f"confirmed_{at_once}", "with the confirmation", port, whole, at_once, figures, rows)


def _measure(
    key: str,
    says: str,
    port: int,
    flow: Callable[[str], Callable[[Visitor, int], None]],
    at_once: int,
    figures: dict[str, Any],
    rows: list[tuple[str, ...]],
) -> None:
    runs = [load(port, flow(f"{key}.{n}"), at_once=at_once, flows=FLOWS[at_once]) for n in range(RUNS)]
    typical = sorted(runs, key=lambda run: run.per_s)[RUNS // 2]
    per_s = statistics.median(run.per_s for run in runs)
    wrong = sum(len(run.wrong) for run in runs)
    requests = round(typical.requests / max(1, len(typical.flows_s) + len(typical.wrong)), 1)
    figures[key] = {
        "per_s": round(per_s, 1),
        "p50_ms": round(typical.quantile_ms(0.5), 1),
        "p99_ms": round(max(run.quantile_ms(0.99) for run in runs), 1),
        "requests": requests,
        "wrong": wrong,
        "first_wrong": _first(runs),
    }
    top = figures[f"ceiling_{at_once}"]["per_s"]
    share = "" if key.startswith("ceiling") else f"{per_s / top:.0%}"
    one = figures[key]
    rows.append(
        (
            says,
            str(at_once),
            f"{one['per_s']}",
            f"{one['p50_ms']}",
            f"{one['p99_ms']}",
            f"{requests}",
            share,
            str(wrong),
        )
    )


def _first(runs: list[Run]) -> str:
    return next((run.wrong[0] for run in runs if run.wrong), "")


if __name__ == "__main__":
    main()
