"""Passkeys in a real browser, with an authenticator that its DevTools pretend (WebAuthn.addVirtualAuthenticator)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect
from sqlalchemy import func, select
from werkzeug.serving import make_server

from services.chassis.db import Database
from services.registration import sign_ins
from services.registration.app import service
from services.registration.models import Base, Passkey
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing, tab_to
from tests.postgres import free_port
from tests.unit.chassis.face import some_settings


@dataclass
class Door:
    """A house at a name that browsers have passkeys for, and the way in that a letter would bring."""

    database: Database
    address: str

    def letter(self) -> str:
        with self.database.transaction() as session:
            return (
                f"{self.address}/entrer/{sign_ins.first_link(session, 'odile@example.org', datetime.now(UTC))}"
            )

    def keys(self) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Passkey)) or 0


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    port = free_port()
    database = Database(f"sqlite:///{tmp_path}/registration.db", "registration")
    Base.metadata.create_all(database.engine)
    app = service.create_app(service, database, some_settings(public_url=f"http://localhost:{port}"))
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Door(database, f"http://localhost:{port}")
    server.shutdown()
    thread.join()
    database.dispose()


@pytest.fixture
def page(browser: Browser, door: Door) -> Iterator[Page]:
    context = browser.new_context(locale="fr-FR", viewport=DESK)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def authenticator(page: Page, **more: object) -> tuple[CDPSession, str]:
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable", {"enableUI": False})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
        **more,
    }
    return device, device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]


def come_in_by_letter(page: Page, door: Door) -> None:
    page.goto(door.letter())
    page.click("main button")
    page.wait_for_url(f"{door.address}/")


def add(page: Page, door: Door, name: str = "Téléphone") -> None:
    page.goto(f"{door.address}/compte")
    page.fill("[name=name]", name)
    page.click("form[data-passkey] button")
    page.wait_for_selector(".flash")


def leave(page: Page, door: Door) -> None:
    page.goto(f"{door.address}/sortir")
    page.click("main button")
    page.wait_for_url(f"{door.address}/")


def test_a_passkey_is_added_and_opens_the_door_with_the_keyboard_alone(page, door):
    authenticator(page)
    # The button, not the offer below the address: that one has a test of its own.
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    come_in_by_letter(page, door)
    with overhearing(page) as heard:
        page.goto(f"{door.address}/compte")
        tab_to(page, "[name=name]")
        page.keyboard.type("Téléphone")
        page.keyboard.press("Enter")
        page.wait_for_selector(".flash")
        expect(page.locator("main li strong")).to_have_text("Téléphone")
        leave(page, door)
        page.goto(f"{door.address}/entrer?suite=/compte")
        tab_to(page, "form[data-passkey] button")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{door.address}/compte")

    expect(page.get_by_text("Dernier usage le")).to_be_visible()
    assert heard.complaints == []


def test_the_browser_offers_its_passkeys_by_itself_below_the_address(page, door):
    device, which = authenticator(page)
    come_in_by_letter(page, door)
    add(page, door)
    leave(page, door)
    if not page.evaluate("PublicKeyCredential.isConditionalMediationAvailable()"):
        pytest.skip("this browser offers no passkeys by itself")

    # With presence pretended, the offer is taken as soon as the page has made it.
    page.goto(f"{door.address}/entrer?suite=/compte")
    page.wait_for_url(f"{door.address}/compte")

    expect(page.get_by_text("Dernier usage le")).to_be_visible()


def test_a_device_that_has_a_passkey_already_is_told_so(page, door):
    authenticator(page)
    come_in_by_letter(page, door)
    add(page, door)

    page.click("form[data-passkey] button")

    expect(page.locator("[data-said]")).to_contain_text("Cet appareil a déjà une clé d’accès pour vous.")
    assert door.keys() == 1


def test_a_person_who_refuses_is_told_what_else_opens_the_door(page, door):
    device, which = authenticator(page)
    come_in_by_letter(page, door)
    device.send("WebAuthn.setUserVerified", {"authenticatorId": which, "isUserVerified": False})
    page.goto(f"{door.address}/compte")

    page.click("form[data-passkey] button")

    expect(page.locator("[data-said]")).to_contain_text("Réessayez, ou gardez le lien par courrier.")
    expect(page.locator("form[data-passkey] button")).to_be_focused()
    assert door.keys() == 0


def test_another_address_than_that_of_the_settings_is_named(page, door):
    authenticator(page)
    page.goto(f"{door.address.replace('localhost', '127.0.0.1')}/entrer")

    page.click("form[data-passkey] button")

    expect(page.locator("[data-said]")).to_contain_text(f"Ouvrez {door.address}, puis réessayez.")


def test_a_challenge_that_cannot_be_had_is_said(page, door):
    authenticator(page)
    page.goto(f"{door.address}/entrer")
    page.route("**/defi", lambda route: route.abort())

    page.click("form[data-passkey] button")

    expect(page.locator("[data-said]")).to_contain_text("Vérifiez votre connexion, puis réessayez.")


def test_without_javascript_the_letter_stays_and_no_dead_button_is_shown(browser, door):
    context = browser.new_context(java_script_enabled=False, locale="fr-FR")
    page = context.new_page()
    page.goto(f"{door.address}/entrer")
    assert [form.is_visible() for form in page.locator("main form").all()] == [True, False]

    page.goto(door.letter())
    page.click("main button")
    page.goto(f"{door.address}/compte")

    expect(page.locator("form[data-passkey]")).to_be_hidden()
    expect(page.get_by_text("Le lien par courrier fonctionne sans.")).to_be_visible()
    context.close()


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["1280", "360"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_door_and_the_account_read_well(page, door, window, language):
    page.set_viewport_size(window)
    authenticator(page)
    page.goto(f"{door.address}/entrer?lang={language}")
    axe(page)
    no_sideways_scroll(page)
    come_in_by_letter(page, door)
    add(page, door, "Ordinateur-du-bureau-d-Armorique-au-nom-qui-ne-finit-jamais")
    axe(page)
    no_sideways_scroll(page)
    page.click("main li a")
    axe(page)
    no_sideways_scroll(page)
