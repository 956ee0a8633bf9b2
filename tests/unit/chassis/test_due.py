"""Which facts are due to whom, and how they are put into messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from services.chassis import due
from services.chassis.db import delivery, outbox
from services.chassis.due import LONG, MANY, apart, messages
from services.chassis.inbox import Inbox
from services.chassis.outbox import envelope, new_trace
from tests import toys
from tests.unit.chassis.test_inbox import METADATA, TYPE, Person, a_fact

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=400)


def a_row(version: int, *, attempts: int = 0, afresh: bool = False, size: int = 10) -> tuple[object, ...]:
    """A row as it is claimed: id, type, subject, body, trace, cause, instant, sequence, version, attempts, afresh."""
    body = json.dumps({"word": "é" * size})
    return uuid4().hex, TYPE, str(uuid4()), body, new_trace(), None, NOW, version, version, attempts, afresh


def read(arguments: str) -> list[dict]:
    (message,) = json.loads(arguments)
    return apart(message)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from((1, 10, 4000, LONG))), max_size=80))
def test_every_fact_travels_once_in_its_order_and_what_comes_again_comes_alone(kinds):
    rows = [a_row(n, attempts=attempts, size=size) for n, (attempts, size) in enumerate(kinds, 1)]

    packed = [(read(arguments), facts, arguments) for arguments, facts in messages(rows, "registration")]

    assert [fact["aggversion"] for facts, *_ in packed for fact in facts] == list(range(1, len(rows) + 1))
    for facts, said, arguments in packed:
        assert len(facts) == said <= MANY
        assert said == 1 or all(fact["attempt"] == 1 for fact in facts)
        assert said == 1 or len(arguments) < LONG + 100 * MANY


def test_what_the_broker_forgot_shares_messages_again_and_what_nobody_answered_does_not(open_database):
    database = open_database(toys.TELLING, "registration")
    with database.transaction() as session:
        due.all_again(session, "first")
    for number in (1, 2):
        toys.wish(database, uuid4(), number)

    sendings = []
    for epoch, hour in (("first", None), ("second", None), ("second", LATER)):
        with database.transaction() as session:
            due.all_again(session, epoch)
            rows = due.claim(session, "grouping", 10, hour or datetime.now(UTC))
        sendings.append([read(arguments) for arguments, _ in due.messages(rows, "registration")])

    alone = [
        [(fact["attempt"], fact.get("afresh", False)) for fact in facts] for sent in sendings for facts in sent
    ]
    assert alone == [[(1, False)] * 2, [(2, True)] * 2, [(3, False)], [(3, False)]]


def test_a_fact_in_a_message_is_its_envelope(open_database):
    database = open_database(toys.TELLING, "registration")
    toys.wish(database, uuid4(), 7)
    with database.transaction() as session:
        rows = due.claim(session, "grouping", 10, LATER)
    with database.reading() as session:
        row = session.execute(select(outbox)).one()

    ((arguments, _),) = messages(rows, "registration")

    assert read(arguments) == [json.loads(json.dumps(envelope(row, "registration", 1, 1)))]


def test_a_hearer_of_the_version_before_hears_the_first_and_the_others_come_again_alone(open_database):
    database, ear = open_database(METADATA, "grouping"), Inbox("grouping")
    heard = []
    ear.on(TYPE, reads=Person)(lambda session, fact, now: heard.append(fact["word"]))
    first, second = a_fact(word="first", subject=uuid4()), a_fact(word="second", subject=uuid4())

    # Before facts shared messages, `hear` was called with the whole message.
    old = ear.hear(database, {**first, "also": [second]})

    assert (old, heard) == ("heard", ["first"])
    assert ear.hear(database, {**second, "attempt": 2}) == "heard"


def test_a_claim_pushes_the_next_sending_ahead_and_counts_it(open_database):
    database = open_database(toys.TELLING, "registration")
    for number in (1, 2, 3):
        toys.wish(database, uuid4(), number)

    with database.transaction() as session:
        first = due.claim(session, "grouping", 2, LATER)
    with database.transaction() as session:
        rest = due.claim(session, "grouping", 2, LATER)
        assert due.hearers(session, ["grouping", "feedback"], LATER) == []

    assert [len(first), len(rest)] == [2, 1]
    with database.reading() as session:
        assert set(session.scalars(select(delivery.c.attempts))) == {1}
        assert min(session.scalars(select(delivery.c.next_at))) >= LATER + timedelta(seconds=4)


def test_each_pause_is_twice_the_last_up_to_the_longest_and_a_fifth_more_at_most(open_database):
    database = open_database(toys.TELLING, "registration")
    toys.wish(database, uuid4(), 1)
    now, pauses, sendings = LATER, [], []

    for _ in range(8):
        with database.transaction() as session:
            (row,) = due.claim(session, "grouping", 10, now)
            due_at = session.scalars(select(delivery.c.next_at)).one()
        sendings.append(row.attempts)
        pauses.append((due_at - now).total_seconds())
        now = due_at

    assert sendings == list(range(8))
    for pause, least in zip(pauses, (4, 8, 16, 32, 64, 128, 256, 300), strict=True):
        assert least <= pause <= 1.2 * least


def test_what_was_told_first_is_claimed_first(open_database):
    database = open_database(toys.TELLING, "registration")
    for number in range(6):
        toys.wish(database, uuid4(), number)
    with database.transaction() as session:
        session.execute(update(delivery).values(next_at=NOW))

    with database.transaction() as session:
        claimed = [row.sequence for row in due.claim(session, "grouping", 4, LATER)]

    assert claimed == sorted(claimed)
    assert len(claimed) == 4


def test_a_new_epoch_makes_what_was_sent_due_and_nothing_else(open_database):
    database = open_database(toys.TELLING, "registration")
    for number in (1, 2):
        toys.wish(database, uuid4(), number)
    with database.transaction() as session:
        assert not due.all_again(session, "first")
        due.claim(session, "grouping", 1, LATER)

    with database.transaction() as session:
        assert not due.all_again(session, "first")
        assert due.claim(session, "grouping", 5, LATER)
        assert due.claim(session, "grouping", 5, LATER) == []
        assert due.all_again(session, "second")
        assert len(due.claim(session, "grouping", 5, LATER)) == 2


def test_a_fact_told_by_a_clock_that_was_ahead_waits_no_longer_than_any_other(open_database):
    database = open_database(toys.TELLING, "registration")
    toys.wish(database, uuid4(), 1)
    toys.wish(database, uuid4(), 2)
    with database.transaction() as session:
        session.execute(
            update(delivery).where(delivery.c.sequence == 1).values(next_at=NOW + timedelta(hours=1))
        )
        session.execute(
            update(delivery).where(delivery.c.sequence == 2).values(next_at=NOW + timedelta(minutes=5))
        )

    with database.transaction() as session:
        assert due.by_another_clock(session, ["grouping"], NOW)
        due.set_right(session, ["grouping"], NOW)
        assert not due.by_another_clock(session, ["grouping"], NOW)
        assert [row.sequence for row in due.claim(session, "grouping", 5, NOW)] == [1]


def test_what_may_still_stand_in_the_queue_is_not_sent_again_soon(open_database):
    database = open_database(toys.TELLING, "registration")
    toys.wish(database, uuid4(), 1)
    with database.transaction() as session:
        due.claim(session, "grouping", 5, LATER)
    toys.wish(database, uuid4(), 2)
    retried = LATER + timedelta(seconds=8)

    with database.transaction() as session:
        soon = due.claim(session, "grouping", 5, retried, spare=due.WHILE_QUEUED)
        late = due.claim(session, "grouping", 5, retried + due.WHILE_QUEUED, spare=due.WHILE_QUEUED)

    assert [row.sequence for row in soon] == [2]
    assert 1 in [row.sequence for row in late]
