"""An account at a real OpenID provider in a real browser: both houses' pages, and the way between them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from services.chassis.db import Database
from services.registration import sign_ins
from services.registration.app import service
from services.registration.models import Base
from tests import provider
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing
from tests.postgres import free_port
from tests.unit.chassis.face import some_settings


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a house with one organiser, and a provider that knows them."""
    port, folder = free_port(), Path(tmp_path_factory.mktemp("house"))
    address = f"http://localhost:{port}"
    database = Database(f"sqlite:///{folder}/registration.db", "registration")
    Base.metadata.create_all(database.engine)
    with database.transaction() as session:
        sign_ins.welcome(session, "odile@example.org", name="Odile", now=datetime.now(UTC))
    with provider.running(f"{address}/entrer/ailleurs/retour") as running:
        chosen = some_settings(
            public_url=address,
            oidc_issuer=running.issuer,
            oidc_client=provider.CLIENT,
            oidc_secret=provider.SECRET,
            oidc_name="Canaille",
        )
        server = make_server("127.0.0.1", port, service.create_app(service, database, chosen), threaded=True)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield address
        server.shutdown()
        thread.join()
    database.dispose()


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def page(request: pytest.FixtureRequest, browser: Browser, house: str) -> Iterator[Page]:
    context = browser.new_context(
        locale="fr-FR", viewport=DESK, base_url=house, java_script_enabled=request.param
    )
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def at_the_provider(page: Page) -> None:
    page.fill("[name=login]", "odile")
    page.keyboard.press("Enter")
    page.fill("[name=password]", provider.PASSWORD)
    page.keyboard.press("Enter")


def test_an_organiser_comes_in_with_and_without_scripts(page: Page, house: str, request) -> None:
    page.goto("/entrer")
    page.click("text=Entrer avec Canaille")
    at_the_provider(page)
    if "no scripts" in request.node.name:
        page.click("main button")

    page.wait_for_url(f"{house}/")
    page.goto("/compte")
    expect(page.locator("main")).to_contain_text("odile@example.org")
    expect(page.locator("main")).to_contain_text("Canaille")


@pytest.mark.parametrize("page", [True], indirect=True, ids=["scripts"])
def test_each_page_on_the_way_can_be_read_by_everybody(page: Page, house: str) -> None:
    with overhearing(page) as heard:
        for size in (DESK, PHONE):
            page.set_viewport_size(size)
            page.goto("/entrer")
            axe(page)
            no_sideways_scroll(page)
        page.click("text=Entrer avec Canaille")
    at_the_provider(page)
    page.wait_for_url(f"{house}/")
    with overhearing(page) as inside:
        page.goto("/compte")
        page.click("text=Lier un compte Canaille")
    expect(page.locator("h1")).to_contain_text("Lier votre compte Canaille")
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        axe(page)
        no_sideways_scroll(page)
    page.click("main button")
    page.wait_for_url("**/compte")
    axe(page)
    no_sideways_scroll(page)
    page.locator("a[href*='/compte/ailleurs/']").last.click()
    axe(page)
    assert heard.complaints + inside.complaints == []
