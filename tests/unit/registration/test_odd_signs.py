"""Signs that no text can hold: refused or left out at the doors, on both databases, and nothing breaks."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.registration import gatherings, sign_ins
from services.registration.app import create_app, service
from services.registration.models import Base
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import DESCRIPTION, LINKS, NOON

API = "/api/registration/gatherings"
SIGNS = ["\x00", "\ud800"]
WALK_IN = {
    "given": "Ada",
    "family": "Lovelace",
    "email": "ada@example.org",
    "territory": "A",
    "trade": "direction",
}


@pytest.fixture
def house(open_database):
    """A program signed in as an organiser, and its gathering, which is open."""
    database = open_database(Base.metadata, "registration")
    client = create_app(service, database, some_settings()).test_client()
    with database.transaction() as session:
        odile = sign_ins.welcome(session, "odile@example.org", now=NOON)
        made = gatherings.create(session, by=odile, links=LINKS, now=NOON, **DESCRIPTION)
        gathering = gatherings.open_door(session, made.id, by=odile.id, links=LINKS, now=NOON)
        token = sign_ins.first_link(session, odile.email, datetime.now(UTC))
    bearer = client.post("/api/registration/tokens", json={"token": token}).json["token"]
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
    return client, gathering


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("field", ["title", "purpose", "place", "organiser_name"])
def test_a_gathering_is_described_without_signs_that_no_text_has(house, field, sign):
    client, _ = house
    wanted = {**DESCRIPTION, "starts_at": "2040-06-12T08:00:00+00:00", "ends_at": "2040-06-12T15:00:00+00:00"}

    answer = client.post(API, json={**wanted, field: f"Spring{sign}table"})

    assert answer.status_code == 201
    assert answer.json[field] == "Springtable"


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("field", ["given", "family", "structure", "email", "territory"])
def test_no_sign_in_what_a_person_is_called_breaks_the_door(house, field, sign):
    client, gathering = house

    answer = client.post(f"{API}/{gathering.id}/walk-ins", json={**WALK_IN, field: f"A{sign}b"})

    assert answer.status_code in (201, 422)


@pytest.mark.parametrize("address", ["participants?q=", "participants?state="])
@pytest.mark.parametrize("sign", ["%00", "%ED%A0%80"])
def test_no_sign_in_a_question_breaks_the_door(house, address, sign):
    client, gathering = house

    answer = client.get(f"{API}/{gathering.id}/{address}{sign}")

    assert answer.status_code in (200, 422)
    assert answer.mimetype == ("application/json" if answer.status_code == 200 else "application/problem+json")


@pytest.mark.parametrize("address", ["/r/{slug}%00", "/r/%00", "/o/{slug}%00/participants", "/moi/%00"])
def test_no_sign_in_an_address_breaks_the_page(house, address):
    client, gathering = house

    assert client.get(address.format(slug=gathering.slug)).status_code in (404, 422)


@pytest.mark.parametrize("sign", SIGNS[:1])
def test_no_sign_in_a_form_breaks_the_page(house, sign):
    client, gathering = house
    form = {**WALK_IN, "structure": f"A{sign}b", "once": uuid4().hex}

    page = client.get(f"/r/{gathering.slug}").get_data(as_text=True)
    form["csrf_token"] = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    answer = client.post(f"/r/{gathering.slug}/inscription", data=form)

    assert answer.status_code in (303, 422)
