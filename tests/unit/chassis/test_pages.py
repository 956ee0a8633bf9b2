"""One face for all pages: forms that keep what was typed, refusals that say what to do, headers that guard."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Blueprint, Flask, abort, redirect, request
from marshmallow import Schema, ValidationError, fields

from services.chassis import pages
from services.chassis.db import Database, own_tables
from services.chassis.errors import Forbidden, Misshapen, NotFound, Refused, SignInNeeded
from tests.unit.chassis.face import an_app

NB, NN = "\u00a0", "\u202f"
SEAT = """
{% extends 'chassis/base.html' %}
{% set space = 'registration' %}
{% block name %}Une place{% endblock %}
{% block main %}
<p>L'accueil ouvre à 9 h 30 : {{ said }}</p>
<form method="post" action="/seat" novalidate>{{ p.form_keys() }}{{ p.error_summary(form) }}
{{ p.field(form, 'name', 'Nom', why='Pour votre badge.', help='Un seul.', auto='name', maxlength=80) }}
{{ p.textarea(form, 'wish', 'Vœu', opt=true) }}
{{ p.select(form, 'territory', 'Territoire', [('A', 'Armorique'), ('B', 'Beauce')], why='Pour mélanger.') }}
{{ p.radio(form, 'trade', 'Métier', [('x', 'Direction'), ('y', 'Partenariat')]) }}
{{ p.checkboxes(form, 'days', 'Jours', [('1', 'Lundi'), ('2', 'Mardi')]) }}
{{ p.checkbox(form, 'agree', 'Je viens') }}
{{ p.scale(form, 'mark', 'Note', 5, 'non', 'oui') }}
</form>{% endblock %}
"""


class Seat(Schema):
    name = fields.String(required=True)
    wish = fields.String(load_default="")
    territory = fields.String(required=True)
    trade = fields.String(required=True)
    days = fields.List(fields.Integer(), load_default=list)
    agree = fields.Boolean(load_default=False)
    mark = fields.Integer(load_default=None)


class Taken(Refused):
    code = "taken"


doors = Blueprint("doors", __name__)


def show(form: pages.Form) -> str:
    gathering = {"slug": "spring", "title": "Le printemps"}
    return pages.render("seat.html", form=form, gathering=gathering, said=request.args.get("said", ""))


@doors.get("/seat")
def seat():
    return show(pages.Form())


@doors.post("/seat")
def take():
    form = pages.Form(request.form)
    try:
        wanted = form.read(Seat)
        if wanted["name"] == "Ada":
            raise Taken("This answer is needed.", field="name")
        if wanted["name"] == "Bo":
            raise Taken("This cannot be done now")
    except (ValidationError, Refused) as error:
        return show(form.refuse(error)), 422
    pages.tell("Votre place : gardée.", undo="/seat/undo")
    return redirect("/seat", 303)


@doors.post("/robot")
@pages.open_to_robots
def robot():
    return "thanks"


@doors.post("/api/registration/x")
def api():
    return "ok"


@doors.get("/refusals/<name>")
def refuse(name):
    raise {
        "missing": NotFound("This answer is needed."),
        "closed": Forbidden("Your role at this gathering does not open this page."),
        "in": SignInNeeded("Sign in to open this page."),
        "taken": Taken("Write %(min)s or more.", min=3),
        "shape": Misshapen({"name": ["This answer is needed."]}),
        "ours": RuntimeError("secret detail"),
    }[name]


@doors.get("/busy")
def busy():
    abort(429)


@pytest.fixture
def app(open_sqlite: Callable[..., Database], tmp_path: Path) -> Flask:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "seat.html").write_text(SEAT)
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "own.js").write_text("export const a = 1;")
    app = an_app(open_sqlite(own_tables(), "registration"), tmp_path)
    app.register_blueprint(doors)
    return app


def soup(answer) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def keys(client, address: str = "/seat") -> dict[str, str]:
    form = soup(client.get(address)).find("form")
    return {box["name"]: box["value"] for box in form.find_all("input", type="hidden")}


def test_a_form_comes_back_with_everything_typed_and_the_error_beside_its_field(app):
    client = app.test_client()
    typed = {
        "wish": "L'été <b>",
        "territory": "B",
        "trade": "y",
        "days": ["1", "2"],
        "agree": "on",
        "mark": "4",
    }

    answer = client.post("/seat", data=keys(client) | typed)

    page = soup(answer)
    assert answer.status_code == 422
    assert page.title.text.startswith(f"Erreur{NB}: Une place")
    assert page.find("textarea").text.strip() == "L'été <b>"
    assert page.find("option", selected=True)["value"] == "B"
    assert [box["value"] for box in page.find_all("input", checked=True)] == ["y", "1", "2", "on", "4"]
    name = page.find(id="name")
    assert name["aria-invalid"] == "true"
    assert name["aria-describedby"] == "name-h name-e name-w"
    assert page.find(id="name-e").text == "Cette réponse est nécessaire."
    assert [(link["href"], link.text) for link in page.select(".errors a")] == [
        ("#name", "Cette réponse est nécessaire.")
    ]


def test_a_refusal_stands_beside_the_field_it_names_and_otherwise_on_top(app):
    client = app.test_client()
    typed = {"territory": "B", "trade": "y"}

    beside = soup(client.post("/seat", data=keys(client) | typed | {"name": "Ada"}))
    on_top = soup(client.post("/seat", data=keys(client) | typed | {"name": "Bo"}))

    assert beside.find(id="name-e").text == "Cette réponse est nécessaire."
    assert on_top.find(id="name-e") is None
    assert on_top.select_one(".errors li").text == "Ce n’est pas possible maintenant"


def test_every_label_names_its_box_and_every_id_is_said_once(app):
    page = soup(app.test_client().get("/seat"))
    ids = [tag["id"] for tag in page.find_all(id=True)]
    described = {
        id for tag in page.find_all(attrs={"aria-describedby": True}) for id in tag["aria-describedby"].split()
    }

    assert len(ids) == len(set(ids))
    assert {label["for"] for label in page.find_all("label", attrs={"for": True})} | described <= set(ids)


def test_blank_answers_are_none_and_spaces_around_go():
    form = pages.Form({"name": "  Ada ", "territory": "A", "trade": "x", "wish": "   ", "stranger": "x"})

    assert form.read(Seat) == {
        "name": "Ada",
        "territory": "A",
        "trade": "x",
        "wish": "",
        "days": [],
        "agree": False,
        "mark": None,
    }


def test_a_post_without_our_forms_token_does_nothing(app):
    client = app.test_client()
    stolen = keys(app.test_client())

    assert client.post("/seat", data={"name": "Ada"}).status_code == 400
    assert client.post("/seat", data=stolen | {"name": "Ada"}).status_code == 400


def test_robots_and_programs_post_without_a_token(app):
    client = app.test_client()

    assert client.post("/robot").text == "thanks"
    assert client.post("/api/registration/x").text == "ok"


def test_two_services_do_not_throw_out_each_others_forms(app, open_sqlite, tmp_path):
    other = an_app(open_sqlite(own_tables(), "grouping"), tmp_path / "other", "grouping", secret_key="t" * 32)
    names = {app.config["SESSION_COOKIE_NAME"], other.config["SESSION_COOKIE_NAME"]}

    assert len(names) == 2


def test_what_was_done_is_said_once_with_its_undo(app):
    client = app.test_client()
    client.post("/seat", data=keys(client) | {"name": "Cy", "territory": "B", "trade": "y"})

    first, second = soup(client.get("/seat")), soup(client.get("/seat"))

    assert first.select_one(".flash span").text == f"Votre place{NB}: gardée."
    assert first.select_one(".flash form")["action"] == "/seat/undo"
    assert second.select_one(".flash") is None


def test_french_pages_are_set_and_english_ones_are_not(app):
    client = app.test_client()
    french = soup(client.get("/seat?said=O'Connor")).find("p", string=re.compile("accueil"))
    english = soup(client.get("/seat?lang=en")).find("p", string=re.compile("accueil"))

    assert french.text == f"L’accueil ouvre à 9{NN}h{NN}30{NB}: O'Connor"
    assert english.text == "L'accueil ouvre à 9 h 30 : "


def test_the_language_switch_keeps_the_page(app):
    client = app.test_client()

    link = soup(client.get("/seat?said=a&said=b")).select_one(".tools a")
    assert (link["href"], link["lang"]) == ("/seat?said=a&said=b&lang=en", "en")
    assert soup(client.get(link["href"])).html["lang"] == "en"


def test_a_page_that_only_answers_a_form_leads_back_to_the_first_page(app):
    link = soup(app.test_client().post("/nothing")).select_one(".tools a")

    assert link["href"] == "/?lang=en"


@pytest.mark.parametrize(
    ("address", "status", "title"),
    [
        ("/nothing", 404, "Il n’y a rien à cette adresse"),
        ("/refusals/missing", 404, "Il n’y a rien à cette adresse"),
        ("/refusals/closed", 403, "Cette page ne vous est pas ouverte"),
        ("/refusals/in", 401, "Il faut d’abord entrer"),
        ("/refusals/taken", 409, "Ce n’est pas possible maintenant"),
        ("/refusals/shape", 422, "Des réponses sont à revoir"),
        ("/refusals/ours", 500, "Quelque chose a cassé de notre côté"),
        ("/busy", 429, "Trop d’essais en peu de temps"),
    ],
)
def test_a_refusal_is_a_page_that_says_what_to_do(app, address, status, title):
    answer = app.test_client().get(address)

    page = soup(answer)
    assert (answer.status_code, page.h1.text) == (status, title)
    assert page.select_one("main .btn")
    assert "secret detail" not in answer.text


def test_a_refusal_to_someone_signed_out_leads_to_the_door_and_back(app):
    link = soup(app.test_client().get("/refusals/in")).select_one("main .btn.main")

    assert link["href"] == "/entrer?suite=%2Frefusals%2Fin"


def test_a_refusal_fills_its_sentence(app):
    assert "Écrivez 3 ou plus." in app.test_client().get("/refusals/taken").text


def test_every_answer_is_guarded(app):
    client = app.test_client()
    for address in ("/seat", "/nothing", "/refusals/ours", "/static/house.css"):
        headers = client.get(address).headers
        assert headers["Content-Security-Policy"] == pages.POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"

    assert "unsafe" not in pages.POLICY
    assert client.get("/seat").headers["Cache-Control"] == "no-store"


def test_no_page_carries_inline_style_or_script(app):
    page = soup(app.test_client().get("/seat"))

    assert page.find_all(style=True) == []
    assert [script for script in page.find_all("script") if not script.get("src")] == []
    assert [name for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")] == []


def test_files_are_kept_a_year_under_their_hash_and_come_compressed(app):
    client = app.test_client()
    address = soup(client.get("/seat")).find("link", rel="stylesheet")["href"]

    answer = client.get(address, headers={"Accept-Encoding": "gzip, br"})
    plain = client.get(address)

    assert answer.headers["Cache-Control"] == "max-age=31536000, public, immutable"
    assert gzip.decompress(answer.data) == plain.data
    assert "Set-Cookie" not in answer.headers
    assert client.get("/static/house.css").headers["Cache-Control"] == "no-cache"
    assert client.get(address, headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304


def test_a_service_serves_its_own_files_under_its_own_prefix(app):
    with app.test_request_context():
        address = app.jinja_env.globals["asset"]("own.js")

    answer = app.test_client().get(address)

    assert address.startswith("/api/registration/static/own.js?v=")
    assert (answer.text, answer.content_type) == ("export const a = 1;", "text/javascript; charset=utf-8")


@pytest.mark.parametrize("name", ["../pages.py", "%2e%2e/pages.py", "nothing.css", ""])
def test_files_outside_the_folder_are_not_served(app, name):
    assert app.test_client().get(f"/static/{name}").status_code == 404
