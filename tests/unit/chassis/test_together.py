"""Wishes about the same thing, carried out together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.chassis.together import Together

PATIENCE_S = 20


class Held:
    """Carries wishes out when it is let: the first call stays open until `go_on`, so that others come meanwhile."""

    def __init__(self, *, most=32, breaks=""):
        self.rounds, self.breaks = [], breaks
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.together = Together(self.carry_out, most=most)

    def carry_out(self, about, wishes):
        self.rounds.append((about, list(wishes)))
        if len(self.rounds) == 1:
            self.begun.set()
            assert self.may_go_on.wait(PATIENCE_S)
        if self.breaks in wishes:
            raise ConnectionError(self.breaks)
        return [f"{wish} is here" for wish in wishes]

    def waiting(self, about):
        return len(self.together._queues.get(about, ()))


def _until(is_so):
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.005)):
        if is_so():
            return
        pause.wait(0.005)
    raise TimeoutError


@pytest.fixture
def crowd():
    with ThreadPoolExecutor(16) as threads:
        yield threads


def _come(held, crowd, wishes, about="table"):
    """Ask one after the other, while the first is being carried out."""
    asked = [crowd.submit(held.together.ask, about, wishes[0])]
    assert held.begun.wait(PATIENCE_S)
    for number, wish in enumerate(wishes[1:], 1):
        asked.append(crowd.submit(held.together.ask, about, wish))
        _until(lambda number=number: held.waiting(about) == number)
    return asked


def test_who_comes_meanwhile_is_carried_out_together_in_the_order_of_coming(crowd):
    held = Held()
    asked = _come(held, crowd, ["Ada", "Bo", "Cy", "Dee"])

    held.may_go_on.set()

    assert [one.result(PATIENCE_S) for one in asked] == [f"{who} is here" for who in ("Ada", "Bo", "Cy", "Dee")]
    assert held.rounds == [("table", ["Ada"]), ("table", ["Bo", "Cy", "Dee"])]


def test_no_more_than_so_many_are_carried_out_at_once(crowd):
    held = Held(most=2)
    asked = _come(held, crowd, ["Ada", "Bo", "Cy", "Dee"])

    held.may_go_on.set()

    assert [one.result(PATIENCE_S) for one in asked][-1] == "Dee is here"
    assert [wishes for _, wishes in held.rounds] == [["Ada"], ["Bo", "Cy"], ["Dee"]]


def test_what_breaks_is_told_to_those_whose_wish_it_was_and_to_nobody_else(crowd):
    held = Held(most=2, breaks="Bo")
    asked = _come(held, crowd, ["Ada", "Bo", "Cy", "Dee"])

    held.may_go_on.set()

    assert asked[0].result(PATIENCE_S) == "Ada is here"
    assert asked[3].result(PATIENCE_S) == "Dee is here"
    for one in asked[1:3]:
        with pytest.raises(ConnectionError):
            one.result(PATIENCE_S)


def test_another_table_does_not_wait(crowd):
    held = Held()
    first = crowd.submit(held.together.ask, "table", "Ada")
    assert held.begun.wait(PATIENCE_S)

    assert held.together.ask("garden", "Bo") == "Bo is here"

    held.may_go_on.set()
    assert first.result(PATIENCE_S) == "Ada is here"


def test_nothing_is_left_when_everybody_is_answered(crowd):
    held = Held()
    held.may_go_on.set()

    list(crowd.map(lambda number: held.together.ask("table", str(number)), range(200)))

    assert held.together._queues == {}
    assert sorted(int(wish) for _, wishes in held.rounds for wish in wishes) == list(range(200))
