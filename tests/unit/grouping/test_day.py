"""From the first registration to the re-balance, on a real database, with a post that rings twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from services.chassis.db import Database
from services.grouping import boards, members, plans, rebalances, rounds
from services.grouping.models import Base, Round
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, Day, person


@pytest.fixture
def day(open_database: Callable[..., Database]) -> Day:
    described = Day(open_database(Base.metadata, "grouping"))
    described.describe()
    return described


def form(day: Day, kind: str) -> UUID:
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind=kind, name=f"Temps {kind}", by=ORGANISER, now=NOON)
    day.settle()
    return round_.id


def publish(day: Day, round_id: UUID) -> None:
    with day.database.transaction() as session:
        plans.publish(session, session.get_one(Round, round_id), now=NOON)


def board(day: Day, round_id: UUID) -> boards.Board:
    with day.database.reading() as session:
        return boards.board(session, session.get_one(Round, round_id))


def placed(day: Day, round_id: UUID) -> list[dict[str, Any]]:
    """Who was told of a place; that somebody has another role than before is no place."""
    told = [one for one in day.told("grouping.person_placed.v1") if one["round_id"] == str(round_id)]
    return [one for one in told if one["moved"] or one["before_number"] is None]


def test_the_day_from_registrations_to_the_rebalance(day: Day) -> None:
    day.crowd(132, topics=12, stories=8)

    angles = form(day, "angles")
    publish(day, angles)
    circles = board(day, angles).tables
    assert [t.mix.size for t in circles] == [27, 27, 26, 26, 26] or sorted(t.mix.size for t in circles) == [
        26
    ] * 3 + [27] * 2
    assert {t.mix.territories for t in circles} == {8}
    assert max(sum(s.role == "teller" for s in t.members) for t in circles) == 2
    assert len(placed(day, angles)) == 132

    topics = form(day, "topics")
    draft = board(day, topics)
    assert draft.plan is not None and draft.plan.state == "draft"
    assert placed(day, topics) == []
    assert Counter(t.mix.size for t in draft.tables) == {11: 12}
    assert all(t.carrier_id in {s.participant_id for s in t.members} for t in draft.tables)
    assert draft.fairness.first + draft.fairness.second + draft.fairness.third > 60
    publish(day, topics)
    assert len(placed(day, topics)) == 132
    before = {s.participant_id: t.number for t in draft.tables for s in t.members}

    day.note("absent", *range(20, 33))
    for number in (200, 201, 202):
        day.register(number, walk_in=True)
        day.note("checked_in", number)
    welcomed = placed(day, topics)[132:]
    walk_ins = {person(number) for number in (200, 201, 202)}
    assert {UUID(t["participant_id"]) for t in welcomed} == walk_ins
    assert not any(t["moved"] for t in welcomed)
    with day.database.transaction() as session:
        rounds.ask_rebalance(session, session.get_one(Round, topics), policy="sizes", by=ORGANISER, now=NOON)
    day.settle()
    proposal = board(day, topics)
    moved = [m for m in proposal.moves if m.before is not None]
    assert len(moved) == len(proposal.moves)
    assert not {m.participant_id for m in moved} & {person(n) for n in range(12)}
    assert proposal.plan is not None and proposal.plan.state == "published"

    with day.database.transaction() as session:
        rebalances.apply(session, session.get_one(Round, topics), now=NOON)
    after = board(day, topics)
    told = placed(day, topics)[135:]
    assert {UUID(t["participant_id"]) for t in told} == {m.participant_id for m in proposal.moves}
    assert all(t["moved"] for t in told)
    assert {UUID(t["participant_id"]): t["reasons"][0] for t in told} == {
        m.participant_id: m.reason for m in proposal.moves
    }
    assert {t.mix.size for t in after.tables} <= {10, 11}
    assert sum(t.mix.size for t in after.tables) == 132 - 13 + 3
    now = {s.participant_id: t.number for t in after.tables for s in t.members}
    before |= {UUID(t["participant_id"]): t["group_number"] for t in welcomed}
    assert {p for p in now if now[p] != before[p]} == {m.participant_id for m in moved}
    published = [t for t in day.told("grouping.plan_published.v1") if t["round_id"] == str(topics)]
    assert [(t["version"], t["people"]) for t in published] == [
        *((1, 132 + came) for came in range(4)),
        (2, 122),
    ]


def test_nobody_is_lost_whatever_order_facts_come_in(day: Day) -> None:
    day.note("cancelled", 1)
    day.register(1)
    day.hear(
        "registration.participant_changed.v1",
        person(2),
        participant_id=str(person(2)),
        gathering_id=str(GATHERING),
    )
    day.register(2, territory="A")
    day.note("checked_in", 2)
    day.note("cancelled", 1)
    day.register(1, fact="restored", territory="B")

    with day.database.reading() as session:
        known = [(m.participant_id, m.state, m.territory) for m in members.known(session, GATHERING)]
    assert known == [(person(1), "registered", "B"), (person(2), "present", "A")]
