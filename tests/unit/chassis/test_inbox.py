"""What the inbox promises, on both databases, with a post that loses, repeats and reorders."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from marshmallow import fields
from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid, insert, select

from services.chassis import dead, ledger
from services.chassis.db import Database, ack_out, inbox, own_tables, parked
from services.chassis.inbox import TRIES, Heard, Inbox
from services.chassis.outbox import new_trace
from services.chassis.starts import STARTS

TYPE = "registration.participant_registered.v1"
SUBJECT = UUID("0190a000-0000-7000-8000-000000000001")

METADATA: MetaData = own_tables()
effects = Table(
    "effects", METADATA, Column("id", Integer, primary_key=True), Column("person", Uuid), Column("word", String)
)


class Person(Heard):
    person = fields.UUID(required=True)
    word = fields.String(required=True)


@pytest.fixture
def hearer(open_database) -> tuple[Inbox, Database]:
    ear = Inbox("grouping")

    @ear.on(TYPE, reads=Person)
    def note(session, fact, now):
        if fact["word"] == "boom":
            raise RuntimeError("cannot")
        session.execute(insert(effects).values(person=fact["person"], word=fact["word"]))

    return ear, open_database(METADATA, "grouping")


def a_fact(
    version: int = 1,
    *,
    word: str = "hello",
    attempt: int = 1,
    subject: UUID = SUBJECT,
    event_id: UUID | None = None,
):
    return {
        "specversion": "1.0",
        "id": str(event_id or uuid4()),
        "source": "registration",
        "type": TYPE,
        "subject": str(subject),
        "time": datetime.now(UTC).isoformat(),
        "sequence": version,
        "aggversion": version,
        "attempt": attempt,
        "traceparent": new_trace(),
        "data": {"person": str(subject), "word": word, "more": "ignored"},
    }


def words(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(effects.c.word).order_by(effects.c.id)))


def acks(database: Database) -> int:
    with database.reading() as session:
        return len(session.execute(select(ack_out)).all())


def test_a_fact_heard_twice_acts_once_and_is_acknowledged_twice(hearer):
    ear, database = hearer
    fact = a_fact()

    assert [ear.hear(database, fact), ear.hear(database, fact)] == ["heard", "again"]

    assert (words(database), acks(database)) == (["hello"], 2)


def test_twins_heard_at_once_act_once(hearer):
    ear, database = hearer
    fact = a_fact()
    outcomes: list[str] = []
    threads = [threading.Thread(target=lambda: outcomes.append(ear.hear(database, fact))) for _ in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["again"] * 5 + ["heard"]
    assert words(database) == ["hello"]


def test_facts_about_one_subject_are_applied_in_the_order_they_were_told(hearer):
    ear, database = hearer
    facts = [a_fact(version, word=str(version)) for version in (3, 2, 4, 1)]

    outcomes = [ear.hear(database, fact) for fact in facts]

    assert outcomes == ["parked", "parked", "parked", "heard"]
    assert words(database) == ["1", "2", "3", "4"]
    with database.reading() as session:
        assert session.execute(select(parked)).all() == []


def test_a_parked_fact_is_not_acknowledged(hearer):
    ear, database = hearer

    ear.hear(database, a_fact(2))

    assert acks(database) == 0


def test_another_subject_does_not_wait(hearer):
    ear, database = hearer
    ear.hear(database, a_fact(2, word="waits"))

    ear.hear(database, a_fact(1, word="goes", subject=uuid4()))

    assert words(database) == ["goes"]


def test_a_fact_known_by_its_version_is_not_applied_after_its_row_was_pruned(hearer):
    ear, database = hearer
    fact = a_fact()
    ear.hear(database, fact)
    with database.transaction() as session:
        session.execute(inbox.delete())

    assert ear.hear(database, fact) == "again"
    assert words(database) == ["hello"]


def test_a_handler_that_fails_leaves_nothing_and_its_fact_dies_after_five_tries(hearer):
    ear, database = hearer
    fact = a_fact(word="boom")

    outcomes = [ear.hear(database, {**fact, "attempt": 1}) for _ in range(TRIES)]

    assert outcomes == ["failed"] * (TRIES - 1) + ["dead"]
    assert (words(database), acks(database)) == ([], 1)


def test_a_dead_fact_holds_its_subject_and_nobody_else(hearer):
    ear, database = hearer
    for _ in range(TRIES):
        ear.hear(database, {**a_fact(word="boom", event_id=SUBJECT)})

    held = ear.hear(database, a_fact(2))
    free = ear.hear(database, a_fact(1, subject=uuid4()))

    assert (held, free) == ("parked", "heard")


def test_a_discarded_fact_lets_the_parked_ones_go_on(hearer):
    ear, database = hearer
    for _ in range(TRIES):
        ear.hear(database, a_fact(word="boom", event_id=SUBJECT))
    ear.hear(database, a_fact(2, word="next"))

    ear.discard(database, SUBJECT, now=datetime.now(UTC))

    assert words(database) == ["next"]


def test_a_misshapen_fact_is_dead_at_once(hearer):
    ear, database = hearer
    fact = a_fact()
    fact["data"] = {"person": "nobody"}

    assert ear.hear(database, fact) == "dead"


def test_a_fact_that_is_begun_and_never_ends_is_dead_after_three_starts(hearer, monkeypatch):
    ear, database = hearer
    fact = a_fact()

    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    monkeypatch.setattr(ear, "_apply", die)
    for attempt in range(1, STARTS + 2):
        with pytest.raises(Killed):
            ear.hear(database, {**fact, "attempt": attempt})

    assert ear.hear(database, {**fact, "attempt": STARTS + 2}) == "dead"


def test_a_fact_does_not_die_of_waiting_for_its_elder(hearer):
    ear, database = hearer
    younger, elder = a_fact(2, word="younger"), a_fact(1, word="elder")

    waited = [ear.hear(database, {**younger, "attempt": attempt}) for attempt in range(1, 3 * STARTS)]

    assert set(waited) == {"parked"}
    assert ear.hear(database, elder) == "heard"
    with database.reading() as session:
        words = session.scalars(select(effects.c.word).order_by(effects.c.id)).all()
        assert (words, session.scalars(select(inbox.c.status)).all()) == (["elder", "younger"], ["heard"] * 2)


def test_of_many_that_waited_the_one_that_fails_is_tried_once_and_not_for_ever(hearer):
    ear, database = hearer
    for version in range(2, TRIES + 4):
        ear.hear(database, a_fact(version, word="boom" if version == TRIES + 3 else "hello"))

    assert ear.hear(database, a_fact(1)) == "heard"

    with database.reading() as session:
        assert session.execute(select(inbox.c.attempts).where(inbox.c.status == "failed")).all() == [(1,)]
    assert words(database) == ["hello"] * (TRIES + 2)


def test_a_fact_that_waited_and_is_dead_by_now_ends_the_catching_up(hearer):
    ear, database = hearer
    younger = a_fact(2)
    ear.hear(database, younger)
    with database.transaction() as session:
        ledger.record(session, [ledger.Told.of(younger)], status="dead", now=datetime.now(UTC), keep=True)

    assert ear.hear(database, a_fact(1)) == "heard"

    assert words(database) == ["hello"]


def test_a_misshapen_fact_waits_for_its_elder_before_it_is_dead(hearer):
    ear, database = hearer
    younger = a_fact(2, event_id=SUBJECT)
    younger["data"] = {"person": "nobody"}

    assert ear.hear(database, younger) == "parked"
    assert ear.hear(database, a_fact(1, word="elder")) == "heard"
    ear.discard(database, SUBJECT, now=datetime.now(UTC))
    ear.hear(database, a_fact(3, word="next"))

    assert words(database) == ["elder", "next"]


def test_a_discarded_misshapen_fact_that_comes_again_stays_discarded(hearer):
    ear, database = hearer
    fact = a_fact(1, event_id=SUBJECT)
    fact["data"] = {"person": "nobody"}
    ear.hear(database, fact)
    ear.discard(database, SUBJECT, now=datetime.now(UTC))

    assert ear.hear(database, {**fact, "attempt": 2}) == "again"


def test_an_unknown_type_is_left_alone(hearer):
    ear, database = hearer

    assert ear.hear(database, {**a_fact(), "type": "registration.nobody_knows.v9"}) == "unknown"


def test_a_retried_dead_fact_is_heard_once_its_handler_can(open_sqlite):
    ear, database = Inbox("grouping"), open_sqlite(METADATA, "grouping")
    able = []

    @ear.on(TYPE, reads=Person)
    def note(session, fact, now):
        if not able:
            raise RuntimeError("cannot yet")
        session.execute(insert(effects).values(person=fact["person"], word=fact["word"]))

    for _ in range(TRIES):
        ear.hear(database, a_fact(event_id=SUBJECT))
    able.append(True)

    assert ear.retry(database, SUBJECT) == "heard"
    assert words(database) == ["hello"]
    with pytest.raises(LookupError):
        ear.retry(database, SUBJECT)


class Killed(BaseException):
    """SIGKILL in the middle of a handler."""


@pytest.mark.parametrize("ending", [RuntimeError, Killed])
def test_a_retried_dead_fact_stays_dead_until_it_is_heard(open_sqlite, ending):
    ear, database = Inbox("grouping"), open_sqlite(METADATA, "grouping")
    trouble: list[type[BaseException]] = [RuntimeError]

    @ear.on(TYPE, reads=Person)
    def note(session, fact, now):
        if trouble:
            raise trouble[0]
        session.execute(insert(effects).values(person=fact["person"], word=fact["word"]))

    for _ in range(TRIES):
        ear.hear(database, a_fact(event_id=SUBJECT))
    trouble[0] = ending
    with suppress(Killed):
        ear.retry(database, SUBJECT)

    # Its teller has its acknowledgement: whoever is not on the list of the dead is never heard.
    with database.reading() as session:
        assert dead.one(session, SUBJECT) is not None
    trouble.clear()
    assert (ear.retry(database, SUBJECT), words(database)) == ("heard", ["hello"])


def test_the_long_part_of_a_handler_runs_before_its_transaction(open_sqlite):
    ear, database = Inbox("grouping"), open_sqlite(METADATA, "grouping")

    def think(session, fact, now):
        return fact["word"].upper()

    @ear.on(TYPE, reads=Person, prepare=think)
    def note(session, fact, now, thought):
        session.execute(insert(effects).values(person=fact["person"], word=thought))

    assert ear.hear(database, a_fact()) == "heard"
    assert words(database) == ["HELLO"]


def test_a_fact_whose_worker_was_killed_is_thought_through_anew(open_database):
    ear, database = Inbox("grouping"), open_database(METADATA, "grouping")
    thoughts: list[str] = []

    def think(session, fact, now):
        thoughts.append(fact["word"])
        if len(thoughts) == 1:
            raise KeyboardInterrupt  # the worker is killed here
        return fact["word"] * 2

    @ear.on(TYPE, reads=Person, prepare=think)
    def note(session, fact, now, thought):
        session.execute(insert(effects).values(person=fact["person"], word=thought))

    fact = a_fact()
    with pytest.raises(KeyboardInterrupt):
        ear.hear(database, {**fact, "attempt": 2})

    assert ear.hear(database, {**fact, "attempt": 3}) == "heard"
    assert words(database) == ["hellohello"]


def test_what_the_broker_forgot_is_heard_together_and_not_counted_as_begun(hearer):
    ear, database = hearer
    facts = [{**a_fact(subject=uuid4(), attempt=3), "afresh": True} for _ in range(3)]

    assert ear.hear_all(database, facts) == ["heard"] * 3

    with database.reading() as session:
        assert list(session.scalars(select(inbox.c.starts))) == [0, 0, 0]


def test_acknowledgements_wake_a_resting_relay_and_not_for_each_of_them(hearer):
    ear, database = hearer
    woken = []
    database.after_commit = lambda: woken.append(acks(database))

    for version in (1, 2, 3):
        ear.hear(database, a_fact(version))
    assert woken == [1]

    ear._wake_at = 0.0
    ear.hear(database, a_fact(4))
    assert woken == [1, 4]
