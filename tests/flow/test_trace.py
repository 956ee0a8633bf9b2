"""One trace id from the click to the letter, in every log line on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

from sqlalchemy import MetaData, select
from structlog.testing import capture_logs

from services.chassis.db import Database
from services.notifications.models import Letter
from services.notifications.posters import seal
from services.registration import gatherings, sign_ins
from services.registration.links import Links
from tests.flow.town import SERVICES, SETTINGS, Town
from tests.unit.registration.conftest import DESCRIPTION

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
LINKS = Links(SETTINGS.public_url, SETTINGS.secret_key)
ADA = {"given": "Ada", "family": "Lovelace", "email": "ada@example.org", "territory": "A", "trade": "direction"}


def test_a_trace_goes_from_the_click_to_the_letter_and_no_line_on_its_way_speaks_of_ada(
    open_sqlite: Callable[[MetaData, str], Database],
) -> None:
    town = Town(open_sqlite)
    gathering = _an_open_gathering(town)
    town.settle()
    registration = SERVICES["registration"]
    door = registration.create_app(registration, town.databases["registration"], SETTINGS).test_client()

    with capture_logs() as lines:
        answer = door.post(
            f"/api/registration/gatherings/{gathering}/registrations",
            json=ADA,
            headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
        )
        assert answer.status_code in (201, 202), answer.text
        town.settle()

    with town.databases["notifications"].reading() as session:
        letter = session.scalars(select(Letter).where(Letter.email == ADA["email"])).one()
    assert message_from_bytes(seal(letter, "palabre@example.org"))["X-Palabre-Trace"] == TRACE
    heard = [line for line in lines if line["event"] == "fact_heard"]
    assert heard
    assert {line["trace"] for line in heard} == {TRACE}
    assert not [line for line in lines if "ada" in str(line).lower() or "lovelace" in str(line).lower()]


def _an_open_gathering(town: Town) -> object:
    now = datetime.now(UTC)
    day = {"starts_at": now + timedelta(days=30), "ends_at": now + timedelta(days=30, hours=7)}
    with town.databases["registration"].transaction() as session:
        by = sign_ins.welcome(session, "odile@example.org", now=now)
        made = gatherings.create(session, by=by, links=LINKS, now=now, **{**DESCRIPTION, **day})
        gatherings.open_door(session, made.id, by=by.id, links=LINKS, now=now)
        return made.id
