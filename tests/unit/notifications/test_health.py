"""What /sante says of every service, by the signs that each leaves in the broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from services.chassis import signs
from services.chassis.db import Database
from services.chassis.settings import Settings
from services.chassis.signs import Sign
from services.notifications.app import service
from services.notifications.models import Base
from tests.faults.broker import Broker

SERVICES = ("registration", "grouping", "feedback", "notifications")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "valkey", aof=False)
    broker.start()
    yield broker
    broker.end()


@pytest.fixture
def visitor(broker: Broker, open_sqlite: Callable[..., Database]) -> FlaskClient:
    settings = Settings(mode="test", secret_key="x" * 32, redis_url=broker.url())
    return service.create_app(service, open_sqlite(Base.metadata, "notifications"), settings).test_client()


def give(
    broker: Broker, service: str, *, age_s: float = 2, waiting: int = 0, oldest_s: float = 0, dead: int = 0
):
    at = datetime.now(UTC) - timedelta(seconds=age_s)
    signs.give(broker.client, service, Sign(at, waiting, oldest_s, dead))


def said(visitor: FlaskClient, language: str) -> str:
    return unescape(visitor.get(f"/sante?lang={language}").text).replace("\u00a0", " ").replace("\u202f", " ")


def test_each_service_is_said_to_be_well(visitor, broker):
    for name in SERVICES:
        give(broker, name)

    english, french = said(visitor, "en"), said(visitor, "fr")

    assert "<h1>Everything works</h1>" in english
    assert all(f"{who}: news goes round." in english for who in ("Registration", "Groups", "Letters"))
    assert all(f"{who} : les nouvelles circulent." in french for who in ("Inscriptions", "Groupes"))
    assert visitor.get("/sante.json").status_code == 200


def test_a_service_whose_canary_stopped_going_round_is_named(visitor, broker):
    for name in SERVICES:
        give(broker, name, age_s=300 if name == "grouping" else 2)

    assert "Groups: news does not go round, for 300 s now." in said(visitor, "en")
    assert "Groupes : les nouvelles ne circulent plus depuis 300 s." in said(visitor, "fr")
    assert visitor.get("/sante.json").status_code == 503


def test_what_waits_and_what_is_dead_is_said_for_each_service(visitor, broker):
    give(broker, "registration", waiting=1200, oldest_s=190)
    give(broker, "feedback", dead=1)

    english = said(visitor, "en")

    assert "Registration: 1,200 pieces of news wait to be heard." in english
    assert "Questionnaire and account: one piece of news could not be understood." in english
    assert "Groups: no sign of life yet." in english


def test_a_broker_that_is_away_is_one_sentence(visitor, broker):
    broker.end()

    assert "The broker does not answer: news does not go round." in said(visitor, "en")
    assert visitor.get("/sante.json").get_json()["broker"] is False
