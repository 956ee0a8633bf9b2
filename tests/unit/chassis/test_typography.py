"""French typography is set in text, and nowhere else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.typography import typo, typo_page

NB, NN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("L'accueil", "L’accueil"),
        ("« Bonjour »", f"«{NN}Bonjour{NN}»"),
        ("Quoi ? Oui ! Donc ; voilà", f"Quoi{NN}? Oui{NN}! Donc{NN}; voilà"),
        ("Ensuite : rien", f"Ensuite{NB}: rien"),
        ("1 204 000 personnes", f"1{NN}204{NN}000 personnes"),
        ("118 places sur 132", "118 places sur 132"),
        ("26 %, 15 min, 9 h 30, 14 h", f"26{NN}%, 15{NN}min, 9{NN}h{NN}30, 14{NN}h"),
        ("12 €, 3 Mo, 5 s, 8 km", f"12{NN}€, 3{NN}Mo, 5{NN}s, 8{NN}km"),
        ("118 s'inscrivent", "118 s’inscrivent"),
        ("jeudi 1er avril, mardi 12 mai", f"jeudi 1er{NB}avril, mardi 12{NB}mai"),
        ("en 2027 132 personnes", "en 2027 132 personnes"),
        ("01 23 45 67 89", "01 23 45 67 89"),
        ("https://example.org, a != b, :-)", "https://example.org, a != b, :-)"),
        ("%(count)s %(what)s", "%(count)s %(what)s"),
    ],
)
def test_french_text_is_set(typed, said):
    assert typo(typed) == said


@given(st.text("ab 1234567890'«»;!?:%h\u00a0\u202fms\n", max_size=60))
def test_setting_twice_changes_nothing(text):
    assert typo(typo(text)) == typo(text)


@given(st.text("ab 123'«»;!?:%h", max_size=60))
def test_setting_changes_only_spaces_and_apostrophes(text):
    plain = re.sub(f"[{NB}{NN}]", " ", typo(text)).replace("’", "'")

    assert plain == text


@pytest.mark.parametrize(
    "page",
    [
        '<input value="L\'an : 9 h 30 ?">',
        "<input value='L : a ?'>",
        '<a title="a > b : l\'an">',
        "<textarea>L'an : ?</textarea>",
        "<pre>l'an <b>c'est</b> : ?</pre>",
        "<code>it's ?</code>",
        "<script>let a = 'b' ;</script>",
        "<style>a :hover {}</style>",
        "<!-- l'an : ? -->",
        "<option>Oui, c'est ?</option>",
        "<option selected>Oui, c'est ?</option>",
        "O&#39;Connor",
        "&nbsp;!",
    ],
)
def test_what_is_not_text_stays_as_it_came(page):
    assert typo_page(page) == page


def test_text_between_tags_is_set():
    page = "<p class=\"a\">L'an <b>2027</b> :</p><option value=\"x : y\">L'an ?</option><pre>'</pre>l'été"

    assert typo_page(page) == (
        f'<p class="a">L’an <b>2027</b>{NB}:</p><option value="x : y">L’an{NN}?</option><pre>\'</pre>l’été'
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))


_WORDS = st.text("ab :?«»1' ", max_size=12)
_TAG = st.builds(
    "<p title=\"{}\" data-l='{}' class={}>".format, _WORDS, st.text('ab :?»"', max_size=9), st.just("x")
)


@given(st.lists(_WORDS | _TAG, max_size=9))
def test_no_tag_changes_whatever_stands_in_its_attributes(pieces):
    page, before, after = "".join(pieces), _Tags(), _Tags()
    before.feed(page)
    after.feed(typo_page(page))

    assert after.seen == before.seen


def test_a_page_of_132_rows_takes_a_few_milliseconds():
    cells = '<th scope="row">O&#39;Connor</th><td data-l="Depuis le 3">3 mars : l\'accueil ?</td>'
    row = '<tr data-t="A">' + cells * 2 + "</tr>"
    page = "<table>" + row * 132 + "</table>"
    typo_page(page)

    started = perf_counter()
    for _ in range(10):
        typo_page(page)

    assert (perf_counter() - started) / 10 < 0.02
