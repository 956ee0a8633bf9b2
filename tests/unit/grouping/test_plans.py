from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.grouping import boards, links, plans, rebalances, rounds
from services.grouping.models import Group, Round
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, Day, person, topic


def act(day: Day, round_id: UUID, deed: Any, /, *args: Any, **choices: Any) -> Any:
    with day.database.transaction() as session:
        return deed(session, session.get_one(Round, round_id), *args, **choices)


def board(day: Day, round_id: UUID) -> boards.Board:
    with day.database.reading() as session:
        return boards.board(session, session.get_one(Round, round_id))


def seats(day: Day, round_id: UUID) -> dict[UUID, int]:
    return {s.participant_id: t.number for t in board(day, round_id).tables for s in t.members}


def placed(day: Day, skip: int) -> list[tuple[UUID, int, bool, int | None]]:
    """The places told after the first `skip`; a role that is another is no place."""
    told = [
        (UUID(t["participant_id"]), t["group_number"], t["moved"], t["before_number"])
        for t in day.told("grouping.person_placed.v1")
        if t["moved"] or t["before_number"] is None
    ]
    return told[skip:]


def test_publishing_the_same_plan_again_tells_nobody(day: Day, tables: UUID) -> None:
    here = seats(day, tables)[person(20)]
    act(day, tables, plans.move, person(20), here, now=NOON)

    act(day, tables, plans.publish, now=NOON)

    assert placed(day, 40) == []
    assert board(day, tables).plan.version == 2  # type: ignore[union-attr]


def test_moving_two_people_by_hand_tells_these_two_once_published(day: Day, tables: UUID) -> None:
    here = seats(day, tables)
    one, other = person(20), next(p for p, n in here.items() if n != here[person(20)] and p != person(n - 1))
    act(day, tables, plans.move, one, here[other], now=NOON)
    act(day, tables, plans.move, other, here[one], now=NOON)
    assert placed(day, 40) == []

    act(day, tables, plans.publish, now=NOON)

    assert sorted(placed(day, 40)) == sorted(
        [(one, here[other], True, here[one]), (other, here[one], True, here[other])]
    )


def test_going_back_restores_every_seat_and_tells_who_moved(day: Day, tables: UUID) -> None:
    before = seats(day, tables)
    to = 1 + before[person(20)] % 4
    act(day, tables, plans.move, person(20), to, now=NOON)
    act(day, tables, plans.publish, now=NOON)

    act(day, tables, plans.go_back, now=NOON)

    assert seats(day, tables) == before
    assert placed(day, 41) == [(person(20), before[person(20)], True, to)]


def test_somebody_who_left_loses_their_place_and_is_told_when_they_come_back(day: Day, tables: UUID) -> None:
    here = seats(day, tables)[person(20)]
    day.note("cancelled", 20)
    act(day, tables, plans.move, person(21), seats(day, tables)[person(21)], now=NOON)
    act(day, tables, plans.publish, now=NOON)
    assert person(20) not in seats(day, tables)

    day.register(20, fact="restored")
    act(day, tables, plans.move, person(20), here, now=NOON)
    act(day, tables, plans.publish, now=NOON)

    assert placed(day, 40) == [(person(20), here, False, None)]


def test_a_carrier_never_leaves_their_topic(day: Day, tables: UUID) -> None:
    with pytest.raises(plans.CarrierStays) as refusal:
        act(day, tables, plans.move, person(0), 2, now=NOON)

    assert refusal.value.members == {"group": 1}


def test_a_group_that_is_not_there_takes_nobody(day: Day, tables: UUID) -> None:
    with pytest.raises(plans.UnknownGroup):
        act(day, tables, plans.move, person(20), 9, now=NOON)


def test_a_locked_person_stays_when_groups_are_formed_again(day: Day, tables: UUID) -> None:
    here = seats(day, tables)
    to = 1 + here[person(20)] % 4
    act(day, tables, plans.move, person(20), to, now=NOON)
    act(day, tables, plans.lock, person(20))

    act(day, tables, rounds.ask_form, by=ORGANISER, now=NOON)
    day.settle()

    assert seats(day, tables)[person(20)] == to


def test_private_rules_hold_in_the_groups(day: Day, tables: UUID) -> None:
    with day.database.transaction() as session:
        for kind, one, other in (("together", 20, 21), ("apart", 22, 23), ("apart", 24, 1)):
            links.tie(
                session, GATHERING, kind=kind, one=person(one), other=person(other), by=ORGANISER, now=NOON
            )

    act(day, tables, rounds.ask_form, by=ORGANISER, now=NOON)
    day.settle()

    here = seats(day, tables)
    assert here[person(20)] == here[person(21)]
    assert here[person(22)] != here[person(23)]
    assert here[person(24)] != 2
    assert board(day, tables).broken_links == 0


def test_an_older_ask_never_replaces_a_newer_one(day: Day, tables: UUID) -> None:
    first = act(day, tables, rounds.ask_form, by=ORGANISER, now=NOON)
    act(day, tables, rounds.ask_form, by=ORGANISER, now=NOON)
    day.settle()

    with day.database.reading() as session:
        assert session.get(type(first), first.id).state == "dropped"  # type: ignore[union-attr]
    assert board(day, tables).plan.number == 2  # type: ignore[union-attr]


def test_a_proposal_is_dropped_when_the_plan_changed_meanwhile(day: Day, tables: UUID) -> None:
    day.note("absent", *range(20, 26))
    act(day, tables, plans.move, person(30), seats(day, tables)[person(30)], now=NOON)
    act(day, tables, rounds.ask_rebalance, policy="sizes", by=ORGANISER, now=NOON)
    from_before = board(day, tables)
    act(day, tables, plans.publish, now=NOON)

    day.settle()

    assert from_before.is_waiting
    after = board(day, tables)
    assert after.ask is not None and after.ask.state == "ready"
    assert after.proposal is not None and after.proposal.based_on == after.published.id  # type: ignore[union-attr]


def test_a_draft_survives_a_proposal_that_is_left_aside(day: Day, tables: UUID) -> None:
    to = 1 + seats(day, tables)[person(20)] % 4
    act(day, tables, plans.move, person(20), to, now=NOON)
    act(day, tables, rounds.ask_rebalance, policy="sizes", by=ORGANISER, now=NOON)
    day.settle()

    act(day, tables, rebalances.leave)

    assert seats(day, tables)[person(20)] == to


def test_a_withdrawn_topic_has_no_group_next_time(day: Day, tables: UUID) -> None:
    day.hear(
        "registration.topic_withdrawn.v1", topic(3), topic_id=str(topic(3)), gathering_id=str(GATHERING),
        participant_id=str(person(2)),
    )  # fmt: skip

    act(day, tables, rounds.ask_form, by=ORGANISER, now=NOON)
    day.settle()

    assert [t.number for t in board(day, tables).tables] == [1, 2, 4]
    assert len(seats(day, tables)) == 40


def test_a_topic_whose_carrier_is_not_heard_of_yet_still_has_its_group(day: Day) -> None:
    day.crowd(8, topics=1)
    day.hear(
        "registration.topic_accepted.v1", topic(2), topic_id=str(topic(2)), gathering_id=str(GATHERING),
        participant_id=str(person(99)), question="Et demain ?", number=2,
    )  # fmt: skip
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind="topics", name="x", by=ORGANISER, now=NOON)
    day.settle()
    assert [(t.number, t.mix.size, t.carrier) for t in board(day, round_.id).tables] == [
        (1, 4, "Prénom0 Nom000"), (2, 4, ""),
    ]  # fmt: skip

    day.register(99)
    act(day, round_.id, rounds.ask_form, by=ORGANISER, now=NOON)
    day.settle()

    assert seats(day, round_.id)[person(99)] == 2


def test_colleagues_sit_apart_where_they_can(day: Day) -> None:
    for number in range(12):
        day.register(number, structure="La Fabrique" if number % 3 == 0 else f"S{number}")
    for number in range(1, 5):
        day.hear(
            "registration.topic_accepted.v1", topic(number), topic_id=str(topic(number)),
            gathering_id=str(GATHERING), participant_id=str(person(number)), question=f"{number} ?", number=number,
        )  # fmt: skip
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind="topics", name="x", by=ORGANISER, now=NOON)
    day.settle()

    assert [t.colleagues for t in board(day, round_.id).tables] == [[], [], [], []]


def test_rebalancing_before_publishing_is_refused(day: Day) -> None:
    day.crowd(6, topics=2)
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind="topics", name="x", by=ORGANISER, now=NOON)

    with pytest.raises(rounds.NothingPublished):
        act(day, round_.id, rounds.ask_rebalance, policy="sizes", by=ORGANISER, now=NOON)


def test_a_plan_of_nobody_is_no_failure(day: Day) -> None:
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind="angles", name="x", by=ORGANISER, now=NOON)
    day.settle()

    assert board(day, round_.id).tables == []
    with day.database.reading() as session:
        assert len(session.get_one(Round, round_.id).groups) == 5
        assert session.query(Group).count() == 5
