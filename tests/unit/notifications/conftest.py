"""A gathering, its people and the facts about them, as notifications hears them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from services.chassis import auth
from services.chassis.auth import Actor
from services.chassis.db import Database
from services.notifications.app import service
from services.notifications.lines import Server
from services.notifications.models import Base, Letter
from services.notifications.posters import Poster
from services.notifications.tasks import inbox
from tests.unit.chassis.face import some_settings
from tests.unit.notifications.posted import SENDER, At
from tests.unit.notifications.sink import Sink

ODILE = uuid4()
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SPRING = UUID("018f0000-0000-7000-8000-000000000001")


def a_description(**other: Any) -> dict[str, Any]:
    return {
        "gathering_id": str(SPRING),
        "version": 1,
        "slug": "table-de-printemps",
        "title": "La table de printemps",
        "purpose": "Croiser nos regards sur l'accompagnement.",
        "starts_at": "2027-04-08T07:30:00+00:00",
        "ends_at": "2027-04-08T15:00:00+00:00",
        "zone": "Europe/Paris",
        "place": "Salle du Tilleul, Rennes",
        "language": "fr",
        "writing": "median",
        "seats": 132,
        "organiser_name": "Clarisse Fabre, pour Passerelles",
        "reply_to": "equipe@passerelles.example",
        "territories": [{"letter": "A", "name": "Armorique", "quota": 18}],
        "trades": ["accompagnement"],
        "angles": [{"number": 1, "name": "La place de la personne"}],
        "state": "open",
        "public_url": "https://palabre.example/r/table-de-printemps",
        **other,
    }


def a_person(**other: Any) -> dict[str, Any]:
    """Ada, unless told otherwise."""
    return {
        "participant_id": str(uuid4()),
        "gathering_id": str(SPRING),
        "email": "ada@example.org",
        "given": "Ada",
        "family": "Kermarrec",
        "territory": "A",
        "trade": "accompagnement",
        "structure": "Atelier Dupont",
        "language": "fr",
        "link": "https://palabre.example/moi/7hq2-secret",
        **other,
    }


def registered(person: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {**person, "walk_in": False, "registered_at": NOON.isoformat(), **other}


class Ears:
    """Notifications hearing facts, in the order in which each subject's were told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._versions: dict[tuple[str, str], int] = {}
        self._happened = 0

    def hear(self, fact_type: str, data: dict[str, Any], *, subject: str = "participant_id") -> dict[str, Any]:
        """Hear one new fact; the envelope, to ring it again."""
        source, about = fact_type.partition(".")[0], data[subject]
        version = self._versions[source, about] = self._versions.get((source, about), 0) + 1
        self._happened += 1
        envelope = {
            "id": str(uuid4()),
            "source": source,
            "type": fact_type,
            "subject": about,
            "time": (NOON + timedelta(seconds=self._happened)).isoformat(),
            "aggversion": version,
            "attempt": 1,
            "traceparent": f"00-{uuid4().hex}-{uuid4().hex[:16]}-01",
            "data": data,
        }
        outcome = inbox.hear(self.database, envelope)
        assert outcome == "heard", outcome
        return envelope

    def describe(self, **other: Any) -> dict[str, Any]:
        return self.hear("registration.gathering_described.v1", a_description(**other), subject="gathering_id")

    def letters(self, kind: str | None = None) -> list[Letter]:
        """All letters written so far, oldest first."""
        with self.database.reading() as session:
            here = select(Letter).order_by(Letter.created_at, Letter.kind)
            return [letter for letter in session.scalars(here) if kind in (None, letter.kind)]


@pytest.fixture
def ears(open_database: Callable[..., Database]) -> Ears:
    return Ears(open_database(Base.metadata, "notifications"))


@pytest.fixture
def street(ears: Ears) -> Ears:
    """Notifications that know the Spring table."""
    ears.describe()
    return ears


@pytest.fixture
def sink():
    server = Sink()
    yield server
    server.stop()


@pytest.fixture
def a_poster(tmp_path):
    """Posters with lines of their own, closed in the end."""
    made = []

    def make(urls, **other):
        poster = Poster(Server.all_at(urls), SENDER, tmp_path / "notes", **{"timeout_s": 10, **other})
        # A turn ends when nothing is due; on a machine under load that takes longer than in life.
        poster.post = partial(poster.post, turn_s=60)
        made.append(poster)
        return poster

    yield make
    for poster in made:
        poster.close()


@pytest.fixture
def post(a_poster):
    """One turn of a new poster, now or at another hour."""
    return lambda database, urls, now=None: a_poster(urls, clock=At(now) if now else None).post(database)


@pytest.fixture
def settings():
    return some_settings(mailbox_key="the-key", sender="palabre@passerelles.example")


@pytest.fixture
def app(street, settings):
    return service.create_app(service, street.database, settings)


@pytest.fixture
def visitor(app):
    return app.test_client()


@pytest.fixture
def odile(street, app, settings):
    """An organiser of the Spring table, signed in."""
    role = {"role_id": str(uuid4()), "gathering_id": str(SPRING), "organiser_id": str(ODILE), "role": "owner"}
    street.hear("registration.role_granted.v1", {**role, "name": "Odile", "email": ""}, subject="role_id")
    client = app.test_client()
    client.set_cookie("palabre", auth.issue(settings, Actor("organiser", ODILE, name="Odile F."), 600))
    return client


@pytest.fixture
def program(odile, app, settings):
    """The same organiser's program."""
    token = auth.issue(settings, Actor("organiser", ODILE), 600)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client
