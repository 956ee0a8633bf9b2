"""Coming in with an account at a real OpenID provider, by hand: what a browser does, request by request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import identities
from services.registration.app import create_app, service
from tests import provider as providers
from tests.provider import BESIDE_CLIENT, CLIENT, SECRET, SIGNED_CLIENT, Provider
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import Browser

HOUSE = "https://palabre.example"
BACK = f"{HOUSE}/entrer/ailleurs/retour"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providers.running(BACK) as running:
        yield running


@pytest.fixture
def a_house(registration):
    """A browser at a house whose provider is this one."""

    def made(issuer, secret=SECRET, client=CLIENT) -> Browser:
        chosen = some_settings(
            public_url=HOUSE, oidc_issuer=issuer, oidc_client=client, oidc_secret=secret, oidc_name="Canaille"
        )
        return Browser(create_app(service, registration, chosen))

    return made


@pytest.fixture
def somebody(a_house, provider):
    somebody = a_house(provider.issuer)
    somebody.get("/entrer?lang=en")
    return somebody


def away(somebody, address="/entrer/ailleurs"):
    """Where the house sends this browser."""
    answer = somebody.client.get(address)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["location"]


def come_in(somebody, provider, name, address="/entrer/ailleurs"):
    """All that a person does: the way there, their name and password, the way back, the press of the button."""
    return press(somebody, provider.send_back(away(somebody, address), name))


def press(somebody, address):
    page = somebody.get(address.removeprefix(HOUSE))
    return somebody.press("/entrer/ailleurs/retour") if page.has_form("/entrer/ailleurs/retour") else page


def is_in(somebody):
    return somebody.client.get("/compte").status_code == 200


def test_an_organiser_comes_in_with_the_account_of_their_address(somebody, odile, provider):
    come_in(somebody, provider, "odile")

    assert is_in(somebody)
    assert "Odile" in somebody.get("/compte").text


@pytest.mark.parametrize("client", [BESIDE_CLIENT, SIGNED_CLIENT])
def test_an_organiser_comes_in_where_the_address_is_told_beside_the_token(a_house, odile, provider, client):
    somebody = a_house(provider.issuer, client=client)

    come_in(somebody, provider, "odile")

    assert is_in(somebody)


def test_the_way_there_is_bound_to_this_browser_and_this_request(somebody, odile, provider):
    asked = parse_qs(urlsplit(away(somebody)).query)

    assert asked["response_type"] == ["code"]
    assert asked["redirect_uri"] == [BACK]
    assert asked["code_challenge_method"] == ["S256"]
    assert all(asked[name][0] for name in ("state", "nonce", "code_challenge"))
    assert set(asked["scope"][0].split()) == {"openid", "email"}


def test_whoever_was_going_somewhere_arrives_there(somebody, odile, provider):
    way = away(somebody, "/entrer/ailleurs?suite=/compte")

    assert press(somebody, provider.send_back(way, "odile")).url == "/compte"


def test_nobody_is_led_to_another_site(somebody, odile, provider):
    way = away(somebody, "/entrer/ailleurs?suite=//evil.example/")

    assert press(somebody, provider.send_back(way, "odile")).url == "/"


@pytest.mark.parametrize(
    "name, says",
    [
        ("malik", "Nobody organises here with the address malik@example.org."),
        ("unproved-odile", "Canaille has not verified your e-mail address."),
        ("nameless", "Canaille did not tell us your e-mail address."),
    ],
)
def test_whom_the_provider_knows_and_we_do_not_stays_outside_and_is_told_why(
    somebody, odile, provider, name, says
):
    page = come_in(somebody, provider, name)

    assert page.status == 403
    assert says in page.text
    assert not is_in(somebody)


def test_the_way_back_opens_nothing_in_another_browser(a_house, somebody, odile, provider):
    back = provider.send_back(away(somebody), "odile")
    other = a_house(provider.issuer)

    page = other.get(back.removeprefix(HOUSE))

    assert page.status == 403
    assert not is_in(other)


def test_the_way_back_opens_the_door_once(somebody, odile, provider):
    back = provider.send_back(away(somebody), "odile")
    press(somebody, back)
    somebody.get("/sortir")
    somebody.press("/sortir")

    assert press(somebody, back).status == 403
    assert not is_in(somebody)


def test_to_look_at_the_way_back_opens_nothing(somebody, odile, provider, registration):
    back = provider.send_back(away(somebody), "odile")
    somebody.get(back.removeprefix(HOUSE))

    assert not is_in(somebody)
    with registration.reading() as session:
        assert session.scalars(select(outbox.c.type)).all() == []


def test_a_code_of_another_persons_way_opens_nothing(a_house, somebody, odile, provider):
    """Somebody's own code put behind the state that a victim's browser waits for: PKCE knows."""
    stolen = parse_qs(urlsplit(provider.send_back(away(somebody), "odile")).query)["code"][0]
    thief = a_house(provider.issuer)
    state = parse_qs(urlsplit(away(thief)).query)["state"][0]

    page = press(thief, f"/entrer/ailleurs/retour?code={stolen}&state={state}")

    assert page.status == 403
    assert not is_in(thief)


def test_a_way_that_was_begun_an_hour_ago_is_over(somebody, odile, provider):
    back = provider.send_back(away(somebody), "odile")

    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61)):
        assert press(somebody, back).status == 403
    assert not is_in(somebody)


def test_who_says_no_at_the_provider_is_told_what_else_opens_the_door(somebody, odile, provider):
    page = press(somebody, provider.send_back(away(somebody), "malik", answer="deny"))

    assert page.status == 403
    assert "come in by e-mail" in page.text
    assert page.has_form("/entrer", having="email")


@pytest.mark.parametrize("address", ["/entrer/ailleurs/retour", "/entrer/ailleurs/retour?code=x&state=y"])
def test_a_way_back_that_nobody_went_is_refused(somebody, address):
    assert somebody.get(address).status == 403


def test_a_provider_that_does_not_answer_leaves_the_letter(a_house, odile):
    somebody = a_house("http://localhost:9")
    somebody.get("/entrer?lang=en")

    page = somebody.get("/entrer/ailleurs")

    assert page.status == 403
    assert "Canaille could not tell us who you are." in page.text
    assert page.has_form("/entrer", having="email")


def test_a_provider_that_calls_itself_otherwise_is_not_believed(a_house, odile, provider):
    somebody = a_house(f"{provider.issuer}/")
    somebody.get("/entrer?lang=en")

    assert somebody.get("/entrer/ailleurs").status == 403


def test_a_wrong_secret_lets_nobody_in(a_house, odile, provider):
    somebody = a_house(provider.issuer, secret="not-what-was-agreed")  # noqa: S106

    assert come_in(somebody, provider, "odile").status == 403
    assert not is_in(somebody)


def test_a_cookie_holds_only_the_last_few_ways_that_were_begun(somebody, odile, provider):
    ways = [away(somebody) for _ in range(12)]

    cookie = somebody.client.get_cookie("palabre_registration")
    assert len(cookie.value) < 2500
    press(somebody, provider.send_back(ways[-1], "odile"))
    assert is_in(somebody)


def test_an_organiser_binds_an_account_of_another_address_and_removes_it(
    somebody, odile, provider, registration
):
    come_in(somebody, provider, "odile")
    page = come_in(somebody, provider, "malik", "/compte/ailleurs")

    assert "malik@example.org" in page.text
    with registration.reading() as session:
        bound = [one for one in identities.of_organiser(session, odile.id) if one.email == "malik@example.org"]
    somebody.get(f"/compte/ailleurs/{bound[0].id}/retirer")
    assert "malik@example.org" not in somebody.press("").text
    assert "malik@example.org" not in somebody.get("/compte").text


def test_binding_is_never_pressed_by_a_script(somebody, odile, provider):
    come_in(somebody, provider, "odile")

    page = somebody.get(provider.send_back(away(somebody, "/compte/ailleurs"), "malik").removeprefix(HOUSE))

    assert "onward.js" not in page.html
    assert page.has_form("/entrer/ailleurs/retour")


def test_a_house_without_a_provider_shows_none_and_has_no_way_there(app, organiser):
    assert "/entrer/ailleurs" not in Browser(app).get("/entrer").html
    assert "/compte/ailleurs" not in organiser.get("/compte").html
    assert Browser(app).get("/entrer/ailleurs").status == 404
