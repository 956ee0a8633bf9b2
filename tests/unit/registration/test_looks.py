"""The public page out of memory: it says what is so at that moment, and is each visitor's own."""

from __future__ import annotations

import re

import pytest

from services.registration import gatherings
from services.registration.web import looks

OWN = re.compile(r'(name="(?:csrf_token|once)" value=")[^"]+')


@pytest.fixture
def look(app):
    """What somebody who was never here sees at an address."""

    def looking(gathering, language="fr", query=""):
        visitor = app.test_client()
        page = visitor.get(f"/r/{gathering.slug}{query}", headers={"Accept-Language": language})
        assert page.status_code == 200
        return page.text

    return looking


def test_a_page_out_of_memory_is_the_one_that_would_be_made(look, a_gathering, monkeypatch):
    gathering = a_gathering(title="L'été : 20 h !", purpose="Qui vient ? « Tous » !")
    for language in ("fr", "en"):
        look(gathering, language)
        kept = look(gathering, language)
        monkeypatch.setattr(looks, "_is_anybodys", lambda: False)
        made = look(gathering, language)
        monkeypatch.undo()

        assert OWN.sub(r"\1", kept) == OWN.sub(r"\1", made)


def test_each_visitor_has_a_token_and_a_key_of_their_own(look, a_gathering):
    gathering = a_gathering()

    first, second = (
        dict(re.findall(r'name="(csrf_token|once)" value="([^"]+)"', look(gathering))) for _ in "ab"
    )

    assert set(first) == {"csrf_token", "once"}
    assert first["csrf_token"] != second["csrf_token"]
    assert first["once"] != second["once"]


def test_a_seat_that_is_taken_is_shown_at_the_next_look(look, a_gathering, ask):
    gathering = a_gathering(seats=3)
    before = look(gathering, "en")
    ask(gathering, "Ada")

    assert "3 seats are free" in before
    assert "2 seats are free" in look(gathering, "en")


def test_a_change_is_shown_at_the_next_look(look, a_gathering, act, odile):
    gathering = a_gathering()
    look(gathering)
    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, title="Autumn table")

    assert "<h1>Autumn table</h1>" in look(gathering)


def test_a_door_that_is_closed_takes_nobody_from_a_kept_page(look, a_gathering, act, odile):
    gathering = a_gathering()
    look(gathering, "en")
    act(gatherings.close_door, gathering.id, by=odile.id)

    assert "Registration is closed." in look(gathering, "en")


def test_what_was_asked_for_in_the_address_is_not_given_to_the_next(look, a_gathering):
    gathering = a_gathering()

    assert '<html lang="en">' in look(gathering, "fr", "?lang=en")
    assert '<html lang="fr">' in look(gathering, "fr")
