"""The organiser's account and the door, as a browser with a passkey of software sees them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import sign_ins
from services.registration.app import create_app, service
from services.registration.models import Passkey
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import Browser
from tests.unit.registration.keys import Key


def options(browser, action):
    """What the page's script asks for before it turns to the device."""
    form = browser.page.form(action)
    answer = browser.client.post(f"{action}/defi", data={"csrf_token": form.value("csrf_token")})
    assert answer.status_code == 200, answer.text
    return answer.json


def add(browser, key, name="Phone"):
    browser.get("/compte?lang=en")
    made = key.make(options(browser, "/compte/cles"))
    return browser.send(browser.page.form("/compte/cles").fill(credential=made, name=name))


def come_in(browser, key, address="/entrer?lang=en"):
    browser.get(address)
    used = key.use(options(browser, "/entrer/cle"))
    return browser.send(browser.page.form("/entrer/cle").fill(credential=used))


def test_a_passkey_is_added_listed_used_and_removed(organiser, a_browser):
    key, other = Key(), a_browser()
    page = add(organiser, key)
    assert ("“Phone” opens the door from now on" in page.text, "Never used." in page.text) == (True, True)

    come_in(other, key)
    assert (other.page.url, other.page.status, "My gatherings" in other.page.text) == ("/", 200, True)
    assert "Last used on" in organiser.get("/compte").text

    organiser.get(next(link for link, _ in organiser.page.links if link.endswith("/retirer")))
    organiser.send(organiser.page.forms[-1])
    assert "“Phone” opens nothing any more" in organiser.page.text
    assert "We do not know this passkey any more" in come_in(a_browser(), key).text


def test_a_passkey_leads_on_to_the_page_that_was_asked_for(organiser, a_browser):
    key, other = Key(), a_browser()
    add(organiser, key)

    assert come_in(other, key, "/entrer?suite=/o/creer&lang=en").url == "/o/creer"


def test_a_passkey_without_a_name_is_called_by_its_day(organiser, registration):
    add(organiser, Key(), name=" ")

    with registration.reading() as session:
        assert session.scalars(select(Passkey.name)).one().startswith("Passkey of ")


def test_the_letter_about_a_passkey_leads_to_the_account(organiser, registration):
    add(organiser, Key())

    with registration.reading() as session:
        body = session.scalar(select(outbox.c.body).where(outbox.c.type.contains("passkey_added")))
    assert body["link"] == "https://palabre.example/compte"


def test_a_refused_passkey_is_told_on_the_page_and_its_challenge_stays_spent(organiser, a_browser):
    key, other = Key(), a_browser()
    add(organiser, key)
    other.get("/entrer?lang=en")
    asked = options(other, "/entrer/cle")
    key.origin = "https://elsewhere.example"
    page = other.send(other.page.form("/entrer/cle").fill(credential=key.use(asked)))
    assert "This passkey could not be checked. Try again, or come in by e-mail." in page.text

    key.origin = "https://palabre.example"
    page = other.send(other.page.form("/entrer/cle").fill(credential=key.use(asked)))
    assert "This took too long, or was sent twice. Try again." in page.text


@pytest.mark.parametrize("sent", ["", "{", "[]", json.dumps({"response": 3}), "x" * 30_000])
def test_what_is_no_passkey_leaves_the_door_closed_and_says_what_to_do(a_browser, sent):
    browser = a_browser()
    browser.get("/entrer?lang=en")

    page = browser.send(browser.page.form("/entrer/cle").fill(credential=sent))

    assert (page.url, browser.get("/o/creer").status) == ("/entrer/cle", 401)
    assert "This cannot be done as it stands" in page.text or "One answer needs another look" in page.text


def test_a_script_without_the_key_of_a_page_gets_no_challenge(a_browser):
    assert a_browser().client.post("/entrer/cle/defi").status_code == 400


def test_strangers_have_no_account(a_browser):
    browser = a_browser()
    browser.get("/entrer")
    token = browser.page.form("/entrer").value("csrf_token")

    found = [browser.client.get("/compte").status_code] + [
        browser.client.post(address, data={"csrf_token": token}).status_code
        for address in ("/compte/cles/defi", "/compte/cles")
    ]
    assert found == [401] * 3


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "http://palabre.example", "https://192.0.2.7"])
def test_where_browsers_have_no_passkeys_the_door_offers_none(registration, public_url):
    browser = Browser(create_app(service, registration, some_settings(public_url=public_url)))

    assert [form.action for form in browser.get("/entrer").forms] == ["/entrer"]
    token = browser.page.form("/entrer").value("csrf_token")
    assert browser.client.post("/entrer/cle/defi", data={"csrf_token": token}).status_code == 404


HALL = {"REMOTE_ADDR": "203.0.113.7"}


def test_a_hall_of_130_people_behind_one_address_registers_mistypes_and_asks_for_links(a_gathering, a_browser):
    gathering, browser = a_gathering(), a_browser()
    browser.client.environ_base |= HALL
    token = browser.get(f"/r/{gathering.slug}").form("inscription").value("csrf_token")

    def sent(tail, times):
        address = f"/r/{gathering.slug}/{tail}"
        return {browser.client.post(address, data={"csrf_token": token}).status_code for _ in range(times)}

    # Three tries each at the form and at the code, two letters each.
    assert [sent("inscription", 390), sent("code", 390), sent("lien", 260)] == [{422}, {404}, {422}]


def test_a_network_that_asks_for_sign_in_letters_without_end_is_told_to_wait(a_browser):
    browser = a_browser()
    browser.client.environ_base |= HALL
    token = browser.get("/entrer?lang=en").form("/entrer").value("csrf_token")

    answers = [browser.client.post("/entrer", data={"csrf_token": token}) for _ in range(101)]

    assert [answer.status_code for answer in answers] == [422] * 100 + [429]
    assert "Very many requests came from your network" in answers[-1].text


@pytest.mark.parametrize("address", ["/api/registration/sign-ins", "/api/registration/tokens"])
def test_programs_are_told_to_wait_too(app, address):
    program = app.test_client()
    program.environ_base |= HALL

    found = [program.post(address, json={}).status_code for _ in range(401)]

    assert (found[0], found[-1]) == (422, 429)


def test_coming_in_and_leaving_end_the_forms_of_before(registration, odile, a_browser):
    browser = a_browser()
    with registration.transaction() as session:
        door = f"/entrer/{sign_ins.first_link(session, odile.email, datetime.now(UTC))}"
    before = browser.get(door).form(door).value("csrf_token")
    browser.press(door)
    inside = browser.get("/compte").forms[0].value("csrf_token")
    at_once = browser.client.post("/compte/cles/defi", data={"csrf_token": before}).status_code
    browser.get("/sortir")
    browser.press("/sortir")
    browser.get("/entrer")
    later = browser.client.post("/entrer", data={"csrf_token": inside}).status_code

    assert (at_once, later) == (400, 400)
