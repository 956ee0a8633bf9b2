"""While groups are worked out: how far it is, and stopping it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from services.grouping import boards, plans, questions, rounds, tasks
from services.grouping.models import Ask, Round
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, Browser, Day

BOARD = "/g/chemins-croises/temps/1"


@pytest.fixture
def asked(day: Day) -> Round:
    """A round of four groups of ten that was asked for and is not worked out yet."""
    day.crowd(40, topics=4)
    with day.database.transaction() as session:
        return rounds.open_round(session, GATHERING, kind="topics", name="", by=ORGANISER, now=NOON)


@pytest.fixture
def organiser(browse: Callable[..., Browser]) -> Browser:
    return browse(ORGANISER)


def ask_of(day: Day, round_: Round) -> Ask:
    with day.database.reading() as session:
        found = rounds.last_ask(session, round_.id)
        assert found is not None
        return found


def rebalance_asked(day: Day, round_: Round) -> None:
    day.settle()
    with day.database.transaction() as session:
        plans.publish(session, session.get_one(Round, round_.id), now=NOON)
    day.note("absent", *range(10, 16))
    with day.database.transaction() as session:
        here = session.get_one(Round, round_.id)
        rounds.ask_rebalance(session, here, policy="balance", by=ORGANISER, now=NOON)


@pytest.mark.parametrize("kind", ["form", "rebalance"])
def test_the_share_and_the_cost_are_written_down_while_it_is_worked_out(
    day: Day, asked: Round, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "rebalance":
        rebalance_asked(day, asked)
    before = ask_of(day, asked)
    monkeypatch.setattr(tasks, "TELL_S", 0.0)

    day.settle()

    ask = ask_of(day, asked)
    assert (before.share, before.cost, before.kind) == (0.0, None, kind)
    assert 0 < ask.share <= 1
    assert ask.cost is not None
    assert ask.state == "ready"


@pytest.mark.parametrize(("language", "said"), [("fr", "40 % du temps"), ("en", "40 % of the time")])
def test_the_board_says_how_far_it_is_however_often_it_is_opened(
    day: Day, asked: Round, organiser: Browser, language: str, said: str
) -> None:
    with day.database.transaction() as session:
        assert rounds.tell_progress(session, ask_of(day, asked).id, share=0.4, cost=12)

    pages = [organiser.get(f"{BOARD}?lang={language}") for _ in range(2)]

    texts = [re.sub(r"\s|&nbsp;", " ", page.get_data(as_text=True)) for page in pages]
    assert [said in text for text in texts] == [True, True]
    assert all(page.headers["Refresh"] == "2" for page in pages)


def test_what_is_stopped_before_it_begins_leaves_no_trace(day: Day, asked: Round, organiser: Browser) -> None:
    stopped = organiser.post(f"{BOARD}/arreter", on=BOARD)
    day.settle()

    assert stopped.location == BOARD
    assert "Refresh" not in organiser.get(BOARD).headers
    with day.database.reading() as session:
        assert boards.board(session, session.get_one(Round, asked.id)).plan is None


@pytest.mark.parametrize("kind", ["form", "rebalance"])
def test_what_is_stopped_while_it_is_worked_out_ends_at_once_without_an_answer(
    day: Day, asked: Round, kind: str
) -> None:
    if kind == "rebalance":
        rebalance_asked(day, asked)
    ask, looks = ask_of(day, asked), 0

    def stop_at_the_second_look(share: float, cost: int) -> bool:
        nonlocal looks
        looks += 1
        with day.database.transaction() as session:
            if looks == 2:
                rounds.stop(session, session.get_one(Round, asked.id), now=NOON)
            return rounds.tell_progress(session, ask.id, share=share, cost=cost)

    with day.database.reading() as session:
        solved = questions.solve(session, ask.id, progress=stop_at_the_second_look)

    assert (solved, looks, ask_of(day, asked).state) == (None, 2, "dropped")


def test_programs_stop_it_once_and_are_told_when_there_is_nothing_to_stop(
    asked: Round, program: Callable[..., Any]
) -> None:
    assert program("post", f"/rounds/{asked.id}/stop")[0] == 204

    status, told = program("post", f"/rounds/{asked.id}/stop")
    assert (status, told["code"]) == (409, "nothing-asked")


def test_a_program_sees_the_progress_of_a_rebalance(
    day: Day, asked: Round, program: Callable[..., Any]
) -> None:
    rebalance_asked(day, asked)
    with day.database.transaction() as session:
        rounds.tell_progress(session, ask_of(day, asked).id, share=0.25, cost=3)

    _status, told = program("get", f"/rounds/{asked.id}/rebalance")

    assert (told["state"], told["ask"]["share"], told["ask"]["cost"]) == ("waiting", 0.25, 3)


def test_the_board_says_of_whom_the_desk_has_not_spoken(day: Day, asked: Round, organiser: Browser) -> None:
    day.settle()
    assert "nous ne savons pas encore" not in organiser.get(BOARD).get_data(as_text=True)

    day.note("checked_in", *range(5))
    day.note("absent", *range(5, 38))

    assert "De 2 personnes, nous ne savons pas encore" in organiser.get(BOARD).get_data(as_text=True)


def test_the_board_says_when_nobody_can_do_it_with_fewer_moves(
    day: Day, asked: Round, organiser: Browser
) -> None:
    rebalance_asked(day, asked)
    day.settle()

    with day.database.reading() as session:
        shown = boards.board(session, session.get_one(Round, asked.id))
    proved = shown.proposal is not None and shown.proposal.figures["moves"] == shown.fewest_moves
    said = "Personne ne peut faire avec moins de changements" in organiser.get(BOARD).get_data(as_text=True)

    assert said == (proved and bool(shown.moves))


def test_nobody_is_asked_of_an_ask_that_is_over(day: Day, asked: Round) -> None:
    ask: UUID = ask_of(day, asked).id
    day.settle()

    with day.database.transaction() as session:
        assert not rounds.tell_progress(session, ask, share=0.5, cost=1)
