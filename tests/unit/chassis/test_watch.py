from __future__ import annotations

import pytest

from services.chassis.watch import LONGEST_S, PATIENCE_S, Watch


@pytest.fixture
def watch() -> Watch:
    return Watch(0.0)


def test_a_worker_is_silent_when_work_waits_and_none_is_done(watch):
    looks = [watch.look(float(second), waiting=3, working=0) for second in range(int(PATIENCE_S) + 1)]

    assert looks == [False] * int(PATIENCE_S) + [True]


def test_a_worker_with_nothing_to_do_is_not_silent(watch):
    assert not watch.look(PATIENCE_S * 10, waiting=0, working=0)


def test_a_long_task_is_not_silence(watch):
    assert not watch.look(PATIENCE_S * 10, waiting=50, working=1)


def test_a_task_that_never_ends_is_silence(watch):
    assert not watch.look(LONGEST_S - 1, waiting=0, working=1)
    assert watch.look(LONGEST_S, waiting=0, working=1)


def test_many_long_tasks_one_after_the_other_are_not_silence(watch):
    for turn in range(1, 9):
        watch.took(turn * LONGEST_S / 2)

    assert not watch.look(5 * LONGEST_S - 1, waiting=4, working=1)


def test_a_worker_is_not_blamed_for_a_broker_that_is_away(watch):
    assert not watch.look(PATIENCE_S * 10, waiting=None, working=0)


def test_patience_begins_anew_with_each_task_taken(watch):
    watch.look(PATIENCE_S - 1, waiting=1, working=0)
    watch.took(PATIENCE_S - 1)

    assert not watch.look(PATIENCE_S, waiting=1, working=0)
    assert watch.look(2 * PATIENCE_S, waiting=1, working=0)
