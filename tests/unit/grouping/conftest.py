"""A gathering that grouping has heard of, a post that rings twice, and the doors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import numpy as np
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from services.chassis import auth
from services.chassis.db import Database, delivery, outbox
from services.chassis.outbox import envelope, uuid7
from services.chassis.settings import Settings
from services.grouping import plans, rounds
from services.grouping.app import service
from services.grouping.models import Base, Round
from services.grouping.tasks import inbox

NOON = datetime(2027, 4, 8, 10, tzinfo=UTC)
HOME = "https://palabre.example.org"
GATHERING = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
ORGANISER = UUID("11111111-8b86-4d01-b42d-00cf4fc964ff")
_SIGNING, _VERIFYING = auth.new_keys()
SETTINGS = Settings(
    mode="test", public_url=HOME, secret_key="s" * 40, signing_key=_SIGNING, verify_key=_VERIFYING
)
TRADES = ["accompagnement", "encadrement technique", "direction", "partenariat", "coordination"]
ANGLES = ["La collaboration", "Le partenariat", "Nos pratiques", "La place de la personne", "Le temps"]


def person(number: int) -> UUID:
    return uuid5(GATHERING, f"person {number}")


def topic(number: int) -> UUID:
    return uuid5(GATHERING, f"topic {number}")


@dataclass
class Day:
    """One gathering on a real database. Every fact rings twice, as a bad post does."""

    database: Database
    versions: dict[UUID, int] = field(default_factory=dict)

    def hear(self, fact_type: str, subject: UUID, **data: Any) -> str:
        self.versions[subject] = self.versions.get(subject, 0) + 1
        told = {
            "id": str(uuid7()),
            "source": fact_type.partition(".")[0],
            "type": fact_type,
            "subject": str(subject),
            "time": NOON.isoformat(),
            "aggversion": self.versions[subject],
            "attempt": 1,
            "traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01",
            "data": data,
        }
        became = inbox.hear(self.database, told)
        assert inbox.hear(self.database, {**told, "attempt": 2}) == ("again" if became == "heard" else became)
        return became

    def describe(self, version: int = 1, **other: Any) -> None:
        about = {
            "gathering_id": str(GATHERING),
            "version": version,
            "slug": "chemins-croises",
            "title": "Chemins croisés",
            "purpose": "Apprendre les uns des autres",
            "starts_at": "2027-04-08T07:30:00+00:00",
            "ends_at": "2027-04-08T15:00:00+00:00",
            "zone": "Europe/Paris",
            "place": "Halle aux Grains",
            "language": "fr",
            "state": "open",
            "territories": [
                {"letter": letter, "name": f"Terre {letter}", "quota": None} for letter in "ABCDEFGH"
            ],
            "trades": TRADES,
            "angles": [{"number": n, "name": name} for n, name in enumerate(ANGLES, 1)],
        }
        self.hear("registration.gathering_described.v1", GATHERING, **about | other)
        self.hear(
            "registration.role_granted.v1",
            uuid5(ORGANISER, "role"),
            role_id=str(uuid5(ORGANISER, "role")),
            gathering_id=str(GATHERING),
            organiser_id=str(ORGANISER),
            role="owner",
            name="Odile",
            email="odile@example.org",
        )

    def register(self, number: int, *, walk_in: bool = False, fact: str = "registered", **other: Any) -> UUID:
        draw = np.random.default_rng(number)
        about = {
            "participant_id": str(person(number)),
            "gathering_id": str(GATHERING),
            "email": f"p{number}@example.org",
            "given": f"Prénom{number}",
            "family": f"Nom{number:03}",
            "territory": "ABCDEFGH"[int(draw.integers(8))],
            "trade": TRADES[int(draw.integers(5))],
            "structure": f"Structure {draw.integers(44)}",
            "walk_in": walk_in,
        }
        self.hear(f"registration.participant_{fact}.v1", person(number), **about | other)
        return person(number)

    def crowd(self, people: int, topics: int = 0, stories: int = 0) -> None:
        """People registered, the first ones carrying topics, the last ones telling stories, all with wishes."""
        for number in range(people):
            self.register(number)
        for number in range(1, topics + 1):
            self.hear(
                "registration.topic_accepted.v1",
                topic(number),
                topic_id=str(topic(number)),
                gathering_id=str(GATHERING),
                participant_id=str(person(number - 1)),
                question=f"Comment faire {number} ?",
                number=number,
            )
        for number in range(stories):
            story = uuid5(GATHERING, f"story {number}")
            self.hear(
                "registration.story_accepted.v1",
                story,
                story_id=str(story),
                gathering_id=str(GATHERING),
                participant_id=str(person(people - 1 - number)),
                title=f"Histoire {number}",
            )
        if topics:
            for number in range(topics, people):
                draw = np.random.default_rng(1000 + number)
                self.wish(number, *(draw.permutation(topics)[:3] + 1).tolist())

    def wish(self, number: int, *topics: int) -> None:
        self.hear(
            "registration.wishes_ranked.v1",
            person(number),
            participant_id=str(person(number)),
            gathering_id=str(GATHERING),
            topic_ids=[str(topic(t)) for t in topics],
        )

    def note(self, word: str, *numbers: int) -> None:
        for number in numbers:
            self.hear(
                f"registration.participant_{word}.v1",
                person(number),
                participant_id=str(person(number)),
                gathering_id=str(GATHERING),
            )

    def settle(self) -> None:
        """Carry what grouping told itself, twice each, until nothing is left."""
        heard: set[UUID] = set()
        while True:
            with self.database.reading() as session:
                rows = session.execute(
                    select(outbox, delivery.c.version)
                    .join(delivery, delivery.c.event_id == outbox.c.event_id)
                    .where(delivery.c.hearer == "grouping")
                    .order_by(outbox.c.sequence)
                ).all()
            fresh = [row for row in rows if row.event_id not in heard]
            if not fresh:
                return
            for row in fresh:
                heard.add(row.event_id)
                for attempt in (1, 2):
                    inbox.hear(self.database, envelope(row, "grouping", row.version, attempt))

    def told(self, fact_type: str) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            rows = session.scalars(
                select(outbox.c.body).where(outbox.c.type == fact_type).order_by(outbox.c.sequence)
            )
            return list(rows)


@pytest.fixture
def day(open_sqlite: Callable[..., Database]) -> Day:
    described = Day(open_sqlite(Base.metadata, "grouping"))
    described.describe()
    return described


class Browser:
    """Somebody's browser: it sends forms with the token of the page they stand on."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str) -> Any:
        return self.client.get(path)

    def post(self, path: str, on: str = "/g/chemins-croises", **answers: Any) -> Any:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.client.get(on).get_data(as_text=True))
        assert token, f"{on} has no form"
        return self.client.post(
            path, data={"csrf_token": token[1], "once": uuid4().hex, **answers}, headers={"Referer": HOME}
        )


@pytest.fixture
def browse(day: Day) -> Iterator[Callable[..., Browser]]:
    """A browser of nobody, of an organiser (`browse(ORGANISER)`), or of a participant (`kind="participant"`)."""
    app = service.create_app(service, day.database, SETTINGS)
    app.testing = True

    def open_browser(
        who: UUID | None = None, *, kind: auth.Kind = "organiser", gathering: UUID = GATHERING
    ) -> Browser:
        client = app.test_client()
        client.environ_base["wsgi.url_scheme"] = "https"
        if who is not None:
            name = "palabre" if kind == "organiser" else "palabre_moi"
            actor = auth.Actor(
                kind, who, name="Odile", gathering_id=gathering if kind == "participant" else None
            )
            client.set_cookie(name, auth.issue(SETTINGS, actor, 3600), domain="localhost", secure=True)
        return Browser(client)

    return open_browser


@pytest.fixture
def tables(day: Day) -> UUID:
    """A published round of four topic groups of ten."""
    day.crowd(40, topics=4)
    with day.database.transaction() as session:
        round_ = rounds.open_round(
            session, GATHERING, kind="topics", name="Entre pairs", by=ORGANISER, now=NOON
        )
    day.settle()
    with day.database.transaction() as session:
        plans.publish(session, session.get_one(Round, round_.id), now=NOON)
    return round_.id


@pytest.fixture
def program(day: Day) -> Callable[..., Any]:
    """Calls the JSON API as the owner: `program("post", "/rounds/…", {...})` gives (status, body)."""
    app = service.create_app(service, day.database, SETTINGS)
    token = auth.issue(SETTINGS, auth.Actor("organiser", ORGANISER, name="Odile"), 3600)

    def call(verb: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = app.test_client().open(
            f"/api/grouping{path}", method=verb.upper(), json=body, headers={"Authorization": f"Bearer {token}"}
        )
        return answer.status_code, answer.get_json(silent=True)

    return call
