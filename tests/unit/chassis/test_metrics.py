"""What Prometheus is told, who may ask, and that nothing in it speaks of people."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from services.chassis import auth
from services.chassis.db import Database, delivery, inbox, outbox, own_tables, pulse
from services.chassis.outbox import new_trace
from services.grouping.app import service as grouping
from services.grouping.models import Ask, Round
from services.notifications.app import service as notifications
from tests.unit.chassis.face import an_app, some_settings
from tests.unit.notifications.posted import a_letter

ROOT = Path(__file__).parents[3]
NOW = datetime.now(UTC)
THROUGH_THE_GATEWAY = {"X-Forwarded-For": "203.0.113.7"}
PRODUCTION = {
    "mode": "production",
    "database_url": "postgresql+psycopg://registration:gk4Ry7sWq@postgres/registration",
    "redis_url": "redis://:gk4Ry7sWq@broker/0",
    "smtp_url": "smtp://mail.example.org",
    "secret_key": "0123456789abcdefghijklmnopqrstuvwxyz",
}


def told(text: str) -> dict[str, float]:
    """Every sample by its name and marks, those of all services that this process has run added up."""
    found: dict[str, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            marks = (value for key, value in sorted(sample.labels.items()) if key != "service")
            found[" ".join((sample.name, *marks))] += sample.value
    return found


def operator(client: FlaskClient, email: str = "odile@example.org") -> FlaskClient:
    who = auth.Actor("organiser", uuid4(), email, "Odile")
    client.set_cookie(auth.ORGANISER_COOKIE, auth.issue(some_settings(), who, 3600))
    return client


@pytest.fixture
def database(open_database: Callable[..., Database]) -> Database:
    return open_database(own_tables(), "registration")


@pytest.fixture
def inside(database: Database, tmp_path: Path) -> FlaskClient:
    return an_app(database, tmp_path, **PRODUCTION).test_client()


def test_the_backlog_the_oldest_fact_the_canary_and_the_dead_are_told(database, inside) -> None:
    with database.transaction() as session:
        session.execute(
            insert(pulse).values(name="canary", value="", at=datetime.now(UTC) - timedelta(seconds=9))
        )
        for minutes in (2, 5):
            _tell(session, datetime.now(UTC) - timedelta(minutes=minutes))
        _dead(session)

    figures = told(inside.get("/metrics").text)

    assert figures["palabre_facts_waiting"] == 2
    assert figures["palabre_facts_dead"] == 1
    assert 300 <= figures["palabre_oldest_fact_seconds"] < 330
    assert 9 <= figures["palabre_canary_age_seconds"] < 39


def test_before_the_first_canary_no_age_of_one_is_told(inside) -> None:
    assert "palabre_canary_age_seconds" not in told(inside.get("/metrics").text)


def test_requests_are_counted_by_the_rule_of_their_address_and_never_as_it_was_typed(inside) -> None:
    before = told(inside.get("/metrics").text)

    inside.get("/nobody/ada@example.org")
    inside.get("/static/ada@example.org")

    text = inside.get("/metrics").text
    counted = "palabre_requests_total GET unknown 404"
    assert told(text)[counted] - before.get(counted, 0) == 1
    assert "ada@" not in text


def test_the_seconds_of_requests_are_told(inside) -> None:
    before = told(inside.get("/metrics").text).get("palabre_request_seconds_count GET", 0)

    inside.get("/nobody")

    assert told(inside.get("/metrics").text)["palabre_request_seconds_count GET"] == before + 1


def test_in_production_a_machine_inside_is_let_in_and_who_comes_through_the_gateway_is_not(inside) -> None:
    answers = [
        inside.get(path, headers=THROUGH_THE_GATEWAY) for path in ("/metrics", "/api/registration/metrics")
    ]

    assert inside.get("/metrics").status_code == 200
    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize(("email", "status"), [("odile@example.org", 200), ("otto@example.org", 403)])
def test_on_one_machine_the_figures_are_the_operators(database, tmp_path, email: str, status: int) -> None:
    client = an_app(database, tmp_path, operators=("odile@example.org",)).test_client()

    assert client.get("/metrics").status_code == 401
    assert operator(client, email).get("/api/registration/metrics").status_code == status


def test_the_letters_and_the_age_of_the_oldest_are_told(open_sqlite) -> None:
    database = open_sqlite(notifications.metadata, "notifications")
    with database.transaction() as session:
        session.add(a_letter(state="queued", next_at=datetime.now(UTC) - timedelta(minutes=4)))
        session.add(a_letter(state="unknown"))
    client = notifications.create_app(notifications, database, some_settings(operators=("odile@example.org",)))

    figures = told(operator(client.test_client()).get("/metrics").text)

    assert (figures["palabre_letters waiting"], figures["palabre_letters unknown"]) == (1, 1)
    assert 240 <= figures["palabre_oldest_letter_seconds"] < 270


def test_the_seconds_that_plans_took_are_told(open_sqlite) -> None:
    database = open_sqlite(grouping.metadata, "grouping")
    with database.transaction() as session:
        round_ = Round(gathering_id=uuid4(), number=1, kind="angles", name="", made_at=NOW, made_by=None)
        session.add(round_)
        session.flush()
        for number, (state, took_s) in enumerate((("ready", 0.25), ("refused", 1.5), ("asked", None))):
            ended = None if took_s is None else NOW + timedelta(seconds=took_s)
            session.add(
                Ask(round_id=round_.id, number=number, kind="form", state=state, asked_at=NOW, ended_at=ended)
            )
    client = grouping.create_app(grouping, database, some_settings(operators=("odile@example.org",)))

    figures = told(operator(client.test_client()).get("/metrics").text)

    names = ("solves_total", "solve_seconds_total", "newest_solve_seconds", "plans_waiting")
    assert [figures[f"palabre_{name}"] for name in names] == [2, 1.75, 1.5, 1]


ASKED = """
import sys
from pathlib import Path
from services.chassis import metrics
from services.chassis.db import Database, own_tables
from tests.unit.chassis.face import an_app

metrics.share(Path(sys.argv[1]) / "counts")
database = Database(f"sqlite:///{sys.argv[1]}/own.db", "registration")
own_tables().create_all(database.engine)
client = an_app(database, Path(sys.argv[1])).test_client()
for _ in range(int(sys.argv[2])):
    client.get("/nobody")
registry = metrics._registry(metrics._Asked(database, "registration", ()))
print(metrics.generate_latest(registry).decode())
"""


def test_web_processes_count_together(tmp_path: Path) -> None:
    for asked in ("2", "3"):
        text = subprocess.run(
            [sys.executable, "-c", ASKED, str(tmp_path), asked],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert told(text)["palabre_requests_total GET unknown 404"] == 5


def _tell(session, at: datetime) -> None:
    event_id = uuid4()
    session.execute(
        insert(outbox).values(
            event_id=event_id, type="registration.participant_registered.v1", subject=uuid4(), body={},
            trace=new_trace(), happened_at=at,
        )
    )  # fmt: skip
    session.execute(
        insert(delivery).values(
            event_id=event_id, hearer="grouping", sequence=1, version=1, attempts=0, next_at=at
        )
    )


def _dead(session) -> None:
    session.execute(
        insert(inbox).values(
            event_id=uuid4(), source="registration", type="t", subject=UUID(int=1), version=1, status="dead",
            attempts=5, starts=0, again=0, heard_at=NOW,
        )
    )  # fmt: skip
