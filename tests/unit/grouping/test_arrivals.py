"""Who arrives without a seat: where they are put, and that nobody else is disturbed."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from services.grouping import links, plans, rebalances, rounds
from services.grouping.models import Round
from services.grouping.tasks import recall_arrival
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, Day, person
from tests.unit.grouping.test_plans import act, placed, seats

NEW = 200


def arrives(day: Day, number: int = NEW, **other: str) -> None:
    day.register(number, walk_in=True, **other)
    day.note("checked_in", number)


def test_a_walk_in_sits_where_the_fewest_are_and_alone_is_told(day: Day, tables: UUID) -> None:
    before = seats(day, tables)
    smallest = before[person(20)]
    leave = [p for p in before if before[p] == smallest and p != person(smallest - 1)][:2]
    for one in leave:
        day.note("absent", next(n for n in range(40) if person(n) == one))

    arrives(day)

    assert placed(day, 40) == [(person(NEW), smallest, False, None)]
    assert {p: n for p, n in seats(day, tables).items() if p != person(NEW)} == before


def test_walk_ins_spread_over_the_groups(day: Day, tables: UUID) -> None:
    for number in range(NEW, NEW + 8):
        arrives(day, number)

    assert Counter(Counter(seats(day, tables).values()).values()) == {12: 4}


def test_among_groups_as_small_a_walk_in_sits_without_a_colleague(day: Day, tables: UUID) -> None:
    before = seats(day, tables)
    home = before[person(30)]
    for one in range(40):
        day.register(one, fact="changed", structure="Maison" if before[person(one)] != home else f"Autre {one}")

    arrives(day, structure="Maison")

    assert seats(day, tables)[person(NEW)] == home


def test_among_groups_as_good_the_dearest_wish_is_taken(day: Day, tables: UUID) -> None:
    for one in range(40):
        day.register(one, fact="changed", territory="", trade="", structure="")
    day.register(NEW, walk_in=True)
    day.wish(NEW, 3, 2)
    day.note("checked_in", NEW)

    assert seats(day, tables)[person(NEW)] == 3


@pytest.mark.parametrize("kind", ["together", "apart"])
def test_private_rules_hold_for_who_comes_late_and_nobody_is_told_of_them(
    day: Day, tables: UUID, kind: str
) -> None:
    day.register(NEW, walk_in=True)
    here = seats(day, tables)
    theirs = {n: next(p for p in here if here[p] == n) for n in (1, 2, 3, 4)}
    meant = (2,) if kind == "together" else (1, 3, 4)
    with day.database.transaction() as session:
        for number in meant:
            links.tie(
                session, GATHERING, kind=kind, one=person(NEW), other=theirs[number], by=ORGANISER, now=NOON
            )

    day.note("checked_in", NEW)

    assert seats(day, tables)[person(NEW)] == 2
    told = day.told("grouping.person_placed.v1")[-1]
    assert not any("together" in why or "apart" in why for why in told["reasons"])


def test_who_must_not_meet_somebody_in_each_group_waits_for_the_organiser(day: Day, tables: UUID) -> None:
    day.register(NEW, walk_in=True)
    here = seats(day, tables)
    with day.database.transaction() as session:
        for number in (1, 2, 3, 4):
            other = next(p for p in here if here[p] == number)
            links.tie(session, GATHERING, kind="apart", one=person(NEW), other=other, by=ORGANISER, now=NOON)

    day.note("checked_in", NEW)

    assert placed(day, 40) == []


def test_who_has_a_seat_keeps_it_and_nobody_is_told(day: Day, tables: UUID) -> None:
    before = seats(day, tables)

    day.note("checked_in", 20)
    day.note("absent", 21)
    day.note("checked_in", 21)

    assert seats(day, tables) == before
    assert placed(day, 40) == []


def test_before_anything_is_published_nobody_is_seated(day: Day) -> None:
    day.crowd(40, topics=4)

    arrives(day)

    assert day.told("grouping.person_placed.v1") == []


def test_a_draft_made_before_somebody_came_keeps_their_seat_once_published(day: Day, tables: UUID) -> None:
    to = 1 + seats(day, tables)[person(20)] % 4
    act(day, tables, plans.move, person(20), to, now=NOON)
    arrives(day)
    (mine,) = (number for who, number, *_ in placed(day, 40) if who == person(NEW))

    act(day, tables, plans.publish, now=NOON)

    assert seats(day, tables)[person(NEW)] == mine
    assert [who for who, *_ in placed(day, 41)] == [person(20)]


def test_a_proposal_worked_out_before_somebody_came_keeps_their_seat(day: Day, tables: UUID) -> None:
    day.note("absent", *range(20, 26))
    with day.database.transaction() as session:
        rounds.ask_rebalance(session, session.get_one(Round, tables), policy="sizes", by=ORGANISER, now=NOON)
    day.settle()
    arrives(day)

    with day.database.transaction() as session:
        rebalances.apply(session, session.get_one(Round, tables), now=NOON)

    assert person(NEW) in seats(day, tables)


def test_going_back_to_the_plan_before_keeps_who_came_meanwhile(day: Day, tables: UUID) -> None:
    to = 1 + seats(day, tables)[person(20)] % 4
    act(day, tables, plans.move, person(20), to, now=NOON)
    act(day, tables, plans.publish, now=NOON)
    arrives(day)
    here = seats(day, tables)

    act(day, tables, plans.go_back, now=NOON)

    assert seats(day, tables)[person(NEW)] == here[person(NEW)]


def test_an_arrival_that_is_told_again_for_a_rebuild_seats_nobody(day: Day, tables: UUID) -> None:
    day.register(NEW, walk_in=True)

    with day.database.transaction() as session:
        recall_arrival(session, {"participant_id": person(NEW)}, NOON)

    assert placed(day, 40) == []


def test_a_carrier_who_lost_their_seat_comes_back_to_their_topic(day: Day, tables: UUID) -> None:
    day.note("absent", 2)
    with day.database.transaction() as session:
        rounds.ask_rebalance(session, session.get_one(Round, tables), policy="sizes", by=ORGANISER, now=NOON)
    day.settle()
    with day.database.transaction() as session:
        rebalances.apply(session, session.get_one(Round, tables), now=NOON)
    assert person(2) not in seats(day, tables)

    day.note("checked_in", 2)

    assert seats(day, tables)[person(2)] == 3
