"""What the house forgets: tables stay as large as there are things to speak of, and nothing is forgotten too early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from marshmallow import fields
from sqlalchemy import func, select, update

from services.chassis.db import Database, delivery, inbox, outbox, own_tables, parked, seen, told
from services.chassis.inbox import TRIES, Heard, Inbox
from services.chassis.outbox import Event, publish
from services.chassis.prune import AT_ONCE, KEEP_DEAD, KEEP_FACTS, prune
from tests.unit.chassis.test_inbox import TYPE, a_fact

NOW = datetime.now(UTC)
LATER = NOW + KEEP_FACTS + timedelta(days=1)
SUBJECTS = [uuid4() for _ in range(5)]


class Ranked(Event):
    type = "registration.wishes_ranked.v1"
    subject = "person"
    secrets = ("link",)

    person = fields.UUID(required=True)
    link = fields.String(required=True)
    number = fields.Integer(required=True)


class Linked(Ranked):
    type = "registration.sign_in_asked.v1"
    transient = True


EVENTS = (Ranked, Linked)


@pytest.fixture
def teller(open_database) -> Database:
    return open_database(own_tables(), "registration")


def tell(database: Database, event: type[Event], rounds: int = 1) -> None:
    with database.transaction() as session:
        for number in range(rounds):
            for person in SUBJECTS:
                publish(session, event, {"person": person, "link": "secret", "number": number}, now=NOW)


def acknowledge(database: Database, *numbers: int) -> None:
    """Everything, or what has these numbers in its order of telling."""
    with database.transaction() as session:
        all_or_some = delivery.c.sequence.in_(numbers) if numbers else delivery.c.sequence > 0
        session.execute(update(delivery).where(all_or_some).values(acked_at=NOW))


def keep_house(database: Database, now: datetime = LATER) -> None:
    with database.transaction() as session:
        prune(session, now, EVENTS)


def bodies(database: Database) -> list[tuple[UUID, int, str]]:
    with database.reading() as session:
        rows = session.execute(select(outbox.c.subject, outbox.c.body).order_by(outbox.c.sequence)).all()
    return [(row.subject, row.body["number"], row.body["link"]) for row in rows]


def size(database: Database, table) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_of_many_facts_about_a_few_the_newest_of_each_stays_without_its_secrets(teller):
    tell(teller, Ranked, rounds=40)
    acknowledge(teller)

    keep_house(teller)

    assert bodies(teller) == [(person, 39, "") for person in SUBJECTS]
    assert (size(teller, delivery), size(teller, told)) == (5, 5)


def test_what_asks_for_one_deed_is_gone(teller):
    tell(teller, Linked)
    acknowledge(teller)

    keep_house(teller)

    assert bodies(teller) == []


def test_what_is_not_acknowledged_stays_whole_and_so_does_what_it_would_replace(teller):
    tell(teller, Ranked, rounds=2)
    tell(teller, Linked)
    acknowledge(teller, *range(1, 6))

    keep_house(teller)

    assert [number for _, number, _ in bodies(teller)] == [0] * 5 + [1] * 5 + [0] * 5
    assert [link for _, _, link in bodies(teller)] == [""] * 5 + ["secret"] * 10


def test_young_facts_stay(teller):
    tell(teller, Ranked, rounds=2)
    acknowledge(teller)

    keep_house(teller, NOW + timedelta(days=1))

    assert len(bodies(teller)) == 10


def test_a_backlog_is_forgotten_a_thousand_at_a_time(teller):
    tell(teller, Linked, rounds=AT_ONCE // 5 + 2)
    acknowledge(teller)

    keep_house(teller)

    assert size(teller, outbox) == 10


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

    return ear, open_database(own_tables(), "grouping")


def test_what_was_heard_is_forgotten_and_still_not_heard_twice(hearer):
    ear, database = hearer
    facts = [a_fact(version, subject=person) for person in SUBJECTS for version in (1, 2, 3)]
    for fact in facts:
        ear.hear(database, fact)

    keep_house(database)

    assert (size(database, inbox), size(database, seen)) == (0, 5)
    assert {ear.hear(database, fact) for fact in reversed(facts)} == {"again"}


def test_a_dead_fact_nobody_decided_about_ends_without_what_it_says_and_lets_the_next_go_on(hearer):
    ear, database = hearer
    event_id, person = uuid4(), SUBJECTS[0]
    for _ in range(TRIES):
        ear.hear(database, a_fact(1, word="boom", event_id=event_id, subject=person))
    younger = a_fact(2, subject=person)
    ear.hear(database, younger)

    keep_house(database, NOW + KEEP_DEAD - timedelta(days=1))
    assert size(database, parked) == 1
    keep_house(database, NOW + KEEP_DEAD + timedelta(days=1))

    with database.reading() as session:
        left = session.execute(select(inbox.c.status, inbox.c.envelope, inbox.c.error)).one()
    assert tuple(left) == ("discarded", None, None)
    assert ear.hear(database, {**younger, "attempt": 2}) == "heard"
    assert size(database, parked) == 0


def test_a_discarded_fact_is_known_for_good(hearer):
    ear, database = hearer
    fact = a_fact(1, word="boom")
    for _ in range(TRIES):
        ear.hear(database, fact)
    ear.discard(database, UUID(fact["id"]), now=NOW)

    keep_house(database, NOW + timedelta(days=1000))

    assert (ear.hear(database, fact), size(database, inbox)) == ("again", 1)
