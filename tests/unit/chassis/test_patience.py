"""A message whose database is away for a moment is heard once it is back, and not given up."""

from __future__ import annotations

import time

import pytest
from sqlalchemy.exc import OperationalError

from services.chassis import patience, worker
from tests.unit.chassis.test_inbox import METADATA, a_fact, acks, words
from tests.unit.chassis.test_starts import hearing, lose_the_database


def test_what_a_message_holds_is_heard_once_when_its_database_went_away_and_came_back(open_database):
    database, ear = open_database(METADATA, "grouping"), hearing([lose_the_database] * 4)
    first, second = a_fact(1, word="first"), a_fact(2, word="second")

    outcomes = patience.until_done(lambda: worker.take(ear, database, {**first, "also": [second]}))

    assert (outcomes, words(database), acks(database)) == (["heard", "heard"], ["first", "second"], 2)


def test_a_database_that_stays_away_is_given_up(open_database):
    database, ear = open_database(METADATA, "grouping"), hearing([lose_the_database] * 1000)
    began = time.monotonic()

    with pytest.raises(OperationalError):
        patience.until_done(lambda: worker.take(ear, database, a_fact()), within_s=0.5)

    assert 0.1 < time.monotonic() - began < 10


def test_what_is_wrong_with_a_statement_is_told_at_once():
    times = []

    def ask():
        times.append(1)
        raise ValueError("cannot")

    with pytest.raises(ValueError, match="cannot"):
        patience.until_done(ask)

    assert times == [1]
