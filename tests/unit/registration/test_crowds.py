"""People who ask for a seat at one moment through the page: one transaction, and to each their own answer."""

from __future__ import annotations

import os
import re
import signal
from multiprocessing import get_context
from types import SimpleNamespace
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError

from services.chassis.db import Database, delivery, once, outbox
from services.chassis.errors import Misshapen, Refused
from services.registration import cancellations, gatherings, newcomers, sign_ins, telling, waiting_list
from services.registration.app import create_app, service
from services.registration.models import Base, Deed, Participant, State
from services.registration.web import crowds
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import DESCRIPTION, LINKS, NOON


@pytest.fixture
def house(open_database):
    """A gathering's page on either database, and how people ask there: each returns the address they are led to."""
    database = open_database(Base.metadata, "registration")
    app = create_app(service, database, some_settings())
    crowd = app.extensions["crowd"]

    def open_gathering(**other):
        with database.transaction() as session:
            odile = sign_ins.welcome(session, "odile@example.org", now=NOON)
            made = gatherings.create(session, by=odile, links=LINKS, now=NOON, **{**DESCRIPTION, **other})
            return gatherings.open_door(session, made.id, by=odile.id, links=LINKS, now=NOON)

    def together(gathering, *people, version=None):
        """Carry out what these people ask in one transaction, as the crowd does for who waits."""
        asked = [
            crowds._Asked(
                _wish(name, **said), version or gathering.version, said.get("key") or uuid4().hex, name
            )
            for name, said in people
        ]
        with app.test_request_context():
            return crowd._carry_out(gathering.id, asked)

    return SimpleNamespace(
        database=database, app=app, crowd=crowd, open_gathering=open_gathering, together=together
    )


def _wish(name, *, territory="A", trade="direction", email="", key=""):
    del key
    address = email or f"{name.lower()}@example.org"
    return newcomers.Wish(
        name, "", address, territory, trade, "", "fr", answers={}, trace=f"00-{name:0>32}-{0:016}-01"
    )


def _count(house, what):
    with house.database.reading() as session:
        return session.scalar(select(func.count()).select_from(what))


def _people(house):
    with house.database.reading() as session:
        rows = session.execute(select(Participant.given, Participant.state, Participant.line)).all()
    return {given: (state, line) for given, state, line in rows}


def test_each_gets_the_answer_they_would_have_got_alone(house):
    gathering = house.open_gathering(seats=2)

    answers = house.together(gathering, *((name, {}) for name in ("Ada", "Bo", "Cy", "Dee")))

    assert [answer.status_code for answer in answers] == [303] * 4
    assert _people(house) == {
        "Ada": (State.pending_email, None),
        "Bo": (State.pending_email, None),
        "Cy": (State.waiting, 1),
        "Dee": (State.waiting, 2),
    }
    with house.database.reading() as session:
        ranks = session.scalars(
            select(outbox.c.body["rank"].as_integer())
            .where(outbox.c.type == "registration.participant_waitlisted.v1")
            .order_by(outbox.c.sequence)
        ).all()
    assert ranks == [1, 2]


def test_who_is_refused_leaves_nothing_and_the_others_are_whole(house):
    gathering = house.open_gathering()
    before = [_count(house, table) for table in (outbox, Deed, once)]

    answers = house.together(gathering, ("Ada", {}), ("Bo", {"trade": "no such trade"}), ("Cy", {}))

    assert [answer and answer.status_code for answer in answers] == [303, None, 303]
    assert set(_people(house)) == {"Ada", "Cy"}
    assert [_count(house, table) for table in (outbox, Deed, once)] == [count + 2 for count in before]


def test_a_transaction_that_breaks_leaves_nothing_and_everybody_asks_alone(house):
    gathering = house.open_gathering()
    before = [_count(house, table) for table in (outbox, delivery, Deed, once)]

    def break_it(_connection, _cursor, statement, *_):
        if "once" in statement and "insert" in statement.lower():
            raise IntegrityError(statement, {}, ValueError("broken on the way"))

    event.listen(house.database.engine, "before_cursor_execute", break_it)
    answers = house.together(gathering, ("Ada", {}), ("Bo", {}))
    event.remove(house.database.engine, "before_cursor_execute", break_it)

    assert answers == [None, None]
    assert _people(house) == {}
    assert [_count(house, table) for table in (outbox, delivery, Deed, once)] == before


def test_one_key_twice_at_once_holds_one_seat(house):
    gathering = house.open_gathering()

    answers = house.together(gathering, ("Ada", {"key": "k"}), ("Ada", {"key": "k"}))

    assert [answer is None for answer in answers] == [False, True]
    assert len(_people(house)) == 1


def test_a_key_that_was_answered_is_left_to_the_ordinary_way(house):
    gathering = house.open_gathering()
    house.together(gathering, ("Ada", {"key": "k"}))

    assert house.together(gathering, ("Ada", {"key": "k"})) == [None]


def test_who_read_an_older_gathering_asks_alone(house):
    gathering = house.open_gathering()

    assert house.together(gathering, ("Ada", {}), version=gathering.version - 1) == [None]
    assert _people(house) == {}


def test_the_same_person_twice_at_once_is_one_person_who_is_written_to_again(house):
    gathering = house.open_gathering()

    answers = house.together(gathering, ("Ada", {}), ("Ada", {}))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(_people(house)) == 1
    with house.database.reading() as session:
        told = session.scalars(
            select(outbox.c.type).where(outbox.c.subject != gathering.id).order_by(outbox.c.sequence)
        ).all()
    assert told[-2:] == ["registration.address_to_confirm.v1", "registration.link_asked.v1"]


def test_each_fact_bears_the_trace_of_its_own_request(house):
    gathering = house.open_gathering()

    house.together(gathering, ("Ada", {}), ("Bo", {}))

    with house.database.reading() as session:
        traces = session.scalars(
            select(outbox.c.trace)
            .where(outbox.c.type == "registration.address_to_confirm.v1")
            .order_by(outbox.c.sequence)
        ).all()
    assert traces == [_wish("Ada").trace, _wish("Bo").trace]


def test_a_gathering_that_changes_is_seen_by_the_next_who_asks(house):
    gathering = house.open_gathering()
    browser = house.app.test_client()
    page = f"/r/{gathering.slug}/inscription"
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(f"/r/{gathering.slug}").text)[1]
    said = {
        "csrf_token": token, "given": "Ada", "email": "ada@example.org", "territory": "A", "trade": "direction",
    }  # fmt: skip
    assert browser.post(page, data=said).status_code == 303
    with house.database.transaction() as session:
        gatherings.change(
            session, gathering.id, version=gathering.version, by=uuid4(), links=LINKS, now=NOON, trades=["art"]
        )

    refused = browser.post(page, data={**said, "given": "Bo"})
    taken = browser.post(page, data={**said, "given": "Bo", "trade": "art"})

    assert (refused.status_code, taken.status_code) == (422, 303)


def _ask_and_die(url, gathering_id, version):
    """In a process of its own: carry out two wishes and be killed before their commit."""
    database = Database(url, "registration")
    crowd = create_app(service, database, some_settings()).extensions["crowd"]
    event.listen(database.engine, "commit", lambda _: os.kill(os.getpid(), signal.SIGKILL))
    with create_app(service, database, some_settings()).test_request_context():
        crowd._carry_out(
            gathering_id, [crowds._Asked(_wish(name), version, name, name) for name in ("Cy", "Dee")]
        )


def test_killed_before_its_commit_a_crowd_loses_only_who_was_not_answered(house):
    gathering = house.open_gathering()
    house.together(gathering, ("Ada", {}), ("Bo", {}))
    url = house.database.url.render_as_string(hide_password=False)
    dying = get_context("spawn").Process(target=_ask_and_die, args=(url, gathering.id, gathering.version))

    dying.start()
    dying.join(60)

    assert dying.exitcode == -signal.SIGKILL
    assert set(_people(house)) == {"Ada", "Bo"}
    assert [answer.status_code for answer in house.together(gathering, ("Cy", {}), ("Dee", {}))] == [303, 303]


STEP = st.tuples(st.sampled_from(["Ada", "Bo", "Cy", "Dee", "Eli"]), st.sampled_from("ABX"))


@given(
    rounds=st.lists(st.lists(STEP, min_size=1, max_size=6), min_size=1, max_size=4),
    seats=st.integers(0, 4),
    quota=st.none() | st.integers(0, 2),
    leaves=st.integers(0, 4),
)
@settings(max_examples=25, deadline=None)
def test_a_crowd_leaves_the_same_behind_as_one_after_the_other(sqlite_houses, rounds, seats, quota, leaves):
    crowd, queue = (
        _play(sqlite_houses, rounds, seats, quota, leaves, at_once=at_once) for at_once in (True, False)
    )

    assert crowd == queue


@pytest.fixture(scope="module")
def sqlite_houses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowds")
    database = Database(f"sqlite:///{folder}/registration.db", "registration")
    Base.metadata.create_all(database.engine)
    yield database
    database.dispose()


def _play(database, rounds, seats, quota, leaves, *, at_once):
    """What people are told and what became of them, in a gathering of their own."""
    territories = [{"name": "Armorique", "quota": quota}, {"name": "Beauce", "quota": None}]
    with database.transaction() as session:
        odile = sign_ins.welcome(session, "odile@example.org", now=NOON)
        wanted = {**DESCRIPTION, "seats": seats, "territories": territories}
        gathering = gatherings.create(session, by=odile, links=LINKS, now=NOON, **wanted)
        gatherings.open_door(session, gathering.id, by=odile.id, links=LINKS, now=NOON)
    told = []
    for number, people in enumerate(rounds):
        wishes = [_wish(name, territory=territory) for name, territory in people]
        for together in [wishes] if at_once else [[wish] for wish in wishes]:
            with database.transaction() as session:
                pen = telling.Pen(session, LINKS, NOON)
                answers = newcomers.ask_all(pen, waiting_list.lock(session, gathering.id), together)
                pen.write()
                told += [_plainly(answer) for answer in answers]
        if number == leaves:
            with database.transaction() as session:
                first = session.scalar(
                    select(Participant.id)
                    .where(Participant.gathering_id == gathering.id, Participant.state == State.pending_email)
                    .order_by(Participant.name_key)
                    .limit(1)
                )
                if first is not None:
                    cancellations.cancel(session, first, links=LINKS, now=NOON)
    with database.reading() as session:
        people = session.execute(
            select(Participant.given, Participant.state, Participant.line, Participant.territory)
            .where(Participant.gathering_id == gathering.id)
            .order_by(Participant.given)
        ).all()
        facts = session.execute(
            select(outbox.c.type, outbox.c.body["given"].as_string())
            .join(Participant, Participant.id == outbox.c.subject)
            .where(Participant.gathering_id == gathering.id)
            .order_by(outbox.c.sequence)
        ).all()
        numbers = session.execute(
            select(Participant.given, delivery.c.hearer, delivery.c.version)
            .join(outbox, outbox.c.event_id == delivery.c.event_id)
            .join(Participant, Participant.id == outbox.c.subject)
            .where(Participant.gathering_id == gathering.id)
            .order_by(Participant.given, delivery.c.hearer, delivery.c.version)
        ).all()
    return told, list(map(tuple, people)), list(map(tuple, facts)), list(map(tuple, numbers))


def _plainly(answer):
    if isinstance(answer, Refused):
        return answer.code, answer.errors if isinstance(answer, Misshapen) else None
    return answer.outcome, answer.rank, answer.reason
