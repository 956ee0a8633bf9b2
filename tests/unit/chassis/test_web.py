"""What the door promises: one transaction, one answer to a repeated write, refusals told in one place."""

from __future__ import annotations

import threading
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Blueprint, redirect, request
from sqlalchemy import Column, Integer, String, Table, insert, select

from services.chassis import auth, settings
from services.chassis.db import Database, own_tables
from services.chassis.errors import Refused
from services.chassis.inbox import Inbox
from services.chassis.service import Service
from services.chassis.web import new_app, reading, transacted
from tests.postgres import free_port

METADATA = own_tables()
seats = Table(
    "seats", METADATA, Column("id", Integer, primary_key=True), Column("name", String, nullable=False)
)
SIGNING, VERIFY = auth.new_keys()
SETTINGS = settings.read({}, mode="test", secret_key="x" * 32, signing_key=SIGNING, verify_key=VERIFY)


class Full(Refused):
    code = "full"


api = Blueprint("toy", __name__)


@api.post("/api/registration/seats")
@transacted
def take(session):
    name = request.get_json()["name"]
    session.execute(insert(seats).values(name=name))
    if name == "late":
        raise Full("Every seat is taken.", seats=1)
    if name == "wrong":
        return {"code": "wrong"}, HTTPStatus.UNPROCESSABLE_ENTITY
    if name == "boom":
        raise RuntimeError("boom")
    return redirect(f"/seats/{name}", 303)


@api.get("/api/registration/seats")
@reading
def all_seats(session):
    return list(session.scalars(select(seats.c.name)))


@pytest.fixture
def client(open_database):
    service = Service(
        "registration", METADATA, Inbox("registration"), (), lambda *_: None, Path(__file__).parent
    )
    database = open_database(METADATA, "registration")
    app = new_app(service, database, SETTINGS)
    app.register_blueprint(api)
    return app.test_client()


URL = "/api/registration/seats"


def test_a_write_sent_twice_with_one_key_is_done_once_and_answered_twice(client):
    answers = [client.post(URL, json={"name": "Ada"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert [(a.status_code, a.headers["Location"]) for a in answers] == [(303, "/seats/Ada")] * 2
    assert client.get(URL).json == ["Ada"]


def test_two_writes_with_one_key_at_once_are_done_once(client):
    app, answers = client.application, []

    def send():
        headers = {"Idempotency-Key": "k"}
        answers.append(app.test_client().post(URL, json={"name": "Ada"}, headers=headers).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [303] * 6
    assert client.get(URL).json == ["Ada"]


def test_a_key_that_comes_back_with_other_content_is_refused(client):
    client.post(URL, json={"name": "Ada"}, headers={"Idempotency-Key": "k"})

    answer = client.post(URL, json={"name": "Bo"}, headers={"Idempotency-Key": "k"})

    assert (answer.status_code, answer.json["code"]) == (422, "key-used-otherwise")


def bearing(who, ttl_s):
    token = auth.issue(SETTINGS, auth.Actor("organiser", who), ttl_s)
    return {"Idempotency-Key": "k", "Authorization": f"Bearer {token}"}


def test_who_signed_in_again_in_between_is_still_the_one_who_sent_it(client):
    odile = uuid4()

    answers = [
        client.post(URL, json={"name": "Ada"}, headers=bearing(odile, ttl)).status_code for ttl in (60, 90)
    ]

    assert answers == [303, 303]
    assert client.get(URL).json == ["Ada"]


def test_two_people_may_call_their_writes_by_the_same_key(client):
    for name in ("Ada", "Bo"):
        assert client.post(URL, json={"name": name}, headers=bearing(uuid4(), 60)).status_code == 303

    assert client.get(URL).json == ["Ada", "Bo"]


@pytest.mark.parametrize(("name", "status"), [("late", 409), ("wrong", 422), ("boom", 500)])
def test_an_answer_of_400_or_more_leaves_nothing_behind(client, name, status):
    answer = client.post(URL, json={"name": name}, headers={"Idempotency-Key": "k"})

    assert answer.status_code == status
    assert client.get(URL).json == []


def test_a_refusal_is_a_problem_document_for_programs(client):
    answer = client.post(URL, json={"name": "late"}, headers={"Accept-Language": "en"})

    assert answer.mimetype == "application/problem+json"
    assert answer.json == {
        "type": "urn:palabre:problem:full",
        "title": "Conflict",
        "status": 409,
        "code": "full",
        "detail": "Every seat is taken.",
        "seats": 1,
    }


def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(client):
    page, problem = client.get("/nowhere"), client.get("/api/registration/nowhere")

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert (problem.status_code, problem.mimetype) == (404, "application/problem+json")


def test_a_service_is_not_ready_before_a_canary_went_round(client):
    answer = client.get("/api/registration/health")

    assert (answer.status_code, answer.json["ready"], answer.json["outbox"]["told"]) == (503, False, 0)


@pytest.fixture
def without_database():
    """A service whose PostgreSQL is not there."""
    service = Service(
        "registration", METADATA, Inbox("registration"), (), lambda *_: None, Path(__file__).parent
    )
    database = Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/registration", "registration")
    app = new_app(service, database, SETTINGS)
    app.register_blueprint(api)
    yield app.test_client()
    database.dispose()


def test_a_database_that_is_away_means_come_back_in_a_moment_and_not_our_fault(without_database):
    page = without_database.post("/api/registration/seats", json={"name": "Ada"})

    assert (page.status_code, page.headers["Retry-After"], page.get_json()["code"]) == (503, "2", "busy")


def test_a_web_without_its_database_is_not_well(without_database):
    assert without_database.get("/healthz").status_code == 503


def test_a_web_is_well_before_any_canary_went_round(client):
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
