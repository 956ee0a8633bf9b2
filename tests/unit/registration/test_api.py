from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.chassis import auth
from services.chassis.web import settings
from services.registration import sign_ins
from tests.unit.registration.conftest import DESCRIPTION

ADA = {"given": "Ada", "family": "Lovelace", "email": "ada@example.org", "territory": "A", "trade": "direction"}
BASE = "/api/registration/gatherings"


@pytest.fixture
def described():
    return {
        **DESCRIPTION,
        "starts_at": "2040-06-12T08:00:00+00:00",
        "ends_at": "2040-06-12T15:00:00+00:00",
    }


@pytest.fixture
def gathering(program, described):
    made = program.post(BASE, json=described).json
    program.post(f"{BASE}/{made['gathering_id']}/open")
    return made


def test_a_sign_in_token_buys_one_bearer_token(app, registration, odile):
    client = app.test_client()
    with registration.transaction() as session:
        token = sign_ins.first_link(session, odile.email, datetime.now(UTC))

    answers = [client.post("/api/registration/tokens", json={"token": token}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 410]
    assert answers[1].json["code"] == "link-spent"


def test_a_program_runs_a_gathering_from_end_to_end(program, gathering, app):
    here = f"{BASE}/{gathering['gathering_id']}"
    asked = app.test_client().post(f"{here}/registrations", json=ADA)
    assert (asked.status_code, asked.json["outcome"]) == (202, "held")

    person = asked.json["participant_id"]
    arrived = program.post(f"{here}/participants/{person}/check-in")
    assert (arrived.status_code, arrived.json["state"]) == (200, "present")
    walked = program.post(f"{here}/walk-ins", json={**ADA, "given": "Bo", "email": "bo@example.org"})
    assert (walked.status_code, walked.json["walk_in"]) == (201, True)
    story = program.post(
        f"{here}/stories", json={"participant_id": person, "title": "The key", "consents": True}
    )
    assert program.post(f"{here}/stories/{story.json['story_id']}/accept").json["state"] == "accepted"
    topic = program.post(f"{here}/topics", json={"participant_id": person, "question": "How?"})
    assert program.post(f"{here}/topics/{topic.json['topic_id']}/accept", json={}).json["number"] == 1
    assert program.post(f"{here}/absences").json == {"absent": 0}
    assert program.get(f"{here}/participants?q=LOVELACE").json["total"] == 2
    assert program.get(f"{here}/figures").json["states"] == {"present": 2}


def test_an_arrival_sent_again_after_signing_in_again_is_one_person(program, gathering, app, odile):
    here = f"{BASE}/{gathering['gathering_id']}/walk-ins"
    who = auth.Actor("organiser", odile.id, odile.email, odile.name)
    with app.app_context():
        tokens = [auth.issue(settings(), who, seconds) for seconds in (600, 900)]

    people = []
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}
        answer = app.test_client().post(here, json={**ADA, "email": ""}, headers=headers)
        people.append((answer.status_code, answer.json["participant_id"]))

    assert tokens[0] != tokens[1]
    assert people == [(201, people[0][1])] * 2


def test_a_list_is_staged_and_applied(program, gathering):
    here = f"{BASE}/{gathering['gathering_id']}/imports"
    staged = program.post(here, json={"csv": "prenom;nom;email\nAda;L;ada@gmial.com\nBo;M;bo@\n"})
    assert (staged.status_code, staged.json["counts"]) == (201, {"new": 0, "known": 0, "typo": 1, "error": 1})

    applied = program.post(f"{here}/{staged.json['import_id']}/apply", json={"fix_typos": True})
    again = program.post(here, json={"csv": "prenom;nom;email\nAda;L;ada@gmail.com\n"})

    assert (applied.json["invited"], again.json["counts"]["known"]) == (1, 1)


def test_bad_answers_name_their_fields(app, gathering):
    answer = app.test_client().post(
        f"{BASE}/{gathering['gathering_id']}/registrations", json={**ADA, "given": " ", "email": "ada@"}
    )

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert (answer.json["code"], answer.json["errors"].keys()) == ("misshapen", {"given", "email"})


def test_an_unknown_territory_names_its_field(app, gathering):
    answer = app.test_client().post(
        f"{BASE}/{gathering['gathering_id']}/registrations", json={**ADA, "territory": "Z"}
    )

    assert (answer.status_code, answer.json["code"], answer.json["errors"].keys()) == (
        422,
        "misshapen",
        {"territory"},
    )


def test_a_closed_door_is_a_problem_with_a_code(program, gathering):
    here = f"{BASE}/{gathering['gathering_id']}"
    program.post(f"{here}/close")

    answer = program.post(f"{here}/registrations", json=ADA)

    assert (answer.status_code, answer.json["code"]) == (409, "registration-closed")


def test_a_change_made_from_an_old_version_is_refused(program, gathering):
    here = f"{BASE}/{gathering['gathering_id']}"
    version = program.get(here).json["version"]
    assert program.patch(here, json={"version": version, "seats": 12}).json["seats"] == 12

    answer = program.patch(here, json={"version": version, "seats": 14})

    assert (answer.status_code, answer.json["code"]) == (409, "changed-meanwhile")


def test_a_request_sent_twice_with_one_key_is_done_once(program, described):
    key = {"Idempotency-Key": "once"}

    first, again = (program.post(BASE, json=described, headers=key) for _ in range(2))

    assert (first.json, len(program.get(BASE).json["items"])) == (again.json, 1)


def test_strangers_are_told_to_sign_in(app, gathering):
    stranger = app.test_client()
    for address in ("", f"/{gathering['gathering_id']}", f"/{gathering['gathering_id']}/participants"):
        assert stranger.get(BASE + address).status_code == 401


def test_what_is_not_there_is_said_so(program):
    assert program.get(f"{BASE}/{uuid4()}").status_code in (403, 404)


def test_the_openapi_document_tells_every_door(app, program):
    document = program.get("/api/registration/openapi.json").json
    doors = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/registration/")
    }

    house = {"health", "metrics", "openapi.json", "static/{name}", "desk-worker.js"}
    assert document["paths"].keys() == doors - {f"/api/registration/{page}" for page in house}


def test_a_gathering_is_changed_as_it_was_read_or_not_at_all(program, gathering):
    here = f"{BASE}/{gathering['gathering_id']}"
    read = program.get(here).headers["ETag"]

    first = program.patch(here, json={"seats": 12}, headers={"If-Match": read})
    second = program.patch(here, json={"seats": 13}, headers={"If-Match": read})

    assert (first.status_code, first.json["seats"]) == (200, 12)
    assert (second.status_code, second.json["code"]) == (412, "changed-meanwhile")
    assert second.mimetype == "application/problem+json"
    assert program.get(here).json["seats"] == 12
    again = program.patch(here, json={"seats": 13}, headers={"If-Match": first.headers["ETag"]})
    assert (again.status_code, again.json["seats"]) == (200, 13)


def test_a_key_of_one_program_is_no_key_of_another(app, registration, program, described):
    with registration.transaction() as session:
        sign_ins.welcome(session, "pia@example.org", name="Pia", now=datetime.now(UTC))
        token = sign_ins.first_link(session, "pia@example.org", datetime.now(UTC))
    pia = app.test_client()
    bearer = pia.post("/api/registration/tokens", json={"token": token}).json["token"]
    key = {"Idempotency-Key": "1"}

    mine = [program.post(BASE, json=described, headers=key).json["gathering_id"] for _ in range(2)]
    hers = pia.post(BASE, json=described, headers={**key, "Authorization": f"Bearer {bearer}"})

    assert mine[0] == mine[1]
    assert hers.status_code == 201
    assert hers.json["gathering_id"] != mine[0]
