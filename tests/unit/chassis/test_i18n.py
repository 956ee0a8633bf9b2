"""Two languages, chosen by the person, and sentences that nobody has to guess."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from marshmallow import Schema, ValidationError, fields, validate

from services.chassis import i18n
from services.chassis.catalogues import catalogue
from services.chassis.db import Database, own_tables
from tests.unit.chassis.face import an_app

NB = "\u00a0"


@pytest.fixture
def app(open_sqlite: Callable[..., Database], tmp_path: Path) -> Flask:
    app = an_app(open_sqlite(own_tables(), "registration"), tmp_path)

    @app.get("/language")
    def language():
        return i18n.language()

    return app


@pytest.mark.parametrize(
    ("address", "cookie", "browser", "spoken"),
    [
        ("/language", None, None, "fr"),
        ("/language", None, "en-GB,en;q=0.9,fr;q=0.5", "en"),
        ("/language", None, "de", "fr"),
        ("/language", "en", "fr", "en"),
        ("/language?lang=fr", "en", "en", "fr"),
        ("/language?lang=klingon", "en", "fr", "en"),
        ("/language", "klingon", "en", "en"),
    ],
)
def test_the_language_is_what_was_asked_then_remembered_then_read_then_french(
    app, address, cookie, browser, spoken
):
    client = app.test_client()
    if cookie:
        client.set_cookie("langue", cookie)

    assert client.get(address, headers={"Accept-Language": browser} if browser else {}).text == spoken


def test_a_language_asked_once_is_kept(app):
    client = app.test_client()
    client.get("/language?lang=en")

    assert client.get("/language").text == "en"


def test_another_language_is_spoken_for_as_long_as_it_is_forced(app):
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        said = [(i18n.language(), i18n.gettext("Close"))]
        with i18n.force_locale("en"):
            said.append((i18n.language(), i18n.gettext("Close")))
        said.append((i18n.language(), i18n.gettext("Close")))

    assert said == [("fr", "Fermer"), ("en", "Close"), ("fr", "Fermer")]


def test_french_sentences_come_with_their_typography():
    assert catalogue("registration", "fr").gettext("Error:") == f"Erreur{NB}:"
    assert catalogue("registration", "en").gettext("Error:") == "Error:"


def test_numbers_of_things_follow_each_language(app):
    one, many = "One answer needs another look", "%(num)s answers need another look"

    with app.test_request_context("/?lang=fr"):
        assert [i18n.ngettext(one, many, n) for n in (1, 2)] == ["Une réponse à revoir", "2 réponses à revoir"]
    with app.test_request_context("/?lang=en"):
        assert [i18n.ngettext(one, many, n) for n in (1, 2)] == [one, "2 answers need another look"]


def test_nobody_is_never_said_to_be_one_person(app):
    one, many = "One answer needs another look", "%(num)s answers need another look"

    with app.test_request_context("/?lang=fr"):
        assert i18n.ngettext(one, many, 0) == "0 réponses à revoir"
        assert i18n.ngettext("%(num)s unknown word", "%(num)s unknown words", 0) == "0 unknown words"
    with app.test_request_context("/?lang=en"):
        assert i18n.ngettext(one, many, 0) == "0 answers need another look"


class _Wanted(Schema):
    name = fields.String(required=True, validate=validate.Length(2, 5))
    email = fields.Email()
    seats = fields.Integer(validate=validate.Range(1, 9))
    letter = fields.String(validate=validate.OneOf("AB"))
    team = fields.List(fields.Nested(lambda: _Wanted(only=["email"])))


def test_what_a_schema_says_is_said_to_people_in_their_language(app):
    given = {"email": "x", "seats": 10, "letter": "C", "team": [{}, {"email": "y"}], "name": "abcdef"}
    with pytest.raises(ValidationError) as error:
        _Wanted().load(given)

    with app.test_request_context("/?lang=fr"):
        assert i18n.sentences(error.value.messages) == {
            "name": ["Écrivez de 2 à 5 caractères."],
            "email": [f"Ce n’est pas une adresse électronique. Exemple{NB}: ada@example.org"],
            "seats": ["Écrivez un nombre de 1 à 9."],
            "letter": ["Choisissez une réponse dans la liste."],
            "team.1.email": [f"Ce n’est pas une adresse électronique. Exemple{NB}: ada@example.org"],
        }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (fields.Integer(), "x"),
        (fields.Float(), "x"),
        (fields.Date(), "x"),
        (fields.AwareDateTime(), "x"),
        (fields.Time(), "x"),
        (fields.UUID(), "x"),
        (fields.URL(), "x"),
        (fields.Boolean(), "maybe"),
        (fields.String(), 3),
        (fields.List(fields.String()), "x"),
        (fields.Dict(), "x"),
        (fields.String(required=True), None),
        (fields.String(validate=validate.Length(max=1)), "abc"),
        (fields.String(validate=validate.Length(min=3)), ""),
        (fields.Integer(validate=validate.Range(min=3)), 1),
        (fields.Integer(validate=validate.Range(max=3)), 9),
        (fields.List(fields.String(), validate=validate.ContainsOnly("ab")), ["c"]),
    ],
)
def test_no_schema_speaks_english_to_someone_who_reads_french(app, field, value):
    with pytest.raises(ValidationError) as error:
        Schema.from_dict({"x": field})().load({"x": value})

    with app.test_request_context("/?lang=fr"):
        said = i18n.sentences(error.value.messages)
    with app.test_request_context("/?lang=en"):
        plain = i18n.sentences(error.value.messages)

    assert said["x"] != plain["x"]
