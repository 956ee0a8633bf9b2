"""The operators' page of facts that could not be heard, in a real browser, with and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from services.chassis import auth
from services.chassis.auth import Actor
from services.chassis.db import Database
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing
from tests.unit.chassis.test_dead_pages import HOME, METADATA, SETTINGS, House


@pytest.fixture
def house(open_sqlite: Callable[..., Database], tmp_path: Path) -> Iterator[House]:
    house = House(open_sqlite(METADATA, "grouping"), tmp_path)
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    house.address = f"http://127.0.0.1:{server.port}"
    yield house
    server.shutdown()
    thread.join()


def cookie(house: House) -> dict[str, str]:
    token = auth.issue(SETTINGS, Actor("organiser", uuid4(), "odile@example.org", "Odile"), 600)
    return {"name": auth.ORGANISER_COOKIE, "value": token, "url": house.address}


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_pages_are_accessible_and_fit(page: Page, house: House, window, language):
    page.context.add_cookies([cookie(house)])
    page.set_viewport_size(window)
    for path in (HOME, f"{HOME}/{house.event_id}"):
        with overhearing(page) as heard:
            page.goto(f"{house.address}{path}?lang={language}")
            axe(page)
            no_sideways_scroll(page)
        assert heard.complaints == [], path


def test_a_fact_is_left_out_without_javascript(browser: Browser, house: House):
    house.is_broken = False
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies([cookie(house)])
    page = context.new_page()
    page.goto(f"{house.address}{HOME}?lang=en")
    page.get_by_role("link", name="registration.participant_registered.v1").click()

    page.get_by_role("button", name="Leave it out and let 2 pieces of news go on").click()

    expect(page.get_by_role("status")).to_contain_text("It is left out for good.")
    assert (house.status(), house.words()) == ("discarded", ["2", "3"])
    context.close()
