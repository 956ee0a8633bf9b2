"""Private rules cannot be read off what people are told.

Whoever holds everything that is said about a plan holds the same words whatever the private rules are that it keeps:
so no rule can be inferred from them beyond what the seats themselves show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.db import outbox
from services.grouping import boards, gatherings, links, plans, questions, rebalances, rounds, wording
from services.grouping.app import service
from services.grouping.models import Round
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, SETTINGS, Browser, Day, person

PEOPLE = 24


class _Undo(Exception):
    pass


@pytest.fixture
def proposed(day: Day) -> UUID:
    """Two rounds of 24 people; the second one is published, four of them did not come, and a re-balance is proposed."""
    day.crowd(PEOPLE, topics=3, stories=2)
    for kind in ("angles", "topics"):
        with day.database.transaction() as session:
            round_ = rounds.open_round(session, GATHERING, kind=kind, name="", by=ORGANISER, now=NOON)
        day.settle()
        with day.database.transaction() as session:
            plans.publish(session, session.get_one(Round, round_.id), now=NOON)
    day.note("absent", 5, 9, 10, 17)
    with day.database.transaction() as session:
        here = session.get_one(Round, round_.id)
        rounds.ask_rebalance(session, here, policy="balance", by=ORGANISER, now=NOON)
    day.settle()
    return round_.id


@pytest.fixture
def app(day: Day) -> Flask:
    return service.create_app(service, day.database, SETTINGS)


def tie_as_seated(session: Session, round_id: UUID, drawn: list[tuple[int, int]], locked: list[int]) -> None:
    """Rules that every plan of the round keeps: together for those who always share a table, else apart."""
    proposal = rounds.on_the_table(session, round_id, "proposal")
    published = rounds.in_force(session, round_id)
    seats = [questions.seats_of(session, plan) for plan in (proposal, published) if plan is not None]
    for one, other in drawn:
        shared = {table[person(one)] == table[person(other)] for table in seats if person(other) in table}
        if len(shared) == 1:
            kind = "together" if shared.pop() else "apart"
            links.tie(
                session, GATHERING, kind=kind, one=person(one), other=person(other), by=ORGANISER, now=NOON
            )
    for number in locked:
        plans.lock(session, session.get_one(Round, round_id), person(number))


def everything_told(app: Flask, session: Session, round_id: UUID) -> dict[str, Any]:
    """All explanations of the round to everybody, in codes and in words, the fairness summary, and the facts told when
    the proposal is applied.
    """
    round_ = session.get_one(Round, round_id)
    shown = boards.board(session, round_)
    names = gatherings.territories(session, GATHERING)
    told: dict[str, Any] = {"fairness": asdict(shown.fairness), "mixes": [asdict(t.mix) for t in shown.tables]}
    with app.test_request_context("/?lang=fr"):
        told["moves"] = [(m, wording.why_move(m.reason, m.after, names)) for m in shown.moves]
        told["places"] = [
            (place.reasons, [wording.why(code) for code in place.reasons], place.role, place.group.number)
            for number in range(PEOPLE)
            for place in boards.places(session, GATHERING, person(number))
        ]
    before = len(session.scalars(select(outbox.c.sequence)).all())
    rebalances.apply(session, round_, now=NOON)
    session.flush()
    rows = session.execute(select(outbox.c.type, outbox.c.body).order_by(outbox.c.sequence)).all()[before:]
    told["facts"] = [(row.type, row.body) for row in rows]
    told["after"] = [
        place.reasons for n in range(PEOPLE) for place in boards.places(session, GATHERING, person(n))
    ]
    return told


def under(day: Day, look: Callable[[Session], Any]) -> Any:
    """What a look sees in a transaction that is undone."""
    seen = None
    try:
        with day.database.transaction() as session:
            seen = look(session)
            raise _Undo
    except _Undo:
        return seen


pairs = st.lists(
    st.sampled_from(list(combinations([n for n in range(PEOPLE) if n not in (5, 9, 10, 17)], 2))),
    unique=True,
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=pairs, locked=st.lists(st.integers(18, PEOPLE - 1), unique=True, max_size=4))
def test_whatever_private_rules_a_plan_keeps_the_same_is_told(
    day: Day, proposed: UUID, app: Flask, drawn: list[tuple[int, int]], locked: list[int]
) -> None:
    def with_rules(session: Session) -> dict[str, Any]:
        tie_as_seated(session, proposed, drawn, locked)
        session.flush()
        return everything_told(app, session, proposed)

    plain = under(day, lambda session: everything_told(app, session, proposed))

    assert under(day, with_rules) == plain
    assert plain["facts"]


def test_the_page_of_ones_place_is_the_same_under_any_rules(
    day: Day, proposed: UUID, browse: Callable[..., Browser]
) -> None:
    me = browse(person(20), kind="participant")
    before = me.get("/g/chemins-croises/ma-place").get_data(as_text=True)

    with day.database.transaction() as session:
        tie_as_seated(session, proposed, [(20, n) for n in (0, 1, 2, 3, 4, 21, 22)], [20, 21])

    assert me.get("/g/chemins-croises/ma-place").get_data(as_text=True) == before
