from __future__ import annotations

import pytest

from infra.day.page import NotOnThisPage, read

PAGE = """<!doctype html><title>x</title><style>no</style><main><h1>Je m’inscris</h1>
<form method="post" action="/r/x/inscription" id="f"><input type="hidden" name="once" value="k1">
<label for="p">Prénom</label><input id="p" name="given" value="Zo&eacute;">
<select name="territory"><option value="">Choisir</option><option value="A" selected>Armorique</option></select>
<label><input type="radio" name="trade" value="d"> direction</label>
<label><input type="radio" name="trade" value="c" checked> coordination</label>
<input type="checkbox" name="agree"><textarea name="words">
a &lt; b
</textarea><input name="gone" disabled><button name="act" value="send">Envoyer</button></form>
<button form="f" name="act" value="keep">Garder</button><a href="../moi/abc">Ma <b>place</b></a></main>"""


def test_a_form_sends_what_a_browser_would():
    form = read("http://h/r/x", 200, PAGE).form("inscription")

    assert form.method == "post"
    assert form.action == "http://h/r/x/inscription"
    assert form.data("send") == [
        ("once", "k1"),
        ("given", "Zoé"),
        ("territory", "A"),
        ("trade", "c"),
        ("words", "a < b\n"),
        ("act", "send"),
    ]


def test_what_is_typed_replaces_what_stood_there():
    form = read("http://h/r/x", 200, PAGE).form(having="trade").fill(trade="d", agree="on", given="Ada")

    assert form.data()[1:] == [
        ("given", "Ada"),
        ("territory", "A"),
        ("trade", "d"),
        ("agree", "on"),
        ("words", "a < b\n"),
    ]


def test_a_choice_that_is_not_offered_is_refused():
    form = read("http://h/r/x", 200, PAGE).form()

    assert form.options("trade") == {"d": "direction", "c": "coordination"}
    with pytest.raises(NotOnThisPage, match="does not offer"):
        form.fill(territory="Z")


def test_words_and_links_are_what_a_person_sees():
    page = read("http://h/r/x/y", 200, PAGE)

    assert page.links == [("http://h/r/moi/abc", "Ma place")]
    assert page.text.startswith("Je m’inscris\nPrénom")
    assert "no" not in page.text.split()


def test_a_button_outside_belongs_to_the_form_it_names():
    assert read("http://h/", 200, PAGE).form().data("keep")[-1] == ("act", "keep")
