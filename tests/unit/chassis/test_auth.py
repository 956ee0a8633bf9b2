"""Who may come in, and who may not whatever they show at the door."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask, jsonify, make_response

from services.chassis import auth, roles
from services.chassis.auth import NOBODY, Actor
from services.chassis.db import Database, own_tables
from services.chassis.errors import Forbidden, SignInNeeded
from services.chassis.inbox import Inbox
from tests.unit.chassis.face import SIGNING, VERIFY, an_app, some_settings

NOON = datetime(2027, 4, 8, 10, 0, tzinfo=UTC)
ODILE = Actor("organiser", UUID(int=1), "odile@example.org", "Odile Faure")
AWA = Actor("participant", UUID(int=2), "awa@example.org", "Awa", gathering_id=UUID(int=7))
HOUR_S = 3600


@pytest.fixture
def database(open_sqlite: Callable[..., Database]) -> Database:
    return open_sqlite(own_tables(), "registration")


@pytest.fixture
def app(database: Database, tmp_path: Path) -> Flask:
    app = an_app(database, tmp_path)

    @app.route("/who", methods=["GET", "POST"])
    @app.route("/api/registration/who", methods=["GET", "POST"])
    def who():
        found = auth.actor()
        return jsonify(kind=found.kind, id=found.id and str(found.id), me=auth.participant().kind)

    @app.get("/come-in")
    def come_in():
        response = make_response("in")
        auth.sign_in(response, auth.issue(some_settings(), ODILE, HOUR_S))
        auth.set_participant(response, auth.issue(some_settings(), AWA, HOUR_S))
        return response

    @app.get("/leave")
    def leave():
        response = make_response("out")
        auth.sign_out(response)
        return response

    return app


def test_a_token_says_who_someone_is():
    for who in (ODILE, AWA):
        assert auth.read(some_settings(), auth.issue(some_settings(), who, HOUR_S)) == who


def test_a_token_ends():
    token = auth.issue(some_settings(), ODILE, HOUR_S, now=datetime.now(UTC) - timedelta(hours=2))

    assert auth.read(some_settings(), token) == NOBODY


def test_a_token_of_another_key_is_nobody():
    signing, verify = auth.new_keys()

    assert auth.read(some_settings(), auth.issue(some_settings(signing_key=signing), ODILE, HOUR_S)) == NOBODY
    assert auth.read(some_settings(verify_key=verify), auth.issue(some_settings(), ODILE, HOUR_S)) == NOBODY


def test_a_token_of_a_machine_whose_clock_is_ahead_is_good():
    token = auth.issue(some_settings(), ODILE, HOUR_S, now=datetime.now(UTC) + timedelta(hours=1))

    assert auth.read(some_settings(), token) == ODILE


def _forged(change: dict[str, object]) -> str:
    head, body, signature = auth.issue(some_settings(), ODILE, HOUR_S).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | change
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def _signed(algorithm: str | None, key: object, **change: object) -> str:
    now = datetime.now(UTC)
    claims = {"iss": "palabre", "aud": "organiser", "sub": str(uuid4()), "iat": now, "exp": now + timedelta(1)}
    kept = {name: value for name, value in (claims | change).items() if value is not None}
    return jwt.encode(kept, key, algorithm)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x.y.z",
        _forged({"sub": str(UUID(int=9))}),
        _forged({"exp": 4102444800}),
        _signed(None, None),
        _signed("HS256", VERIFY + "0" * 32),
        _signed("EdDSA", Ed25519PrivateKey.generate()),
        _signed("EdDSA", auth._private(SIGNING), iss="another house"),
        _signed("EdDSA", auth._private(SIGNING), aud="nobody"),
        _signed("EdDSA", auth._private(SIGNING), exp=None),
        _signed("EdDSA", auth._private(SIGNING), sub="not an id"),
    ],
    ids=[
        "empty",
        "noise",
        "subject changed",
        "end changed",
        "unsigned",
        "public key as secret",
        "unknown key",
        "unknown issuer",
        "unknown kind",
        "no end",
        "subject is no id",
    ],
)
def test_a_forged_token_is_nobody(token):
    assert auth.read(some_settings(), token) == NOBODY


def test_nobody_issues_tokens_without_the_signing_key():
    with pytest.raises(ValueError, match="signing key"):
        auth.issue(some_settings(signing_key=""), ODILE, HOUR_S)


def test_the_cookie_of_one_kind_does_not_open_the_other(app):
    client = app.test_client()
    client.set_cookie("palabre", auth.issue(some_settings(), AWA, HOUR_S))
    client.set_cookie("palabre_moi", auth.issue(some_settings(), ODILE, HOUR_S))

    assert client.get("/who").json == {"kind": "nobody", "id": None, "me": "nobody"}


def test_an_organiser_who_also_takes_part_is_both(app):
    client = app.test_client()
    client.get("/come-in")

    assert client.get("/who").json == {"kind": "organiser", "id": str(ODILE.id), "me": "participant"}


def test_leaving_takes_both_cookies_away(app):
    client = app.test_client()
    client.get("/come-in")
    client.get("/leave")

    assert client.get("/who").json["kind"] == "nobody"


def test_a_cookie_reads_the_api_and_never_writes_through_it(app):
    client = app.test_client()
    client.get("/come-in")

    assert client.get("/api/registration/who").json["kind"] == "organiser"
    assert client.post("/api/registration/who").json["kind"] == "nobody"


def test_a_bearer_writes_through_the_api_and_is_nobody_elsewhere(app):
    bearer = {"Authorization": "Bearer " + auth.issue(some_settings(), ODILE, HOUR_S)}
    client = app.test_client()

    assert client.post("/api/registration/who", headers=bearer).json["kind"] == "organiser"
    assert client.get("/who", headers=bearer).json["kind"] == "nobody"


def test_a_wrong_bearer_does_not_fall_back_on_the_cookie(app):
    client = app.test_client()
    client.get("/come-in")

    answer = client.get("/api/registration/who", headers={"Authorization": "Bearer x.y.z"})

    assert answer.json["kind"] == "nobody"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(database, tmp_path):
    app = an_app(database, tmp_path, public_url="https://palabre.example")

    @app.get("/come-in")
    def come_in():
        response = make_response("in")
        auth.sign_in(response, auth.issue(some_settings(), ODILE, HOUR_S))
        return response

    (cookie,) = app.test_client().get("/come-in").headers.getlist("Set-Cookie")

    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(cookie.split("; "))


def _ask(app: Flask, database: Database, who: Actor | None, gathering: UUID, *roles: str) -> Actor:
    headers = {"Authorization": "Bearer " + auth.issue(some_settings(), who, HOUR_S)} if who else {}
    with app.test_request_context("/api/registration/x", headers=headers), database.reading() as session:
        return auth.require(session, gathering, *roles)


def test_a_role_opens_its_own_gathering_only(app, database):
    here, elsewhere = uuid4(), uuid4()
    with database.transaction() as session:
        roles.grant(session, role_id=uuid4(), gathering_id=here, organiser_id=ODILE.id, role="owner")

    assert _ask(app, database, ODILE, here) == ODILE
    with pytest.raises(Forbidden):
        _ask(app, database, ODILE, elsewhere)


def test_by_default_nobody_comes_in(app, database):
    with pytest.raises(SignInNeeded):
        _ask(app, database, None, uuid4())
    with pytest.raises(SignInNeeded):
        _ask(app, database, AWA, AWA.gathering_id)
    with pytest.raises(Forbidden):
        _ask(app, database, ODILE, uuid4())


def test_the_desk_opens_the_desk_and_no_more(app, database):
    here = uuid4()
    with database.transaction() as session:
        roles.grant(session, role_id=uuid4(), gathering_id=here, organiser_id=ODILE.id, role="desk")

    assert _ask(app, database, ODILE, here, "owner", "organiser", "desk") == ODILE
    with pytest.raises(Forbidden):
        _ask(app, database, ODILE, here)


def test_a_role_taken_back_is_gone_at_the_next_click(app, database):
    here, role = uuid4(), uuid4()
    with database.transaction() as session:
        roles.grant(session, role_id=role, gathering_id=here, organiser_id=ODILE.id, role="owner")
        roles.revoke(session, role)

    with pytest.raises(Forbidden):
        _ask(app, database, ODILE, here)


def test_roles_come_by_facts_and_may_come_twice(open_database):
    database = open_database(own_tables(), "grouping")
    inbox = Inbox("grouping")
    roles.hear(inbox)
    told = {
        "role_id": uuid4(),
        "gathering_id": uuid4(),
        "organiser_id": ODILE.id,
        "role": "owner",
        "name": "Odile",
        "email": "odile@example.org",
    }
    granted, revoked = (inbox.ears[f"registration.role_{deed}.v1"].handle for deed in ("granted", "revoked"))

    with database.transaction() as session:
        granted(session, told, NOON)
        granted(session, told | {"role": "reader"}, NOON)
        assert auth.roles_held(session, told["gathering_id"], ODILE.id) == {"reader"}
        revoked(session, {"role_id": told["role_id"]}, NOON)
        assert auth.roles_held(session, told["gathering_id"], ODILE.id) == set()
