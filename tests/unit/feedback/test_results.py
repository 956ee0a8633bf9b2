from __future__ import annotations

import pytest

from services.feedback import answers, questionnaires, results
from services.feedback.models import Question
from services.feedback.results import Cell
from tests.unit.feedback.cast import EVENING, GATHERING


@pytest.fixture
def answered(day):
    """Let people answer: `answered([{"useful": "5", …}, …])`, one mapping a person."""

    def give(sheets, *, present=0):
        day.check_in(*(f"Famille{number}" for number in range(max(present, len(sheets)))))
        with day.database.transaction() as session:
            questionnaires.address(session, GATHERING, now=EVENING)
        for link, sheet in zip(day.links(), sheets, strict=False):
            given = {k: v for k, v in {"useful": "4", "pace": "right", **sheet}.items() if v}
            with day.database.transaction() as session:
                answers.give(session, link.removeprefix("/q/"), given=given, quoted=(), seed="", now=EVENING)
        with day.database.reading() as session:
            return results.of(session, GATHERING, language="en")

    return give


def tally(told, name):
    return next(tally for tally in told.tallies if tally.name == name)


def test_under_the_minimum_nothing_is_told(answered):
    told = answered([{"takeaway": "Seule"}] * 4, present=9)

    assert (told.addressed, told.received, told.counted, told.rate) == (9, None, 0, None)
    assert all(
        (t.answers, t.cells, t.mean, t.texts, t.veiled) == (None, [], None, [], True) for t in told.tallies
    )


def test_the_rate_is_told_without_identities(answered):
    told = answered([{}] * 6, present=12)

    assert (told.received, told.rate, told.counted) == (6, 0.5, 5)


def test_low_values_of_a_scale_are_joined(answered):
    told = answered([{"useful": "1"}] * 2 + [{"useful": "2"}] * 3 + [{"useful": "5"}] * 10)

    useful = tally(told, "useful")
    assert [(cell.label, cell.count) for cell in useful.cells] == [("1–2", 5), ("3–5", 10)]
    assert (useful.mean, useful.high, useful.veiled) == (None, None, True)


def test_a_mean_and_bounds_stand_beside_a_scale_that_hides_nothing(answered):
    told = answered([{"useful": str(value)} for value in (1, 2, 3, 4, 5) for _ in range(5)])

    useful = tally(told, "useful")
    assert useful.mean == pytest.approx(3.0)
    assert useful.high == pytest.approx((0.2340, 0.5926), abs=1e-4)


def test_a_small_choice_is_hidden_with_another(answered):
    told = answered([{"pace": "slow"}] * 2 + [{"pace": "fast"}] * 6 + [{"pace": "right"}] * 12)

    assert tally(told, "pace").cells == [Cell("too slow", None), Cell("just right", 12), Cell("too fast", None)]


def test_few_texts_are_not_shown_among_many_answers(answered):
    told = answered([{"takeaway": "Un mot"}] * 4 + [{}] * 6)

    assert (tally(told, "takeaway").texts, tally(told, "takeaway").veiled) == ([], True)


def test_texts_of_one_person_do_not_stand_in_one_line(answered):
    told = answered([{"takeaway": f"{n}", "change": f"{n}"} for n in range(10)])

    first, second = tally(told, "takeaway").texts, tally(told, "change").texts
    assert sorted(first) == sorted(second) == [str(n) for n in range(10)]
    assert first != second


def test_leaving_an_optional_choice_empty_is_a_choice_too(day, answered):
    with day.database.transaction() as session:
        pace = session.query(Question).filter_by(name="pace").one()
        pace.required = False

    told = answered([{"pace": ""}] * 2 + [{"pace": "right"}] * 8)

    assert [cell.count for cell in tally(told, "pace").cells] == [None, None, None, None]


def test_ticks_that_nearly_everybody_made_are_hidden(day, answered):
    with day.database.transaction() as session:
        pace = session.query(Question).filter_by(name="pace").one()
        pace.kind, pace.required = "multiple", False

    ticks = [{"pace": ["slow", "right"]}] * 6 + [{"pace": ["slow"]}] * 7 + [{"pace": ["right", "fast"]}] * 2
    told = answered(ticks)

    assert [(cell.label, cell.count) for cell in tally(told, "pace").cells] == [
        ("too slow", None),
        ("just right", None),
        ("too fast", None),
    ]
