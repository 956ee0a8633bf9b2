"""Each piece of the face in a real browser: seen, heard, reached by keyboard, and alive without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.eyes import DESK, PHONE, axe, no_sideways_scroll, overhearing, tab_to


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_piece_is_accessible_and_fits(page: Page, gallery: str, window, scheme, language):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(window)
    with overhearing(page) as heard:
        page.goto(f"{gallery}/gallery?lang={language}&told=1")
        axe(page)
        no_sideways_scroll(page)

    assert heard.complaints == []


def test_a_phone_of_320_px_shows_it_all(page: Page, gallery: str):
    page.set_viewport_size({"width": 320, "height": 600})
    page.goto(f"{gallery}/gallery")

    no_sideways_scroll(page)


def test_errors_take_the_focus_and_lead_to_their_fields(page: Page, gallery: str):
    page.goto(f"{gallery}/gallery")
    page.click("#send")

    assert page.evaluate("document.activeElement.id") == "errors"
    assert page.title().startswith("Erreur")
    axe(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "name"


def test_the_keyboard_reaches_everything_in_reading_order(page: Page, gallery: str):
    page.goto(f"{gallery}/gallery")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for stop in (
        ".brand",
        ".services a",
        ".tools a",
        ".tabs a",
        "#q",
        "[data-dialog]",
        "#name",
        "#trade",
        "#send",
    ):
        tab_to(page, stop)


def test_a_dialog_opens_closes_and_gives_the_focus_back(page: Page, gallery: str):
    page.goto(f"{gallery}/gallery")
    page.focus("[data-dialog]")
    page.keyboard.press("Enter")
    assert page.is_visible("#leave")
    axe(page)

    page.keyboard.press("Escape")

    assert not page.is_visible("#leave")
    assert page.evaluate("document.activeElement.matches('[data-dialog]')")


def test_the_filter_counts_what_it_leaves_without_accents(page: Page, gallery: str):
    page.goto(f"{gallery}/gallery")

    page.fill("#q", "nguyen")

    assert page.inner_text("#who-count") == "1 personne"
    assert page.locator("#who tbody tr:visible").count() == 1


def test_without_scripts_every_act_stays(browser: Browser, gallery: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{gallery}/gallery?told=1")

    assert page.is_visible(".flash [data-undo]")
    assert page.is_visible("text=7:42")
    page.fill("#name", "Ada")
    page.click("#send")

    assert page.is_visible(".errors")
    assert page.input_value("#name") == "Ada"
    page.click("[data-dialog]")
    assert page.url == f"{gallery}/elsewhere"
    context.close()


def test_the_page_of_a_refusal_is_accessible(page: Page, gallery: str):
    for language in ("fr", "en"):
        page.goto(f"{gallery}/nothing?lang={language}")
        axe(page)
