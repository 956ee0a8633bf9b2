"""What visitors of a bench do: a gathering to come to, ways of asking for a seat, and a race for the last ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select

from services.chassis.auth import new_keys
from services.chassis.db import Database, outbox
from services.registration import gatherings, names, sign_ins
from services.registration.links import Links, hashed
from services.registration.models import HOLDING, Participant, State
from tests.bench.load import Visitor, load

OWNER = "organisation@palabre.example"
LETTERS = "ABCDEFGH"
TERRITORIES = ("Armorique", "Beauce", "Causses", "Dombes", "Estuaire", "Forez", "Garrigue", "Hautes Terres")
_ASSETS = re.compile(r'(?:href|src)="([^"]+)"')
_LOADED = re.compile(r"<(?:link\b[^>]*\brel=\"?(?:stylesheet|icon)[^>]*|script\b[^>]*\bsrc=[^>]*|img\b[^>]*)>")


def now() -> datetime:
    return datetime.now(UTC)


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


def open_gathering(
    database: Database, *, seats: int, title: str = "Course", quotas: tuple[int | None, ...] = (None, None)
) -> str:
    """A gathering anybody may ask a seat of, with one territory for each of `quotas`; returns its slug."""
    territories = [{"name": TERRITORIES[place], "quota": quota} for place, quota in enumerate(quotas)]
    links = Links("http://127.0.0.1", "k" * 40)
    with database.transaction() as session:
        owner = sign_ins.welcome(session, OWNER, now=now())
        made = gatherings.create(
            session,
            by=owner,
            links=links,
            now=now(),
            title=title,
            purpose="",
            starts_at=now() + timedelta(days=40),
            ends_at=now() + timedelta(days=40, hours=7),
            zone="Europe/Paris",
            place="",
            seats=seats,
            language="fr",
            writing="epicene",
            organiser_name="",
            reply_to="",
            territories=territories,
            trades=["direction", "coordination"],
            angles=[],
        )
        gatherings.open_door(session, made.id, by=owner.id, links=links, now=now())
        return made.slug


def held(slug: str, tag: str, *, territories: int = 1) -> Callable[[Visitor, int], str]:
    """Up to the held seat, in three requests; returns the address one ends at.

    People come from the first `territories` territories in turn.
    """

    def flow(visitor: Visitor, number: int) -> str:
        form = visitor.get(f"/r/{slug}")
        assert form.status == 200, form.status
        fields = _filled(form.hidden(), tag, number, LETTERS[number % territories])
        sent = visitor.post(f"/r/{slug}/inscription", **fields)
        assert sent.status == 303, (sent.status, sent.body[-300:])
        page = visitor.get(sent.location)
        assert page.status == 200, page.status
        return sent.location

    return flow


def _filled(hidden: dict[str, str], tag: str, number: int, territory: str) -> dict[str, str]:
    fields = {
        **hidden,
        "given": "Ada",
        "family": f"Lovelace {number}",
        "email": f"ada.{tag}.{number}@atelier.example",
        "territory": territory,
        "trade": "direction",
        "structure": "Atelier",
    }
    fields.pop("mend", None)
    return fields


def opened(slug: str) -> Callable[[Visitor], dict[str, str]]:
    """Come to the form and keep its hidden fields."""
    return lambda visitor: visitor.get(f"/r/{slug}").hidden()


def sent(slug: str, tag: str) -> Callable[[Visitor, int, dict[str, str]], None]:
    """The POST alone, from a form that is open already."""

    def flow(visitor: Visitor, number: int, hidden: dict[str, str]) -> None:
        fields = _filled({**hidden, "once": f"{tag}.{number}"}, tag, number, "A")
        answer = visitor.post(f"/r/{slug}/inscription", **fields)
        assert answer.status == 303, (answer.status, answer.body[-300:])

    return flow


def confirmed(slug: str, tag: str, database: Database) -> Callable[[Visitor, int], None]:
    """The whole way: the seat, then the letter's link and its button."""
    first = held(slug, tag)
    with database.reading() as session:
        here = gatherings.by_slug(session, slug).id
    letters = (
        select(outbox.c.body)
        .join(Participant, Participant.id == outbox.c.subject)
        .where(outbox.c.type == "registration.address_to_confirm.v1")
        .where(Participant.gathering_id == here, Participant.email == bindparam("email"))
        .order_by(outbox.c.sequence.desc())
        .limit(1)
    )

    def flow(visitor: Visitor, number: int) -> None:
        first(visitor, number)
        with database.reading() as session:
            told = session.execute(letters, {"email": f"ada.{tag}.{number}@atelier.example"})
            body: dict[str, Any] = told.scalar_one()
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


def raw_post(visitor: Visitor, number: int, _hidden: dict[str, str]) -> None:
    """The ceiling's POST alone."""
    said = {"email": f"q{number}@x.example", "name": "Ada", "territory": "A", "trade": "t", "structure": "s"}
    assert visitor.post("/", **said).status == 303


def weight(visitor: Visitor, slug: str) -> tuple[int, int]:
    """Bytes and requests of a first look at the public page with what it loads, compressed as it comes."""
    page = visitor.get(f"/r/{slug}", accept="gzip")
    html = visitor.get(f"/r/{slug}").body.decode()
    addresses = {
        found[1] for tag in _LOADED.findall(html) if (found := _ASSETS.search(tag)) and found[1].startswith("/")
    }
    bodies = [visitor.get(address, accept="gzip").body for address in sorted(addresses)]
    return len(page.body) + sum(map(len, bodies)), 1 + len(bodies)


def race(
    port: int, database: Database, *, seats: int, people: int, quotas: tuple[int | None, ...] = (None, None)
) -> dict[str, Any]:
    """Everybody at once for a few seats; counts what registration then holds, by territory too."""
    slug = open_gathering(database, seats=seats, title=f"Course pour {seats}", quotas=quotas)
    territories = len(quotas) if any(quota is not None for quota in quotas) else 1
    run = load(port, quietly(held(slug, slug, territories=territories)), at_once=people, flows=people)
    with database.reading() as session:
        gathering = gatherings.by_slug(session, slug)
        ranks = session.scalars(
            select(outbox.c.body["rank"].as_integer()).where(
                outbox.c.body["gathering_id"].as_string() == str(gathering.id),
                outbox.c.type == "registration.participant_waitlisted.v1",
            )
        ).all()
        rows = session.execute(
            select(Participant.territory, func.count())
            .where(Participant.gathering_id == gathering.id, Participant.state.in_(HOLDING))
            .group_by(Participant.territory)
        ).all()
        taken: dict[str, int] = {territory: people for territory, people in rows}
    over = [
        letter
        for letter, quota in zip(LETTERS, quotas, strict=False)
        if quota is not None and taken.get(letter, 0) > quota
    ]
    return {
        "seats": seats,
        "people": people,
        "held": sum(taken.values()),
        "waiting": len(ranks),
        "over_quota": over,
        "by_territory": taken,
        "true_ranks": sorted(ranks) == list(range(1, len(ranks) + 1)),
        "wrong": len(run.wrong),
        "first_wrong": run.wrong[:1],
        "seconds": round(run.seconds, 2),
        "request_p50_ms": round(run.request_ms(0.5), 1),
        "request_p99_ms": round(run.request_ms(0.99), 1),
        "flow_p99_ms": round(run.quantile_ms(0.99), 1),
    }


def quietly(flow: Callable[[Visitor, int], str]) -> Callable[[Visitor, int], None]:
    """The same way, without where it ends."""

    def done(visitor: Visitor, number: int) -> None:
        flow(visitor, number)

    return done


def filled(database: Database, *, people: int) -> str:
    """A gathering where so many people are registered already; returns its slug."""
    slug = open_gathering(database, seats=people, title=f"Liste de {people}", quotas=(None,) * 8)
    with database.transaction() as session:
        gathering = gatherings.by_slug(session, slug)
        rows = [
            {
                "gathering_id": gathering.id, "state": State.registered, "given": f"Élise {number:05}",
                "family": f"Nguyễn {number}", "email": f"list{number}@atelier.example", "name_key": f"list {number}",
                "territory": LETTERS[number % 8], "trade": "direction", "structure": f"Atelier {number % 40}",
                "language": "fr", "search": names.searchable(f"Élise {number:05}", f"Nguyễn {number}"),
                "token_hash": hashed(f"{slug}.{number}"), "walk_in": False, "tries": 0, "wishes": [], "asked_at": now(),
            }
            for number in range(people)
        ]  # fmt: skip
        session.execute(insert(Participant), rows)
    return slug
