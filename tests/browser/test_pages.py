"""Every page there is, opened by someone who may open it: read by axe, at two widths, in two languages.

The platform is a real one, and its reference day has been played. PALABRE_TEST_TOWN names the data folder of a
running platform whose day was played already.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.browser import town as towns
from tests.browser.crawl import Walk, readable, walk
from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing, tab_to
from tests.browser.town import SAMPLE, Town
from tests.embedded import Platform

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LIST = """Prénom;Nom;Courriel;Territoire;Métier;Structure
Élise;Nguyễn;elise.nguyen@example.org;Armorique;direction;Atelier du Pont
Bo;O'Connor;bo@gmial.com;Beauce;partenariat;La Fabrique
Cy;Le Goff;pas une adresse;Beauce;partenariat;La Fabrique
"""


@pytest.fixture(scope="module")
def town(request: pytest.FixtureRequest) -> Town:
    if running := os.environ.get("PALABRE_TEST_TOWN"):
        return towns.settled(Path(running))
    platform: Platform = request.getfixturevalue("platform")
    return towns.found(platform.data)


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _context(browser: Browser, language: str = "fr", **more: Any) -> BrowserContext:
    locale = {"fr": "fr-FR", "en": "en-GB"}[language]
    context = browser.new_context(locale=locale, timezone_id="Europe/Paris", reduced_motion="reduce", **more)
    context.set_default_timeout(15_000)
    return context


@pytest.fixture(scope="module")
def owner(browser: Browser, town: Town) -> StorageState:
    """The cookies of the owner: letters that let someone in are counted, so one serves all tests."""
    context = _context(browser)
    town.sign_in(context)
    kept = context.storage_state()
    context.close()
    return kept


def look(page: Page) -> None:
    """One page, as a person at a desk and one with a phone meet it."""
    wrong = []
    with overhearing(page) as heard:
        for window in (DESK, PHONE):
            page.set_viewport_size(window)  # type: ignore[arg-type]
            for check in (axe, no_sideways_scroll):
                try:
                    check(page)
                except AssertionError as trouble:
                    wrong.append(f"at {window['width']} px: {trouble}")
    wrong += heard.complaints
    if page.evaluate("document.querySelectorAll('h1').length") != 1:
        wrong.append(f"{page.url} has not one first heading")
    assert not wrong, "\n".join(wrong)


@dataclass
class Newcomer:
    """Someone who registered without a script: the pages they met, and their letter's link."""

    after_asking: str
    link: str
    at_first: str
    at_last: str


@pytest.fixture(scope="module")
def newcomer(browser: Browser, town: Town) -> Newcomer:
    """A person who asks for a seat, errs, mends, and confirms by the letter, in a browser without JavaScript."""
    context = _context(browser, java_script_enabled=False)
    page, email = context.new_page(), f"awa.{uuid4().hex[:8]}@example.org"
    page.goto(f"{town.address}/r/{SAMPLE}")
    page.fill("#family", "de La Tour")
    page.fill("#email", email)
    page.click("#inscription .btn.main, form[action$=inscription] .btn.main")
    at_first = page.inner_text("main")
    page.fill("#given", "Awa")
    page.select_option("#territory", index=1)
    page.check("#trade")
    page.click("form[action$=inscription] .btn.main")
    asked = page.url
    link = town.link("/moi/", to=email, kind="confirm-address")
    page.goto(link)
    page.click(".next .btn.main")
    at_last = page.inner_text("main")
    page.goto(f"{link}/donnees")
    page.click("main form .btn.main")
    told = Newcomer(asked, link, at_first, at_last)
    context.close()
    return told


@pytest.fixture(scope="module")
def invited(browser: Browser, town: Town, owner: StorageState) -> list[str]:
    """A list that the owner saved, and one of its invitations, which wait as drafts: both addresses."""
    context = _context(browser, storage_state=owner)
    page = context.new_page()
    page.goto(f"{town.address}/o/{SAMPLE}/import")
    page.set_input_files(
        "#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": LIST.encode("cp1252", "replace")}
    )
    page.click("main form .btn.main")
    address = page.url
    page.click("main form .btn.main")
    until = time.monotonic() + 15
    while time.monotonic() < until:
        page.goto(f"{town.address}/c/{SAMPLE}")
        if page.locator("a[href*='a-relire']").count():
            break
        time.sleep(0.2)
    page.goto(f"{town.address}/c/{SAMPLE}/a-relire/invitation")
    draft = page.eval_on_selector("tbody th a", "link => link.href")
    context.close()
    return [address, draft]


@pytest.fixture(scope="module")
def twice(browser: Browser, town: Town, owner: StorageState, newcomer: Newcomer) -> str:
    """The newcomer asks once more, with another address: where the owner compares the two."""
    context = _context(browser, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{town.address}/r/{SAMPLE}")
    page.fill("#given", "Awa")
    page.fill("#family", "de La Tour")
    page.fill("#email", f"awa.{uuid4().hex[:8]}@example.org")
    page.select_option("#territory", index=1)
    page.check("#trade")
    page.click("#inscription .btn.main, form[action$=inscription] .btn.main")
    context.close()
    context = _context(browser, storage_state=owner)
    page = context.new_page()
    page.goto(f"{town.address}/o/{SAMPLE}/personnes?q=de+La+Tour")
    page.locator("a[href*='/personnes/']", has_text="Awa").first.click()
    compared = page.eval_on_selector("a[href*='/joindre/']", "link => link.href")
    context.close()
    return str(compared)


def test_who_asks_to_be_forgotten_is_told_by_a_last_letter_and_all_four_services_confirm(browser, town):
    context = _context(browser, java_script_enabled=False)
    page, email = context.new_page(), f"noor.{uuid4().hex[:8]}@example.org"
    page.goto(f"{town.address}/r/{SAMPLE}")
    page.fill("#given", "Noor")
    page.fill("#family", "Haddad")
    page.fill("#email", email)
    page.select_option("#territory", index=1)
    page.check("#trade")
    page.click("#inscription .btn.main, form[action$=inscription] .btn.main")
    link = town.link("/moi/", to=email, kind="confirm-address")
    page.goto(link)
    page.click(".next .btn.main")
    before = len(town.letters(kind="erased"))

    page.goto(f"{link}/effacer")
    page.click("main form .btn.danger")

    until = time.monotonic() + 30
    while page.locator("a[href$='/effacer']").count() and time.monotonic() < until:
        time.sleep(0.2)
        page.reload()
    expect(page.locator("h1")).to_have_text("Vos données sont effacées")
    (*_, last) = town.letters(kind="erased")
    assert len(town.letters(kind="erased")) == before + 1
    assert email not in json.dumps(last)
    context.close()


def test_two_rows_of_one_person_are_joined_and_parted_without_a_script(browser, owner, twice):
    context = _context(browser, storage_state=owner, java_script_enabled=False)
    page = context.new_page()
    page.goto(twice)
    page.locator("form[action*='/joindre/'] button").first.click()
    expect(page.locator("main")).to_contain_text("Awa de La Tour")
    apart = page.locator("form[action$='/separer'] button")
    expect(apart).to_have_count(1)
    # Who is joined already is not joined again.
    page.goto(twice)
    expect(page.locator("[role=alert]")).to_have_count(1)

    page.go_back()
    apart.click()

    page.goto(twice)
    expect(page.locator("form[action*='/joindre/'] button")).to_have_count(2)
    context.close()


# A number instead of a name has no passkeys, and this house no provider; test_passkeys.py and test_elsewhere.py look at
# these pages in both widths.
ELSEWHERE = {
    "/compte/cles/<uuid:passkey_id>/retirer",
    "/compte/ailleurs",
    "/compte/ailleurs/<uuid:identity_id>/retirer",
    "/entrer/ailleurs",
    "/entrer/ailleurs/retour",
}


def _walks(
    browser: Browser,
    town: Town,
    owner: StorageState,
    newcomer: Newcomer,
    invited: list[str],
    twice: str,
    language: str,
) -> Iterator[Walk]:
    """What an owner, two participants and a passer-by can open."""
    here, slug = town.address, town.slug
    mine, asked = town.links("/moi/", kind="placement"), town.links("/q/", kind="questionnaire")
    kept = next(letter["number"] for letter in reversed(town.letters()) if letter["ics"])
    seeds = {
        "owner": [
            f"{here}/",
            *(f"{here}/{part}/{of}" for of in (slug, SAMPLE) for part in ("o", "g", "f", "c")),
            f"{here}/o/{SAMPLE}/questions",
            # Its drafts wait, so there is something to tell of.
            f"{here}/c/{SAMPLE}/resume",
            *invited,
            twice,
            f"{town.mailbox}/{kept}",
            town.mailbox,
        ],
        "newcomer": [newcomer.link],
        "participant": [*mine[:1], f"{here}/g/{slug}/ma-place"],
        "passer-by": [
            f"{here}/",
            f"{here}/r/{slug}",
            f"{here}/r/{SAMPLE}",
            newcomer.after_asking,
            f"{here}/entrer",
            f"{here}/retour/{slug}",
            f"{here}/sante",
            f"{here}/sante.json",
            *asked[:1],
            *asked[-1:],
            town.refusal("questionnaire"),
            *town.links("/entrer/", kind="sign-in")[-1:],
        ],
    }
    for who, addresses in seeds.items():
        context = _context(browser, language, storage_state=owner if who == "owner" else None)
        context.clear_cookies(name="langue")
        yield walk(
            context.new_page(), addresses, look, gone=("/entrer/<token>",), a_kind=2 if language == "fr" else 1
        )
        context.close()


def test_every_page_is_accessible_fits_and_complains_of_nothing(
    browser, town, owner, newcomer, invited, twice, language
):
    walks = list(_walks(browser, town, owner, newcomer, invited, twice, language))

    wrong = [wrong for walk in walks for wrong in walk.wrong]
    unseen = readable() - ELSEWHERE - set().union(*(walk.rules for walk in walks))
    assert not wrong, "\n".join(wrong)
    assert not unseen, f"nobody came to {sorted(unseen)}"


def test_one_registers_without_javascript(newcomer):
    assert "Écrivez votre prénom" in newcomer.at_first or "Cette réponse est nécessaire" in newcomer.at_first
    assert "votre place est réservée" in newcomer.at_last


def _with_seats_left(page: Page) -> str:
    """The first territory of the form that is not full; a full one would put its people in the waiting line."""
    names: list[str] = page.locator("#territory option[value]:not([value=''])").all_inner_texts()
    return next(name for name in names if "–" not in name)


def test_one_registers_by_keyboard_alone(browser, town):
    context = _context(browser)
    page, email = context.new_page(), f"bo.{uuid4().hex[:8]}@example.org"
    page.goto(f"{town.address}/r/{SAMPLE}")
    for box, typed in (("#given", "Bo"), ("#family", "O'Connor"), ("#email", email)):
        tab_to(page, box)
        page.keyboard.type(typed)
    tab_to(page, "#territory")
    page.keyboard.type(_with_seats_left(page))
    tab_to(page, "[name=trade]")
    page.keyboard.press("Space")
    tab_to(page, "form[action$=inscription] .btn.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ensuite?*")
    page.goto(town.link("/moi/", to=email, kind="confirm-address"))
    tab_to(page, ".next .btn.main")
    page.keyboard.press("Enter")
    page.wait_for_selector(".flash")

    assert "votre place est réservée" in page.inner_text("h1")
    context.close()


def test_the_public_page_with_its_form_is_light(browser, town):
    context = _context(browser)
    page = context.new_page()
    with overhearing(page) as heard:
        page.goto(f"{town.address}/r/{SAMPLE}", wait_until="networkidle")

    assert len(heard.responses) <= 5
    assert heard.bytes <= 60_000
    assert {urlsplit(response.url).netloc for response in heard.responses} == {urlsplit(town.address).netloc}
    context.close()


def test_nobody_signed_out_opens_an_organisers_page(browser, town):
    context = _context(browser)
    page = context.new_page()
    for part in ("o", "g", "f", "c"):
        answer = page.goto(f"{town.address}/{part}/{town.slug}")
        assert answer and answer.status == 401, answer and answer.url
        axe(page)
    context.close()


def test_the_welcome_desk_says_where_those_who_come_sit(
    browser: Browser, town: Town, owner: StorageState
) -> None:
    context = _context(browser, storage_state=owner)
    page = context.new_page()
    page.goto(f"{town.address}/o/{town.slug}/accueil")
    expect(page.locator("#here li", has_text="groupe")).not_to_have_count(0)

    page.fill("[data-walk-in] [name=given]", "Zoé")
    page.select_option("[data-walk-in] [name=territory]", index=1)
    page.check("[data-walk-in] [name=trade] >> nth=0")
    page.click("[data-walk-in] .btn.main")

    newcomer = page.locator("#here li", has_text="Zoé")
    expect(newcomer).to_contain_text(re.compile(r"groupe \d+"), timeout=20_000)
    expect(newcomer.get_by_role("link")).to_have_count(1)
    look(page)
    context.close()
