"""How much may be sent to a hearer that has not heard everything yet, and what is left alone meanwhile."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.chassis import due
from services.chassis.ways import FULL_QUEUE, HANDS_S, MAX_QUEUE, Way


def test_a_way_counts_facts_and_not_messages():
    way = Way()
    for _ in range(9):
        way.sent(25, 0.0)

    assert way.room(9, 0.0) == 0  # 225 facts wait
    assert way.room(8, 0.0) == FULL_QUEUE - 200
    assert way.room(0, 0.0) == FULL_QUEUE


def test_a_way_that_remembers_nothing_counts_messages():
    rooms = Way().room(MAX_QUEUE, 0.0), Way().room(MAX_QUEUE + 1, 0.0)

    assert rooms == (FULL_QUEUE - MAX_QUEUE, 0)


def test_what_left_the_queue_and_is_not_acknowledged_is_not_left_alone_for_what_came_after():
    way, shortest = Way(), timedelta(seconds=due.FIRST_RETRY_S)
    for second in range(10):
        way.sent(1, float(second))
    assert way.spare(10, 9.0) == due.WHILE_QUEUED

    way.room(4, 9.0)  # the six of the first six seconds were taken
    assert way.spare(4, 9.0) == due.WHILE_QUEUED
    assert way.spare(4, 9.0 + HANDS_S) + shortest == timedelta(seconds=9.0 + HANDS_S - 5.0)
    assert way.spare(2, 9.0) == timedelta(0)


@given(st.lists(st.tuples(st.floats(0.1, 9), st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=60))
def test_nothing_that_may_lie_in_the_queue_is_sent_again_before_its_time(steps):
    way, queue, hour, taken_at = Way(), [], 0.0, {}
    for pause, sends, takes in steps:
        hour += pause
        way.room(len(queue), hour)
        spare = way.spare(len(queue), hour)
        # Until then something must have been sent to be claimed: it is due four seconds later at the earliest.
        sent_until = hour - spare.total_seconds() - due.FIRST_RETRY_S
        if len(queue) > 2 and spare < due.WHILE_QUEUED:
            assert all(sent_at > sent_until for sent_at in queue)
            assert all(
                at <= hour - HANDS_S + 1e-6 for sent, at in taken_at.items() if sent <= sent_until - 1e-6
            )
        for number in range(sends):
            at = hour + number / 100
            way.sent(1, at)
            queue.append(at)
        for at in queue[:takes]:
            taken_at[at] = hour
        queue = queue[takes:]
