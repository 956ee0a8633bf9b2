from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.unit.grouping.conftest import GATHERING, ORGANISER, Browser, Day, person

HERE = "/g/chemins-croises"


@pytest.fixture
def organiser(browse: Callable[..., Browser]) -> Browser:
    return browse(ORGANISER)


def text(answer: Any) -> str:
    page: str = answer.get_data(as_text=True)
    return page


def test_nobody_gets_in_without_a_role(day: Day, browse: Callable[..., Browser]) -> None:
    assert browse().get(HERE).status_code == 401
    assert browse(uuid4()).get(HERE).status_code == 403
    assert browse(ORGANISER).get("/g/ailleurs").status_code == 404


def test_an_organiser_forms_publishes_and_moves_somebody_without_scripts(day: Day, organiser: Browser) -> None:
    day.crowd(40, topics=4, stories=2)

    asked = organiser.post(f"{HERE}/temps", kind="topics", name="")
    assert (asked.status_code, asked.location) == (303, f"{HERE}/temps/1")
    waiting = organiser.get(f"{HERE}/temps/1")
    assert waiting.headers["Refresh"] == "2"
    day.settle()
    draft = organiser.get(f"{HERE}/temps/1")
    assert "Refresh" not in draft.headers
    assert text(draft).count('class="person"') == 40

    board = f"{HERE}/temps/1"
    free = next(
        p
        for p in re.findall(r'data-person="([^"]+)"', text(draft))
        if p not in {str(person(n)) for n in range(4)}
    )
    page = organiser.get(f"{board}/deplacer/{free}")
    to = re.findall(r'<option value="(\d+)"', text(page))[0]
    moved = organiser.post(f"{board}/deplacer/{free}", on=f"{board}/deplacer/{free}", to=to)
    assert moved.location == board
    assert f"{board}/deplacer/{free}/vers/" in text(organiser.get(board))

    published = organiser.post(f"{board}/publier", on=board)
    assert published.location == board
    assert len(day.told("grouping.person_placed.v1")) == 40


def test_a_rebalance_is_looked_at_before_it_is_applied(day: Day, organiser: Browser) -> None:
    board = f"{HERE}/temps/1"
    day.crowd(40, topics=4)
    organiser.post(f"{HERE}/temps", kind="topics")
    day.settle()
    organiser.post(f"{board}/publier", on=board)
    day.note("absent", *range(10, 18))

    organiser.post(f"{board}/reequilibrer", on=board, policy="sizes")
    day.settle()
    shown = text(organiser.get(board))
    moves = re.findall(r'data-move="([^"]+)"', shown)
    told = len(day.told("grouping.person_placed.v1"))
    # Of those who stay, only who has a role now that somebody left is told of it.
    applied = organiser.post(f"{board}/reequilibrer/appliquer", on=board)

    assert applied.location == board
    assert sum(fact["moved"] for fact in day.told("grouping.person_placed.v1")[told:]) == len(moves)
    assert f"{board}/revenir" in text(organiser.get(board))


def test_a_carrier_is_not_moved_and_the_page_says_why(day: Day, organiser: Browser) -> None:
    day.crowd(12, topics=2)
    organiser.post(f"{HERE}/temps", kind="topics")
    day.settle()
    page = f"{HERE}/temps/1/deplacer/{person(0)}"

    answer = organiser.post(page, on=page, to="2")

    assert answer.status_code == 422
    assert "porte le sujet du groupe 1" in text(answer)


def test_rules_that_cannot_be_kept_are_named_on_the_board(day: Day, organiser: Browser) -> None:
    day.crowd(9, topics=2)
    for one, other in ((4, 5), (5, 6), (4, 6)):
        organiser.post(
            f"{HERE}/regles",
            on=f"{HERE}/regles",
            kind="apart",
            one_id=str(person(one)),
            other_id=str(person(other)),
        )
    organiser.post(f"{HERE}/temps", kind="topics")
    day.settle()

    page = text(organiser.get(f"{HERE}/temps/1"))

    assert page.count("ne sont pas à la même table") == 3


def test_a_rule_with_oneself_is_refused_beside_the_field(day: Day, organiser: Browser) -> None:
    day.crowd(2)

    answer = organiser.post(
        f"{HERE}/regles", on=f"{HERE}/regles", kind="apart", one_id=str(person(1)), other_id=str(person(1))
    )

    assert answer.status_code == 422
    assert 'id="other_id-e"' in text(answer)
    assert f'<option value="{person(1)}" selected>' in text(answer)


def test_topics_without_a_topic_are_refused_and_nothing_is_kept(day: Day, organiser: Browser) -> None:
    day.crowd(3)

    answer = organiser.post(f"{HERE}/temps", kind="topics", name="Entre pairs")

    assert answer.status_code == 422
    assert 'value="Entre pairs"' in text(answer)
    assert organiser.get(f"{HERE}/temps/1").status_code == 404


def test_a_synthesis_is_written_line_by_line_and_told(day: Day, organiser: Browser) -> None:
    day.crowd(20)
    organiser.post(f"{HERE}/temps", kind="angles")
    page = f"{HERE}/syntheses/2"

    assert organiser.post(page, on=page, modalities="  \n").status_code == 422
    assert organiser.post(page, on=page, modalities="La confiance\n\n Un temps  adapté ").status_code == 303

    told = day.told("grouping.synthesis_written.v1")
    assert [(t["angle"], t["modalities"]) for t in told] == [
        ("Le partenariat", ["La confiance", "Un temps adapté"])
    ]
    assert "Un temps adapté" in text(organiser.get(f"{HERE}/syntheses"))


def test_my_place_shows_only_public_reasons(
    day: Day, browse: Callable[..., Browser], organiser: Browser
) -> None:
    day.crowd(40, topics=4)
    organiser.post(
        f"{HERE}/regles", on=f"{HERE}/regles", kind="together", one_id=str(person(20)), other_id=str(person(21))
    )
    organiser.post(f"{HERE}/temps", kind="topics")
    day.settle()
    me = browse(person(20), kind="participant")
    assert me.get(f"{HERE}/ma-place").status_code == 200

    organiser.post(f"{HERE}/temps/1/publier", on=f"{HERE}/temps/1")
    page = text(me.get(f"{HERE}/ma-place"))

    assert page.count('<li class="person">') == 9
    assert "Pourquoi ce groupe" in page
    assert not re.search(r"règle|même table|Prénom21.*ensemble", page)
    assert browse(person(20), kind="participant", gathering=uuid4()).get(f"{HERE}/ma-place").status_code == 403
    assert browse().get(f"{HERE}/ma-place").status_code == 401


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_opens_in_both_languages(day: Day, organiser: Browser, language: str) -> None:
    day.crowd(40, topics=4, stories=3)
    for kind in ("angles", "topics"):
        organiser.post(f"{HERE}/temps", kind=kind)
    day.settle()
    organiser.post(f"{HERE}/temps/1/publier", on=f"{HERE}/temps/1")

    for path in (
        "",
        "/temps/1",
        "/temps/2",
        "/regles",
        "/syntheses",
        "/syntheses/1",
        "/mur",
        f"/temps/2/deplacer/{person(9)}",
    ):
        answer = organiser.get(f"{HERE}{path}?lang={language}")
        assert answer.status_code == 200, path
        assert f'<html lang="{language}"' in text(answer)
        assert not re.search(r"style=|<script>|%\(", text(answer)), path


def test_the_wall_names_topics_and_nobody(day: Day, organiser: Browser, browse: Callable[..., Browser]) -> None:
    day.crowd(12, topics=2)
    organiser.post(f"{HERE}/temps", kind="topics")
    day.settle()
    organiser.post(f"{HERE}/temps/1/publier", on=f"{HERE}/temps/1")

    page = text(browse(person(3), kind="participant").get(f"{HERE}/mur"))

    assert page.count("Comment faire") == 2
    assert "Nom00" not in page


def test_the_gathering_of_somebody_else_stays_closed(day: Day, browse: Callable[..., Browser]) -> None:
    assert GATHERING.version == 4
    assert browse(person(1), kind="participant", gathering=uuid4()).get(f"{HERE}/mur").status_code == 401
