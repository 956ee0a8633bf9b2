"""The session's cookie and the clock of the server that reads it."""

from __future__ import annotations

import time

import pytest
from flask import Flask, session

from services.chassis.sessions import Sessions, Signer

A_MONTH_S = 31 * 24 * 3600


@pytest.fixture
def app() -> Flask:
    app = Flask("toy")
    app.config.update(SECRET_KEY="a key of the tests", TESTING=True)  # noqa: S106
    app.session_interface = Sessions()

    @app.get("/in")
    def come_in() -> str:
        session["who"] = "Ines"
        return ""

    @app.get("/who")
    def who() -> str:
        return session.get("who", "nobody")

    return app


def who_came(app: Flask, monkeypatch: pytest.MonkeyPatch, *, ahead_s: int) -> str:
    """Who one is, after one came in while the clock was so far ahead."""
    client = app.test_client()
    with monkeypatch.context() as wrong:
        wrong.setattr(Signer, "get_timestamp", lambda _: int(time.time()) + ahead_s)
        client.get("/in")
    return client.get("/who").text


@pytest.mark.parametrize("ahead_s", [0, 3600, -3600])
def test_a_clock_that_is_set_right_forgets_nobody(app, monkeypatch, ahead_s):
    assert who_came(app, monkeypatch, ahead_s=ahead_s) == "Ines"


@pytest.mark.parametrize("ahead_s", [A_MONTH_S + 60, -A_MONTH_S - 60])
def test_a_cookie_farther_from_now_than_its_life_is_nobody_s(app, monkeypatch, ahead_s):
    assert who_came(app, monkeypatch, ahead_s=ahead_s) == "nobody"


def test_a_cookie_of_another_key_is_nobody_s(app):
    client = app.test_client()
    client.get("/in")
    app.config["SECRET_KEY"] = "another key"  # noqa: S105

    assert client.get("/who").text == "nobody"
