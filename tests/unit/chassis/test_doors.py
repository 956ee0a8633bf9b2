"""What every door for programs keeps to, on a toy service with one shelf of cups."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, fields
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import Column, Integer, String, Table, insert, select, update

from services.chassis import auth
from services.chassis.db import own_tables
from services.chassis.doors import Doors, to_anybody, unless_changed
from services.chassis.inbox import Inbox
from services.chassis.service import Service
from services.chassis.shapes import PageQuery, Shape, a_page, as_json_says, page, page_of
from services.chassis.web import new_app, open_doors, reading, transacted
from tests.unit.chassis.face import some_settings

METADATA = own_tables()
cups = Table("cups", METADATA, Column("id", Integer, primary_key=True), Column("name", String, nullable=False))
SETTINGS = some_settings(public_url="https://palabre.example")
doors = Doors("cups", __name__, url_prefix="/api/registration/cups", description="Cups.")


class NewCup(Shape):
    name = fields.String(required=True)
    size = fields.Integer(load_default=1)
    is_blue = fields.Boolean(load_default=False)
    lids = fields.List(fields.Integer(), load_default=list)


class CupView(Schema):
    id = fields.Integer()
    name = fields.String()


@doors.get("")
@doors.arguments(PageQuery, location="query")
@reading
@doors.response(200, page_of(CupView))
def listed(session, wanted):
    """All cups."""
    return page(session.execute(select(cups).order_by(cups.c.id)).all(), **wanted)


@doors.post("")
@doors.arguments(NewCup)
@transacted
@doors.response(201, CupView)
def make(session, wanted):
    """Make a cup."""
    session.execute(insert(cups).values(name=wanted["name"]))
    return session.execute(select(cups).order_by(cups.c.id.desc())).first()


@doors.get("/<int:cup_id>")
@reading
@doors.response(200, CupView)
def shown(session, cup_id):
    """One cup."""
    return session.execute(select(cups).where(cups.c.id == cup_id)).one()


@doors.put("/<int:cup_id>")
@doors.arguments(NewCup)
@transacted
@unless_changed(shown)
@doors.response(200, CupView)
def change(session, wanted, cup_id):
    """Name a cup anew."""
    session.execute(update(cups).where(cups.c.id == cup_id).values(name=wanted["name"]))
    return session.execute(select(cups).where(cups.c.id == cup_id)).one()


@doors.post("/knock")
@to_anybody
@transacted
@doors.response(202)
def knock(session):
    """Knock."""


URL = "/api/registration/cups"


@pytest.fixture
def app(open_database):
    service = Service(
        "registration", METADATA, Inbox("registration"), (), lambda *_: None, Path(__file__).parent
    )
    app = new_app(service, open_database(METADATA, "registration"), SETTINGS)
    open_doors(app, doors)
    return app


@pytest.fixture
def program(app):
    client = app.test_client()
    token = auth.issue(SETTINGS, auth.Actor("organiser", uuid4(), "ada@example.org", "Ada"), 3600)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    return client


@pytest.fixture
def cup(program):
    made = program.post(URL, json={"name": "Bol"})
    return f"{URL}/{made.json['id']}"


def told(answer):
    return answer.status_code, answer.mimetype, answer.json["code"]


def test_a_stranger_is_told_to_sign_in_before_anything_they_sent_is_read(app):
    answer = app.test_client().post(URL, data="{", content_type="text/plain", headers={"Accept": "text/csv"})

    assert told(answer) == (401, "application/problem+json", "sign-in-needed")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="palabre"'


def test_a_token_that_is_none_of_ours_is_said_to_be_invalid(app):
    answer = app.test_client().get(URL, headers={"Authorization": "Bearer x.y.z"})

    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="palabre", error="invalid_token"'


def test_what_is_no_json_is_refused_as_another_kind(program):
    answer = program.post(URL, data="name=Bol", content_type="application/x-www-form-urlencoded")

    assert told(answer) == (415, "application/problem+json", "unsupported-media-type")


def test_broken_json_is_said_to_be_unreadable(program):
    answer = program.post(URL, data='{"name":', content_type="application/json")

    assert told(answer) == (400, "application/problem+json", "unreadable")


def test_json_in_another_charset_than_utf_8_is_unreadable(program):
    answer = program.post(URL, data=b'{"name": "\xe9t\xe9"}', content_type="application/json")

    assert told(answer) == (400, "application/problem+json", "unreadable")


def test_who_wants_what_is_not_said_here_is_told_so(program):
    answer = program.get(URL, headers={"Accept": "text/csv"})

    assert told(answer) == (406, "application/problem+json", "not-acceptable")


@pytest.mark.parametrize("wanted", ["*/*", "application/*", "text/html, application/json;q=0.1"])
def test_who_takes_json_too_gets_it(program, wanted):
    assert program.get(URL, headers={"Accept": wanted}).mimetype == "application/json"


def test_a_method_that_is_not_there_names_those_that_are(program):
    answer = program.delete(URL)

    assert told(answer) == (405, "application/problem+json", "method-not-allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize(
    "wrong",
    [{"size": "12"}, {"size": True}, {"size": 1.5}, {"is_blue": "yes"}, {"is_blue": 1}, {"lids": ["1"]}],
)
def test_a_program_says_numbers_as_numbers_and_yes_as_true(program, wrong):
    answer = program.post(URL, json={"name": "Bol", **wrong})

    assert told(answer) == (422, "application/problem+json", "misshapen")
    assert {name.partition(".")[0] for name in answer.json["errors"]} == wrong.keys()


def test_a_mistyped_name_is_refused_rather_than_left_out(program):
    answer = program.post(URL, json={"name": "Bol", "sise": 2})

    assert (answer.status_code, list(answer.json["errors"])) == (422, ["sise"])


def test_all_that_is_wrong_is_told_at_once(program):
    answer = program.post(URL, json={"size": "12"})

    assert answer.json["errors"].keys() == {"name", "size"}


def test_who_holds_the_newest_state_is_told_only_that(program, cup):
    first = program.get(cup)

    again = program.get(cup, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_a_changed_state_has_another_tag(program, cup):
    before = program.get(cup).headers["ETag"]
    changed = program.put(cup, json={"name": "Tasse"})

    after = program.get(cup, headers={"If-None-Match": before})

    assert (after.status_code, after.json["name"]) == (200, "Tasse")
    assert after.headers["ETag"] == changed.headers["ETag"] != before


def test_a_change_of_what_somebody_else_changed_is_refused_and_changes_nothing(program, cup):
    read = program.get(cup).headers["ETag"]
    program.put(cup, json={"name": "Tasse"}, headers={"If-Match": read})

    late = program.put(cup, json={"name": "Verre"}, headers={"If-Match": read})

    assert told(late) == (412, "application/problem+json", "changed-meanwhile")
    assert program.get(cup).json["name"] == "Tasse"


def test_of_many_who_name_the_same_state_at_once_one_changes_it(app, program, cup):
    read, bearer = program.get(cup).headers["ETag"], program.environ_base["HTTP_AUTHORIZATION"]
    ready, answers = Barrier(6), []

    def send(number):
        client = app.test_client()
        ready.wait()
        headers = {"If-Match": read, "Authorization": bearer}
        answers.append(client.put(cup, json={"name": f"Tasse {number}"}, headers=headers).status_code)

    senders = [Thread(target=send, args=(number,)) for number in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert sorted(answers) == [200, 412, 412, 412, 412, 412]


def test_an_answer_without_content_says_no_kind(app):
    answer = app.test_client().post(f"{URL}/knock")

    assert (answer.status_code, answer.data, answer.headers.get("Content-Type")) == (202, b"", None)


def test_a_list_goes_on_where_the_page_before_ended(program):
    for name in ("Bol", "Tasse", "Verre"):
        program.post(URL, json={"name": name})

    first = program.get(f"{URL}?limit=2").json
    second = program.get(f"{URL}?limit=2&after={first['next']}").json

    assert ([one["name"] for one in first["items"]], first["next"]) == (["Bol", "Tasse"], 2)
    assert ([one["name"] for one in second["items"]], second["next"]) == (["Verre"], None)


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=-1", "after=two"])
def test_a_page_that_cannot_be_is_refused(program, query):
    assert told(program.get(f"{URL}?{query}")) == (422, "application/problem+json", "misshapen")


@given(things=st.lists(st.integers(), max_size=30), limit=st.integers(1, 10))
def test_the_pages_of_a_list_are_the_list(things, limit):
    found, after = [], 0
    while after is not None:
        one = page(things, after=after, limit=limit)
        found += one["items"]
        after = one["next"]

    assert found == things


@given(total=st.integers(0, 12), after=st.integers(0, 12), limit=st.integers(1, 5))
def test_a_page_from_the_database_is_the_page_of_the_whole(total, after, limit):
    things = list(range(total))

    assert a_page(things[after : after + limit + 1], after=after, limit=limit) == page(
        things, after=after, limit=limit
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["size", "lids"]), inner),
    )
)
def test_nothing_that_json_can_say_breaks_the_reading(said):
    as_json_says(NewCup(), said)


def test_the_document_is_valid_and_says_who_may_enter_what_is_kept_and_what_is_refused(app):
    document = app.test_client().get("/api/registration/openapi.json").json
    put, knocked = document["paths"][f"{URL}/{{cup_id}}"]["put"], document["paths"][f"{URL}/knock"]["post"]

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert (put["operationId"], put["security"]) == ("cups_change", [{"token": []}])
    assert knocked["security"] == []
    assert {"$ref": "#/components/parameters/IDEMPOTENCY_KEY"} in put["parameters"]
    assert put["responses"].keys() == {
        *("200", "400", "401", "403", "404", "406", "409", "412", "413", "415", "422", "5XX")
    }
    assert document["components"]["responses"]["CONFLICT"]["content"].keys() == {"application/problem+json"}
    assert document["components"]["schemas"]["NewCup"]["additionalProperties"] is False
