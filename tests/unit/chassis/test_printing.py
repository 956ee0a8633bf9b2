from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import printing
from services.registration.web.kit import PRINT

BLANK = {
    "title": "Badges", "gathering": "Spring table", "language": "fr", "large": False, "people": [],
    "words": dict.fromkeys(("code", "name", "structure", "territory"), "–"),
}  # fmt: skip


def test_who_prints_while_two_others_do_is_told_to_come_back():
    held = [printing._presses.acquire(timeout=1) for _ in range(2)]
    try:
        with pytest.raises(printing.PrintingBusy):
            printing.sheets(PRINT / "badges.typ", BLANK, wait_s=0.01)
    finally:
        for _ in held:
            printing._presses.release()


def test_a_sheet_that_takes_too_long_is_ended_and_its_place_given_back():
    for _ in range(3):
        with pytest.raises(printing.PrintingBusy):
            printing.sheets(PRINT / "badges.typ", BLANK, limit_s=0.001, wait_s=1)

    assert printing.sheets(PRINT / "badges.typ", BLANK).startswith(b"%PDF")


def test_a_template_that_lacks_something_to_say_is_our_fault():
    with pytest.raises(RuntimeError, match=r"badges\.typ was not printed"):
        printing.sheets(PRINT / "badges.typ", {})

    assert printing.sheets(PRINT / "badges.typ", BLANK).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("name", "begins_at_the_right"),
    [
        ("Ada", False),
        ("محمد", True),
        ("יוסף", True),
        ("🌻 محمد", True),
        ("3 Bo", False),
        ("", False),
        ("🌻", False),
    ],
)
def test_a_name_begins_where_its_first_letter_does(name, begins_at_the_right):
    assert printing.is_rtl(name) is begins_at_the_right


@given(st.text(st.characters(codec="latin-1", categories=("L", "N", "P", "Z")), max_size=80))
def test_what_western_europe_writes_is_printable(name):
    assert printing.unprintable([name]) == []
