"""The form builder in a real browser: how many clicks it takes, by keyboard alone, and with no script at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import make_server

from services.chassis import auth
from services.chassis.db import Database
from services.registration import sign_ins
from services.registration.app import service
from services.registration.models import Base, Gathering, Participant
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing, tab_to
from tests.postgres import free_port
from tests.unit.chassis.face import some_settings


@dataclass
class Office:
    """A house with an organiser and no gathering yet."""

    address: str
    database: Database
    cookie: str

    def organiser(self, browser: Browser, **more: Any) -> tuple[BrowserContext, Page]:
        context = browser.new_context(locale="fr-FR", **more)
        context.set_default_timeout(10_000)
        context.add_cookies([{"name": auth.ORGANISER_COOKIE, "value": self.cookie, "url": self.address}])
        page = context.new_page()
        page.goto(self.address)
        return context, page

    def passer_by(self, browser: Browser, **more: Any) -> tuple[BrowserContext, Page]:
        context = browser.new_context(locale="fr-FR", **more)
        context.set_default_timeout(10_000)
        return context, context.new_page()

    def gathering(self) -> Gathering:
        with self.database.reading() as session:
            return session.scalars(select(Gathering)).one()

    def answers(self) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            kept = session.scalars(select(Participant.answers)).all()
        return [{key: one["said"] for key, one in answers.items()} for answers in kept]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    port, now = free_port(), datetime.now(UTC)
    settings = some_settings(public_url=f"http://127.0.0.1:{port}")
    database = Database(f"sqlite:///{tmp_path}/registration.db", "registration")
    Base.metadata.create_all(database.engine)
    with database.transaction() as session:
        odile = sign_ins.welcome(session, "odile@example.org", name="Odile", now=now)
        who = auth.Actor("organiser", odile.id, odile.email, "Odile")
    app = service.create_app(service, database, settings)
    server = make_server("127.0.0.1", port, app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield Office(settings.public_url, database, auth.issue(settings, who, 3600))
    server.shutdown()
    server.server_close()
    database.dispose()


def look(page: Page) -> None:
    for window in (DESK, PHONE):
        page.set_viewport_size(window)  # type: ignore[arg-type]
        axe(page)
        no_sideways_scroll(page)
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def ask(page: Page, kind: str, wording: str, *lines: str, only_if: str = "") -> None:
    page.select_option("#kind", kind)
    page.fill("#wording_fr", wording)
    page.fill("#purpose_fr", "Pour préparer la journée.")
    if lines:
        page.fill("#options_fr", "\n".join(lines))
    if only_if:
        page.select_option("#only_if", label=only_if)
    page.click(".question .btn")


def test_a_gathering_with_three_questions_is_open_in_ten_clicks_and_eight_answers(browser, office):
    context, page = office.organiser(browser)
    clicks = fields = 0

    def click(selector: str) -> None:
        nonlocal clicks
        clicks += 1
        page.click(selector)

    def fill(selector: str, text: str) -> None:
        nonlocal fields
        fields += 1
        page.fill(selector, text)

    click("a[href='/o/creer']")
    fill("#title", "Table de printemps")
    fill("#seats", "130")
    click("main form .btn.main")
    click(".tabs a[href$='/questions']")
    for wording in ("Votre téléphone ?", "Votre régime ?", "Votre arrivée ?"):
        fill("#wording_fr", wording)
        fill("#purpose_fr", "Pour préparer la journée.")
        click(".question .btn")
    click(".next .btn.main")

    made = office.gathering()
    assert (made.state, made.seats, len(made.questions)) == ("open", 130, 3)
    assert (clicks <= 10, fields <= 8) == (True, True), (clicks, fields)
    context.close()


@pytest.fixture
def spring(browser, office) -> str:
    """The address of an open gathering that asks all eight kinds of questions, one of them below an answer."""
    context, page = office.organiser(browser)
    page.goto(f"{office.address}/o/creer")
    page.fill("#title", "Table de printemps")
    page.fill("#trades", "")
    page.click("main form .btn.main")
    slug = office.gathering().slug
    page.goto(f"{office.address}/o/{slug}/questions")
    look(page)
    ask(page, "single", "Votre repas ?", "Tout", "Autre")
    ask(page, "short_text", "Lequel ?", only_if="Si la réponse à « Votre repas ? » est « Autre »")
    ask(page, "multiple", "Quand venez-vous ?", "Matin", "Midi", "Soir")
    for kind in ("long_text", "number", "date", "yes_no", "phone"):
        ask(page, kind, f"Une question {kind} ?")
    look(page)
    page.click(".next .btn.main")
    page.goto(f"{office.address}/o/{slug}/questions")
    page.click(".asked .btn")
    look(page)
    context.close()
    return f"{office.address}/r/{slug}"


def field(page: Page, wording: str) -> str:
    """The id of the first control that asks this."""
    found = page.locator("label[for], legend").filter(has_text=wording).first
    target = found.get_attribute("for") or found.locator("..").locator("input").first.get_attribute("id")
    return f"#{target}"


@pytest.mark.parametrize("script", [True, False])
def test_what_an_answer_leads_to_opens_below_it_without_a_script(browser, office, spring, script):
    context, page = office.passer_by(browser, java_script_enabled=script)
    page.goto(spring)
    which = page.locator(field(page, "Lequel ?"))
    assert not which.is_visible()

    page.get_by_label("Autre").check()
    assert which.is_visible()
    which.fill("Sans gluten")
    page.fill("#given", "Ada")
    page.fill("#email", "ada@example.org")
    page.click("form[action$=inscription] .btn.main")

    assert "Votre place est gardée" in page.inner_text("h1")
    assert [sorted(map(str, said.values())) for said in office.answers()] == [["Sans gluten", "o2"]]
    context.close()


def test_all_eight_kinds_are_answered_by_keyboard_alone_in_three_requests(browser, office, spring):
    context, page = office.passer_by(browser)
    with overhearing(page) as heard:
        page.goto(spring)
        look_for = {
            "#given": "Ada", "#family": "L", "#email": "ada@example.org",
            field(page, "Une question long_text"): "Une ligne", field(page, "Une question number"): "1 234,5",
            field(page, "Une question date"): "04042027", field(page, "Une question phone"): "06 12 34 56 78",
        }  # fmt: skip
        press = {field(page, name) for name in ("Votre repas", "Quand venez-vous", "Une question yes_no")}
        for selector in page.eval_on_selector_all(
            "form[action$=inscription] :is(input, textarea)",
            "all => all.filter(e => e.id).map(e => '#' + e.id)",
        ):
            if selector in press or selector in look_for:
                tab_to(page, selector)
                page.keyboard.press("Space") if selector in press else page.keyboard.type(look_for[selector])
        tab_to(page, "form[action$=inscription] .btn.main")
        page.keyboard.press("Enter")
        page.wait_for_url("**/ensuite?*")

    assert sorted(map(str, office.answers()[0].values())) == sorted(
        ["o1", "['o1']", "Une ligne", "1234.5", "2027-04-04", "yes", "06 12 34 56 78"]
    )
    assert len([one for one in heard.responses if "/r/" in one.url]) == 3
    look(page)
    context.close()


def test_errors_stand_beside_their_questions_at_both_widths_and_in_both_languages(browser, office, spring):
    for language in ("fr", "en"):
        context, page = office.passer_by(browser)
        page.goto(f"{spring}?lang={language}")
        page.fill(field(page, "Une question number"), "douze")
        page.fill(field(page, "Une question phone"), "rien")
        page.click("form[action$=inscription] .btn.main")

        wrong = page.locator(".err").count(), page.locator(".errors li a").count()
        assert wrong == (4, 4)
        for link in page.locator(".errors li a").all():
            assert page.locator(str(link.get_attribute("href"))).count() == 1
        look(page)
        context.close()
