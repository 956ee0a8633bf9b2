"""The pages of letters, the local mailbox and the state of the service in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Thread
from uuid import uuid4

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from services.chassis import auth
from services.chassis.auth import Actor
from services.chassis.db import Database
from services.notifications import deliveries, posting
from services.notifications.app import service
from services.notifications.models import Base, Letter
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing
from tests.unit.chassis.face import some_settings
from tests.unit.notifications.conftest import SPRING, Ears, a_person, registered

ODILE = uuid4()


class Office:
    """Notifications at an address of its own, with letters in every state."""

    def __init__(self, address: str, letters: dict[str, Letter], cookie: str) -> None:
        self.address, self.letters, self.cookie = address, letters, cookie


@pytest.fixture
def office(open_sqlite: Callable[..., Database]) -> Iterator[Office]:
    ears = Ears(open_sqlite(Base.metadata, "notifications"))
    ears.describe()
    role = {"role_id": str(uuid4()), "gathering_id": str(SPRING), "organiser_id": str(ODILE), "role": "owner"}
    ears.hear("registration.role_granted.v1", {**role, "name": "Odile", "email": ""}, subject="role_id")
    for given in ("Ada", "Bo", "Maximilienne-Éléonore-Anne-Charlotte-Élisabeth-Dominique"):
        invitation = {**a_person(given=given), "invitation_id": str(uuid4())}
        ears.hear("registration.person_invited.v1", invitation, subject="invitation_id")
    for given in ("Cy", "Di", "Eve", "Flo"):
        ears.hear("registration.participant_registered.v1", registered(a_person(given=given)))
    settings = some_settings(mailbox_key="the-key")
    with ears.database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC))
    posting.post(ears.database, settings, str(batch))
    states = {"Di Kermarrec": "unknown", "Eve Kermarrec": "failed", "Flo Kermarrec": "deferred"}
    with ears.database.transaction() as session:
        for letter in session.query(Letter):
            if letter.name in states:
                letter.state, letter.reply = states[letter.name], "450 4.2.1 boîte occupée"
                letter.next_at = datetime.now(UTC)
    server = make_server("127.0.0.1", 0, service.create_app(service, ears.database, settings), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    token = auth.issue(settings, Actor("organiser", ODILE, name="Odile F."), 600)
    found = {letter.state: letter for letter in ears.letters()}
    yield Office(f"http://127.0.0.1:{server.port}", found, token)
    server.shutdown()
    thread.join()


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_of_letters_is_accessible_and_fits(page: Page, office: Office, window, language):
    page.context.add_cookies([{"name": "palabre", "value": office.cookie, "url": office.address}])
    page.set_viewport_size(window)
    here = "/c/table-de-printemps"
    one = [f"{here}/{letter.id}" for letter in office.letters.values()]
    paths = [
        here,
        f"{here}/envois",
        f"{here}/envois?qui=nobody",
        f"{here}/a-voir",
        f"{here}/a-relire/invitation",
        f"{here}/a-relire/account",
        f"{here}/resume",
        *one,
        f"{one[0]}/modifier",
        f"{here}/personnes/{office.letters['sent'].participant_id}",
        "/boite/the-key",
        "/boite/the-key?a=nobody",
        "/boite/the-key/1",
        "/sante",
    ]
    for path in paths:
        with overhearing(page) as heard:
            page.goto(f"{office.address}{path}{'&' if '?' in path else '?'}lang={language}")
            axe(page)
            no_sideways_scroll(page)
        assert heard.complaints == [], path


def test_a_click_in_a_kept_letter_leads_where_its_reader_would_go(page: Page, office: Office):
    page.route("https://palabre.example/**", lambda route: route.fulfill(body="arrived"))
    page.goto(f"{office.address}/boite/the-key/1")

    page.frame_locator("iframe").get_by_role("link", name="Voir ma place").press("Enter")

    page.wait_for_url("https://palabre.example/moi/7hq2-secret")
