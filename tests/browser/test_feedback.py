"""The pages of feedback in a real browser, on the evening of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from services.chassis import auth
from services.chassis.db import Database
from services.feedback import accounts
from services.feedback.app import service
from services.feedback.models import Base, Questionnaire
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing, tab_to
from tests.unit.feedback.cast import EVENING, GATHERING, SETTINGS, Day, organiser_token, whole_day

PAGES = (
    "/f/chemins-croises/resultats",
    "/f/chemins-croises/retour",
    "/retour/chemins-croises",
    "/f/chemins-croises/parole",
)


@dataclass
class Hall:
    """A running feedback with a whole day in it: its address, an organiser's token, links nobody used yet."""

    address: str
    token: str
    links: list[str]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('hall')}/feedback.db", "feedback")
    Base.metadata.create_all(database.engine)
    day = Day(database)
    day.describe()
    whole_day(day)
    with database.transaction() as session:
        session.query(Questionnaire).update({"closes_at": datetime.now(UTC) + timedelta(days=14)})
        accounts.write(session, GATHERING, now=EVENING)
        accounts.publish(session, GATHERING, confirmed=(), now=EVENING)
    server = make_server("127.0.0.1", 0, service.create_app(service, database, SETTINGS), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Hall(f"http://127.0.0.1:{server.port}", organiser_token(database, "owner"), day.links()[90:])
    server.shutdown()
    thread.join()
    database.dispose()


@pytest.fixture
def organiser(page: Page, hall: Hall) -> Page:
    page.context.add_cookies([{"name": auth.ORGANISER_COOKIE, "value": hall.token, "url": hall.address}])
    return page


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_accessible_and_fits(organiser: Page, hall: Hall, window, language):
    organiser.set_viewport_size(window)
    with overhearing(organiser) as heard:
        for path in (*PAGES, hall.links[0]):
            organiser.goto(f"{hall.address}{path}?lang={language}")
            axe(organiser)
            no_sideways_scroll(organiser)

    assert heard.complaints == []


def test_a_paragraph_and_the_quotes_are_changed_on_accessible_pages(organiser: Page, hall: Hall):
    draft = f"{hall.address}/f/chemins-croises/retour"
    organiser.goto(draft)
    for words in ("Modifier ce paragraphe", "Choisir les paroles"):
        organiser.get_by_role("link", name=words).first.click()
        axe(organiser)
        organiser.get_by_role("button", name="Garder ces modifications").click()

    assert organiser.url.startswith(draft)


def test_the_questionnaire_is_answered_without_scripts(browser: Browser, browser_context_args, hall: Hall):
    context = browser.new_context(java_script_enabled=False, **browser_context_args)
    page = context.new_page()
    page.goto(f"{hall.address}{hall.links[1]}")
    page.get_by_role("button", name="Envoyer mes réponses").click()
    assert page.get_by_text("Cette réponse est nécessaire").count() or page.locator(".err").count() == 2

    page.get_by_label("4", exact=True).check()
    page.get_by_label("juste").check()
    page.locator("#takeaway").fill("On m'a écoutée")
    page.get_by_label("Oui, sans mon nom").first.check()
    page.get_by_role("button", name="Envoyer mes réponses").click()

    assert page.locator("code").count() == 1
    context.close()


def test_the_questionnaire_is_answered_by_keyboard(page: Page, hall: Hall):
    page.goto(f"{hall.address}{hall.links[2]}")
    tab_to(page, "[name=useful]")
    page.keyboard.press("Space")
    tab_to(page, "[name=pace]")
    page.keyboard.press("Space")
    tab_to(page, "button.main")
    page.keyboard.press("Enter")

    page.wait_for_selector("text=votre réponse est arrivée")
    axe(page)


def test_the_questionnaire_and_the_account_are_light(page: Page, hall: Hall):
    for path in (hall.links[3], "/retour/chemins-croises"):
        page.context.clear_cookies()
        with overhearing(page) as heard:
            page.goto(f"{hall.address}{path}", wait_until="networkidle")
        assert len(heard.responses) <= 5
        assert heard.bytes <= 60_000
