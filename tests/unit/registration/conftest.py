"""A gathering to come to, and short ways of coming."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import MetaData, select
from werkzeug.datastructures import FileStorage, MultiDict

from infra.day.page import Form, Page, read
from services.chassis.db import Database, outbox
from services.registration import gatherings, registrations, sign_ins
from services.registration.app import create_app, service
from services.registration.links import Links
from services.registration.models import Base, Gathering, Organiser, Participant, State
from services.registration.registrations import Answer
from tests.unit.chassis.face import some_settings

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
LINKS = Links("https://palabre.example", "s" * 32)
DESCRIPTION: dict[str, Any] = {
    "title": "Spring table",
    "purpose": "We listen, then we work.",
    "starts_at": datetime(2027, 4, 8, 7, 30, tzinfo=UTC),
    "ends_at": datetime(2027, 4, 8, 14, 30, tzinfo=UTC),
    "zone": "Europe/Paris",
    "place": "Halle aux Grains",
    "seats": 10,
    "language": "fr",
    "writing": "epicene",
    "organiser_name": "Odile",
    "reply_to": "odile@example.org",
    "territories": [{"name": "Armorique", "quota": None}, {"name": "Beauce", "quota": None}],
    "trades": ["direction", "coordination"],
    "angles": [{"name": "Le temps et le rythme"}],
}


@pytest.fixture
def registration(open_sqlite: Callable[[MetaData, str], Database]) -> Database:
    return open_sqlite(Base.metadata, "registration")


@pytest.fixture
def odile(registration: Database) -> Organiser:
    with registration.transaction() as session:
        return sign_ins.welcome(session, "odile@example.org", name="Odile", now=NOON)


@pytest.fixture
def a_gathering(registration: Database, odile: Organiser) -> Callable[..., Gathering]:
    def make(*, quotas: tuple[int | None, int | None] = (None, None), **other: Any) -> Gathering:
        territories = [{"name": "Armorique", "quota": quotas[0]}, {"name": "Beauce", "quota": quotas[1]}]
        wanted = {**DESCRIPTION, "territories": territories, **other}
        with registration.transaction() as session:
            gathering = gatherings.create(session, by=odile, links=LINKS, now=NOON, **wanted)
            return gatherings.open_door(session, gathering.id, by=odile.id, links=LINKS, now=NOON)

    return make


@pytest.fixture
def ask(registration: Database) -> Callable[..., Answer]:
    """Somebody asks for a seat."""

    def asking(gathering: Gathering, given: str = "Ada", **other: Any) -> Answer:
        now, links = other.pop("now", NOON), other.pop("links", LINKS)
        wanted = {
            "given": given,
            "family": "Lovelace",
            "email": f"{given.lower()}@example.org",
            "territory": "A",
            "trade": "direction",
            "structure": "Atelier du Pont",
            "language": "fr",
            **other,
        }
        with registration.transaction() as session:
            return registrations.ask(session, gathering.id, links=links, now=now, **wanted)

    return asking


@pytest.fixture
def come(registration: Database, ask: Callable[..., Answer]) -> Callable[..., UUID]:
    """Somebody asks for a seat and confirms their address."""

    def coming(gathering: Gathering, given: str = "Ada", **other: Any) -> UUID:
        answer = ask(gathering, given, **other)
        with registration.transaction() as session:
            registrations.confirm(session, answer.participant_id, links=LINKS, now=other.get("now", NOON))
        return answer.participant_id

    return coming


@pytest.fixture
def act(registration: Database) -> Callable[..., Any]:
    """Do something in a transaction of its own."""

    def acting(what: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with registration.transaction() as session:
            return what(session, *args, **{"links": LINKS, "now": NOON, **kwargs})

    return acting


@pytest.fixture
def do(registration: Database) -> Callable[..., Any]:
    """Do something that writes no links in a transaction of its own."""

    def doing(what: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with registration.transaction() as session:
            return what(session, *args, **{"now": NOON, **kwargs})

    return doing


@pytest.fixture
def state(registration: Database) -> Callable[[UUID], State]:
    """What became of somebody."""

    def look(participant_id: UUID) -> State:
        with registration.reading() as session:
            return session.get_one(Participant, participant_id).state

    return look


@pytest.fixture
def states(state: Callable[[UUID], State]) -> Callable[..., list[State]]:
    """What became of each of them."""
    return lambda *participants: [state(one) for one in participants]


@pytest.fixture
def told(registration: Database) -> Callable[[], list[str]]:
    """The facts told since the last time one asked, shortly named."""
    heard = 0

    def since() -> list[str]:
        nonlocal heard
        with registration.reading() as session:
            rows = session.execute(select(outbox.c.type).order_by(outbox.c.sequence)).scalars().all()
        fresh = [name.split(".")[1] for name in rows[heard:]]
        heard = len(rows)
        return fresh

    return since


class Browser:
    """Somebody's browser: it remembers cookies, fills forms as people see them, and follows after a POST."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.page = read("", 0, "")

    def get(self, address: str) -> Page:
        answer = self.client.get(address, follow_redirects=True)
        self.page = read(answer.request.path, answer.status_code, answer.get_data(as_text=True))
        return self.page

    def send(self, form: Form, button: str | None = None) -> Page:
        data = MultiDict(form.data(button))
        for name, (file_name, content, kind) in form.files.items():
            data.add(name, FileStorage(BytesIO(content), file_name, content_type=kind))
        answer = self.client.post(form.action or self.page.url, data=data, follow_redirects=True)
        self.page = read(answer.request.path, answer.status_code, answer.get_data(as_text=True))
        return self.page

    def press(self, action: str) -> Page:
        """Send the page's form that goes to `action` as it stands."""
        return self.send(self.page.form(action))


@pytest.fixture
def app(registration: Database) -> Flask:
    chosen = some_settings(public_url="https://palabre.example")
    return create_app(service, registration, chosen)


@pytest.fixture
def a_browser(app: Flask) -> Callable[[], Browser]:
    return lambda: Browser(app)


@pytest.fixture
def organiser(registration: Database, odile: Organiser, a_browser: Callable[[], Browser]) -> Browser:
    """Odile's browser, signed in."""
    browser = a_browser()
    with registration.transaction() as session:
        token = sign_ins.first_link(session, odile.email, datetime.now(UTC))
    browser.get(f"/entrer/{token}?lang=en")
    browser.press(f"/entrer/{token}")
    return browser


@pytest.fixture
def program(app: Flask, registration: Database, odile: Organiser) -> FlaskClient:
    """A program with a bearer token of Odile's: `program.post(address, json)`."""
    client = app.test_client()
    with registration.transaction() as session:
        token = sign_ins.first_link(session, odile.email, datetime.now(UTC))
    bearer = client.post("/api/registration/tokens", json={"token": token}).json["token"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
    return client
