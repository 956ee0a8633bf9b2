from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra.day.ledger import Ledger, LetterCount, count_letters, differences, twice_and_lost
from infra.day.mailbox import Letter


def letter(number: int, to: str = "ada@x.example", kind: str = "registered", message_id: str = "") -> Letter:
    return Letter(number, to, kind, "", "", "", (), message_id or f"<{number}@x>")


def test_every_letter_once_is_no_breach():
    ledger = Ledger()
    ledger.promise("Ada@x.example", "registered")

    assert ledger.letters([letter(1)]) == LetterCount(came=1, twice=0, lost=0, unasked=0)


def test_a_second_letter_is_one_too_many_and_a_missing_one_is_lost():
    ledger = Ledger()
    ledger.promise("ada@x.example", "registered")
    ledger.promise("bo@x.example", "registered")

    assert ledger.letters([letter(1), letter(2)]) == LetterCount(came=2, twice=1, lost=1, unasked=0)


def test_two_people_of_one_address_get_two_letters():
    ledger = Ledger()
    ledger.promise("ada@x.example", "registered", 2)

    assert ledger.letters([letter(1), letter(2)]).twice == 0


def test_the_same_message_twice_is_twice_even_when_the_count_is_right():
    ledger = Ledger()
    ledger.promise("ada@x.example", "registered", 2)

    assert ledger.letters([letter(1, message_id="<a>"), letter(2, message_id="<a>")]).twice == 1


def test_a_letter_nobody_promised_is_said():
    assert Ledger().letters([letter(1)]).unasked == 1


@given(st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), st.integers(0, 3)))
def test_what_was_promised_and_came_leaves_nothing_over(promised):
    count = count_letters(promised, promised)

    assert (count.twice, count.lost, count.unasked) == (0, 0, 0)
    assert differences(promised, promised) == []


def test_people_are_held_once():
    assert twice_and_lost(["a", "a", "b", "d"], ["a", "b", "c"]) == (1, 1, 1)


def test_a_broken_rule_is_kept_word_for_word():
    ledger = Ledger()

    assert ledger.same(3, 3, "three stay three")
    assert not ledger.same(3, 4, "four seats")
    assert ledger.broken == ["four seats: 3 in place of 4"]
