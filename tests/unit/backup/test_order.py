from __future__ import annotations

import pytest

from infra.backup.order import NoOrder, hearers_first
from services.chassis import routes


def test_every_service_is_read_before_the_ones_it_hears() -> None:
    order = hearers_first()

    wrong = [
        (hearer, event_type)
        for event_type, hearers in routes.hearers().items()
        for hearer in hearers
        if hearer != (teller := event_type.partition(".")[0])
        and event_type not in routes.answers()
        and order.index(hearer) > order.index(teller)
    ]
    assert (wrong, sorted(order)) == ([], list(routes.services()))


def test_two_that_hear_each_other_have_no_order() -> None:
    with pytest.raises(NoOrder):
        hearers_first({"one.said.v1": ["two"], "two.said.v1": ["one"]})


def test_what_one_tells_itself_asks_for_no_order() -> None:
    assert hearers_first({"one.said.v1": ["one"]}) == ["one"]


def test_an_answer_asks_for_no_order() -> None:
    table = {"one.asked.v1": ["two"], "two.answered.v1": ["one"]}

    assert hearers_first(table, {"two.answered.v1"}) == ["two", "one"]


def test_an_answer_is_told_by_who_hears_the_question_to_who_asked_it() -> None:
    table = routes.hearers()
    wrong = [
        answer
        for answer, question in routes.answers().items()
        if table[answer] != (question.partition(".")[0],) or answer.partition(".")[0] not in table[question]
    ]

    assert wrong == []
