"""Many people at one moment, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from services.registration import cancellations, gatherings, registrations, sign_ins, waiting_list
from services.registration.models import HOLDING, Base, Participant, State
from tests.unit.registration.conftest import DESCRIPTION, LINKS, NOON

AT_ONCE = 24


@pytest.fixture
def crowded(open_database):
    return open_database(Base.metadata, "registration")


@pytest.fixture
def a_rush(crowded):
    """`people` ask at once for the seats of a new gathering; returns its id and their answers."""

    def rush(people, **other):
        with crowded.transaction() as session:
            odile = sign_ins.welcome(session, "odile@example.org", now=NOON)
            gathering = gatherings.create(session, by=odile, links=LINKS, now=NOON, **{**DESCRIPTION, **other})
            gatherings.open_door(session, gathering.id, by=odile.id, links=LINKS, now=NOON)

        def ask(number):
            with crowded.transaction() as session:
                # As at the door: the gathering is read before it is one's turn.
                gatherings.by_slug(session, gathering.slug)
                return registrations.ask(
                    session, gathering.id, given=f"Guest {number}", family="", email=f"guest{number}@example.org",
                    territory="AB"[number % 2], trade="direction", structure="", language="fr", links=LINKS, now=NOON,
                )  # fmt: skip

        with ThreadPoolExecutor(AT_ONCE) as crowd:
            return gathering.id, list(crowd.map(ask, range(people)))

    return rush


@pytest.mark.parametrize("seats", [1, 50])
def test_the_last_seats_with_200_at_once(a_rush, crowded, seats):
    gathering_id, answers = a_rush(200, seats=seats)

    assert len([answer for answer in answers if answer.outcome == "held"]) == seats
    ranks = list(range(1, 201 - seats))
    assert sorted(answer.rank for answer in answers if answer.rank) == ranks
    with crowded.reading() as session:
        waiting = (Participant.gathering_id == gathering_id, Participant.state == State.waiting)
        assert sorted(session.scalars(select(Participant.line).where(*waiting))) == ranks


def test_quotas_hold_in_a_rush(a_rush, crowded):
    quotas = [{"name": "Armorique", "quota": 3}, {"name": "Beauce", "quota": 20}]
    gathering_id, _ = a_rush(60, seats=10, territories=quotas)

    with crowded.reading() as session:
        held = session.execute(
            select(Participant.territory, func.count())
            .where(Participant.gathering_id == gathering_id, Participant.state.in_(HOLDING))
            .group_by(Participant.territory)
        ).all()
    assert dict(tuple(row) for row in held) == {"A": 3, "B": 7}


def test_seats_given_back_at_once_are_each_offered_once(a_rush, crowded):
    gathering_id, answers = a_rush(40, seats=20)
    holders = [answer.participant_id for answer in answers if answer.outcome == "held"]

    def leave(participant_id):
        with crowded.transaction() as session:
            cancellations.cancel(session, participant_id, links=LINKS, now=NOON)

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        list(crowd.map(leave, holders))

    with crowded.reading() as session:
        gathering = gatherings.by_id(session, gathering_id)
        states = session.execute(select(Participant.state, func.count()).group_by(Participant.state)).all()
        line = waiting_list.count(session, gathering)
    assert dict(tuple(row) for row in states) == {State.cancelled: 20, State.offered: 20}
    assert (line.room.taken, line.waiting) == (20, 0)
