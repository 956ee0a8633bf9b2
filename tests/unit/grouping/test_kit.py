from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit import paper
from tests.unit.grouping.conftest import ORGANISER, Browser, Day

HERE = "/g/chemins-croises"


@pytest.fixture
def organiser(browse: Callable[..., Browser]) -> Browser:
    return browse(ORGANISER)


def published(day: Day, organiser: Browser, kind: str) -> None:
    day.crowd(24, topics=3, stories=2)
    organiser.post(f"{HERE}/temps", kind=kind, name="")
    day.settle()
    organiser.post(f"{HERE}/temps/1/publier", on=f"{HERE}/temps/1")


def pdf_at(organiser: Browser, address: str) -> bytes:
    answer: Any = organiser.get(f"{HERE}/temps/1/{address}")
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    printed: bytes = answer.get_data()
    return printed


def test_each_person_has_a_card_with_their_angle(day: Day, organiser: Browser) -> None:
    published(day, organiser, "angles")

    small, large = pdf_at(organiser, "cartes.pdf"), pdf_at(organiser, "cartes.pdf?grand=1")

    assert (len(paper.texts(small)), len(paper.texts(large))) == (6, 12)
    assert paper.sizes_mm(small) == paper.sizes_mm(large) == {paper.A4_MM}
    for printed in (small, large):
        said = " ".join(paper.texts(printed))
        assert [said.count(f"Prénom{number} Nom{number:03}") for number in range(24)] == [1] * 24
        assert said.count("Cercle") == 24
        assert said.count("Vous racontez une histoire.") == 2


def test_each_table_has_a_tent_that_says_the_same_on_both_sides(day: Day, organiser: Browser) -> None:
    published(day, organiser, "topics")

    tents = paper.texts(pdf_at(organiser, "chevalets.pdf"))

    assert len(tents) == 3
    for number, said in enumerate(tents, 1):
        assert said.count(f"Comment faire {number} ?") == 2
    everybody = " ".join(tents)
    assert [everybody.count(f"Prénom{number} Nom{number:03}") for number in range(3, 24)] == [2] * 21


def test_tents_in_large_print_name_only_who_brings_the_topic(day: Day, organiser: Browser) -> None:
    published(day, organiser, "topics")

    tents = paper.texts(pdf_at(organiser, "chevalets.pdf?grand=1"))

    assert [said.count("Nom") for said in tents] == [2, 2, 2]


def test_nothing_is_printed_of_groups_that_are_not_published(day: Day, organiser: Browser) -> None:
    day.crowd(24, topics=3)
    organiser.post(f"{HERE}/temps", kind="topics", name="")
    day.settle()

    assert organiser.get(f"{HERE}/temps/1/cartes.pdf").status_code == 409
    assert "Rien à imprimer" in organiser.get(f"{HERE}/kit").get_data(as_text=True)


def test_somebody_who_gave_their_seat_back_has_no_card(day: Day, organiser: Browser) -> None:
    published(day, organiser, "angles")
    day.note("cancelled", 7)

    said = " ".join(paper.texts(pdf_at(organiser, "cartes.pdf")))

    assert "Nom007" not in said


def test_the_kit_leads_to_what_each_published_round_prints(day: Day, organiser: Browser) -> None:
    published(day, organiser, "angles")

    page = organiser.get(f"{HERE}/kit").get_data(as_text=True)

    for address in ("cartes.pdf", "cartes.pdf?grand=1", "chevalets.pdf", "chevalets.pdf?grand=1"):
        assert f"{HERE}/temps/1/{address}" in page
