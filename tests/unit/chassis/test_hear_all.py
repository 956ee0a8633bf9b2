"""Facts that come together: whatever their mix and however they are cut into messages, as if heard one by one."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, func, insert, select

from services.chassis.db import Database, ack_out, inbox, parked, seen
from services.chassis.inbox import Inbox
from tests.unit.chassis.test_inbox import METADATA, TYPE, Person, a_fact, acks, effects, words

LONG_TYPE = "registration.story_accepted.v1"
UNKNOWN_TYPE = "registration.nobody_knows.v9"
SUBJECTS = [UUID(int=number) for number in (1, 2, 3)]
WORDS = ("good", "good", "good", "boom", "misshapen", "unknown", "long", "unpreparable")


def an_ear() -> Inbox:
    ear = Inbox("grouping")

    @ear.on(TYPE, reads=Person)
    def note(session, fact, now):
        session.execute(insert(effects).values(person=fact["person"], word=fact["word"]))
        if fact["word"].startswith("boom"):
            raise RuntimeError("cannot")

    def think(session, fact, now):
        if fact["word"].startswith("unpreparable"):
            raise RuntimeError("cannot think")
        return session.scalar(
            select(func.count()).select_from(effects).where(effects.c.person == fact["person"])
        )

    @ear.on(LONG_TYPE, reads=Person, prepare=think)
    def note_thought(session, fact, now, before):
        session.execute(insert(effects).values(person=fact["person"], word=f"{fact['word']} after {before}"))

    return ear


@dataclass(frozen=True)
class Sent:
    subject: int
    version: int
    attempt: int


def a_told(sent: Sent, word: str) -> dict[str, Any]:
    subject = SUBJECTS[sent.subject]
    event_id = UUID(int=1000 * (sent.subject + 1) + sent.version)
    fact = a_fact(
        sent.version, word=f"{word} {sent.version}", subject=subject, event_id=event_id, attempt=sent.attempt
    )
    if word == "misshapen":
        fact["data"] = {"person": "nobody"}
    types = {"unknown": UNKNOWN_TYPE, "long": LONG_TYPE, "unpreparable": LONG_TYPE}
    return {**fact, "type": types.get(word, TYPE)}


def held(database: Database) -> dict[str, Any]:
    """What stays: effects of each person in order, fates of facts, versions, the parked, the acknowledged."""
    with database.reading() as session:
        told = session.execute(select(effects.c.person, effects.c.word).order_by(effects.c.id)).all()
        return {
            "effects": {person: [row.word for row in told if row.person == person] for person in SUBJECTS},
            "fates": {
                row.event_id: (row.status, row.attempts)
                for row in session.execute(select(inbox.c.event_id, inbox.c.status, inbox.c.attempts))
            },
            "versions": {row.subject: row.version for row in session.execute(select(seen)) if row.version},
            "parked": sorted(session.scalars(select(parked.c.event_id))),
            "acknowledged": set(session.scalars(select(ack_out.c.event_id))),
        }


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch):
    """However slow the machine is, one transaction has time for a whole message."""
    monkeypatch.setattr("services.chassis.inbox.TOGETHER_S", 60)


@pytest.fixture
def two(open_database):
    return open_database(METADATA, "grouping"), open_database(METADATA, "twin")


SENDINGS = st.lists(
    st.builds(Sent, st.integers(0, 2), st.integers(1, 4), st.sampled_from((1, 1, 1, 2))), max_size=14
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    sendings=SENDINGS,
    fates=st.lists(st.sampled_from(WORDS), min_size=12, max_size=12),
    cuts=st.lists(st.integers(1, 6), min_size=14, max_size=14),
)
def test_any_facts_in_any_messages_end_as_one_by_one(two, sendings, fates, cuts):
    together, alone = two
    for database in two:
        with database.transaction() as session:
            for table in (effects, inbox, parked, seen, ack_out):
                session.execute(delete(table))
    facts = [a_told(sent, fates[4 * sent.subject + sent.version - 1]) for sent in sendings]
    ear = an_ear()

    for fact in facts:
        ear.hear(alone, fact)
    rest = list(facts)
    for cut in cuts:
        batch, rest = rest[:cut], rest[cut:]
        assert len(ear.hear_all(together, batch)) == len(batch)
    # What waits for an elder in the same message may need its teller once more; one more sending settles both.
    for database in two:
        for fact in sorted(facts, key=lambda fact: fact["aggversion"]):
            ear.hear(database, {**fact, "attempt": 1})

    found, wanted = held(together), held(alone)
    for one in (found, wanted):
        one["fates"] = {fact: status for fact, (status, _) in one["fates"].items()}
    assert found == wanted


def commits(database: Database) -> list[str]:
    counted: list[str] = []
    event.listen(database.engine, "commit", lambda _: counted.append("commit"))
    return counted


def test_good_facts_of_one_message_share_a_commit(open_database):
    database, ear = open_database(METADATA, "grouping"), an_ear()
    counted = commits(database)

    outcomes = ear.hear_all(database, [a_fact(word=str(n), subject=uuid4()) for n in range(10)])

    assert (outcomes, len(counted)) == (["heard"] * 10, 1)
    assert (words(database), acks(database)) == ([str(n) for n in range(10)], 10)


def test_a_transaction_that_has_lasted_long_enough_is_followed_by_another(open_database, monkeypatch):
    monkeypatch.setattr("services.chassis.inbox.TOGETHER_S", 0)
    database, ear = open_database(METADATA, "grouping"), an_ear()
    counted = commits(database)

    outcomes = ear.hear_all(database, [a_fact(word=str(n), subject=uuid4()) for n in range(3)])

    assert (outcomes, len(counted)) == (["heard"] * 3, 3)
    assert (words(database), acks(database)) == (["0", "1", "2"], 3)


def test_a_poisoned_fact_neither_blocks_nor_undoes_its_neighbours(open_database):
    database, ear = open_database(METADATA, "grouping"), an_ear()
    facts = [a_fact(word=word, subject=uuid4()) for word in ("Ada", "boom", "Cy")]

    assert ear.hear_all(database, facts) == ["heard", "failed", "heard"]
    assert (words(database), acks(database)) == (["Ada", "Cy"], 2)


def test_what_is_no_envelope_is_left_alone_and_its_neighbours_are_heard(open_database):
    database, ear = open_database(METADATA, "grouping"), an_ear()
    broken = {"type": TYPE, "id": "nobody"}

    outcomes = ear.hear_all(database, [a_fact(subject=uuid4()), broken, a_fact(subject=uuid4())])

    assert outcomes == ["heard", "unknown", "heard"]


def test_a_fact_that_comes_again_is_heard_alone(open_database):
    database, ear = open_database(METADATA, "grouping"), an_ear()
    first, again, last = (a_fact(subject=uuid4(), attempt=attempt) for attempt in (1, 2, 1))

    ear.hear_all(database, [first, again, last])

    with database.reading() as session:
        starts = dict(session.execute(select(inbox.c.event_id, inbox.c.attempts)).all())
    assert set(starts) == {UUID(fact["id"]) for fact in (first, again, last)}


def test_what_there_is_no_time_for_is_left_to_its_teller(open_database):
    database, ear = open_database(METADATA, "grouping"), an_ear()
    facts = [{**a_fact(subject=uuid4()), "type": LONG_TYPE} for _ in range(3)]

    outcomes = ear.hear_all(database, facts, patience_s=0)

    assert outcomes == ["heard", "left", "left"]
    assert acks(database) == 1


def test_a_worker_killed_before_the_commit_leaves_nothing_of_a_message(open_database):
    database, ear = open_database(METADATA, "grouping"), Inbox("grouping")
    facts = [a_fact(word=str(n), subject=uuid4()) for n in range(5)]
    me = os.getpid()

    @ear.on(TYPE, reads=Person)
    def note(session, fact, now):
        session.execute(insert(effects).values(person=fact["person"], word=fact["word"]))
        if fact["word"] == "3" and os.getpid() != me:
            os.kill(os.getpid(), signal.SIGKILL)

    # A connection must not cross the fork.
    database.dispose()
    child = os.fork()
    if child == 0:
        ear.hear_all(database, facts)
        os._exit(0)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == signal.SIGKILL
    assert (words(database), acks(database)) == ([], 0)
    assert ear.hear_all(database, [{**fact, "attempt": 2} for fact in facts]) == ["heard"] * 5
    assert (words(database), acks(database)) == (["0", "1", "2", "3", "4"], 5)
