"""The roles of a plan: proposed with it, changed on the board, published with it, and given to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.grouping import gatherings, kit, plans, rebalances, rounds
from services.grouping.models import Round
from services.grouping.roles import ROLES
from services.grouping.tasks import recall_absence, recall_cancellation
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, Browser, Day, person
from tests.unit.grouping.test_plans import act, board, seats

HERE = "/g/chemins-croises/temps/1"


def held(day: Day, round_id: UUID) -> dict[int, dict[str, UUID]]:
    """Who has which role, by group."""
    return {
        table.number: {seat.duty: seat.participant_id for seat in table.members if seat.duty}
        for table in board(day, round_id).tables
    }


def told(day: Day) -> dict[UUID, list[str]]:
    """The roles each person was told of, in their order."""
    found: dict[UUID, list[str]] = {}
    for fact in day.told("grouping.person_placed.v1"):
        found.setdefault(UUID(fact["participant_id"]), []).append(fact["duty"])
    return found


def another_round(day: Day, kind: str) -> UUID:
    with day.database.transaction() as session:
        made = rounds.open_round(session, GATHERING, kind=kind, name=kind, by=ORGANISER, now=NOON)
    day.settle()
    return made.id


def test_a_new_plan_proposes_each_role_in_each_group_and_tells_it_when_published(
    day: Day, tables: UUID
) -> None:
    duties = held(day, tables)

    assert [set(roles) for roles in duties.values()] == [set(ROLES)] * 4
    assert {p: [role] for roles in duties.values() for role, p in roles.items()} == {
        p: roles for p, roles in told(day).items() if roles != [""]
    }


def test_who_carries_the_topic_neither_facilitates_nor_takes_notes(day: Day, tables: UUID) -> None:
    for number, duties in held(day, tables).items():
        assert person(number - 1) not in (duties["facilitator"], duties["rapporteur"])


def test_who_tells_a_story_neither_facilitates_nor_takes_notes_in_their_circle(day: Day) -> None:
    day.crowd(12, stories=10)
    circles = another_round(day, "angles")

    tellers = {person(number) for number in range(2, 12)}
    asked = [
        duties.get(role) for duties in held(day, circles).values() for role in ("facilitator", "rapporteur")
    ]
    assert not tellers & set(asked)
    assert {person(0), person(1)} == {p for p in asked if p is not None}


def test_roles_go_round_over_the_rounds(day: Day) -> None:
    day.crowd(40, topics=4)
    one = another_round(day, "topics")
    act(day, one, plans.publish, now=NOON)
    other = another_round(day, "topics")

    had = {p for duties in held(day, one).values() for p in duties.values()}
    again = {p for duties in held(day, other).values() for p in duties.values()}
    assert (len(had), len(again), had & again) == (12, 12, set())


def test_a_role_stays_with_the_group_that_its_person_leaves(day: Day, tables: UUID) -> None:
    before = held(day, tables)
    gone = before[1]["facilitator"]

    act(day, tables, plans.move, gone, 2, now=NOON)

    after = held(day, tables)
    assert after[2] == before[2]
    assert after[1]["facilitator"] not in (gone, person(0))
    assert {role: p for role, p in after[1].items() if role != "facilitator"} == {
        role: p for role, p in before[1].items() if role != "facilitator"
    }


@pytest.mark.parametrize("word", ["cancelled", "absent"])
def test_who_does_not_come_hands_their_role_over_at_once_and_only_both_are_told(
    day: Day, tables: UUID, word: str
) -> None:
    before, said = held(day, tables), len(day.told("grouping.person_placed.v1"))
    published = len(day.told("grouping.plan_published.v1"))
    gone = before[1]["facilitator"]
    number = next(n for n in range(40) if person(n) == gone)

    day.note(word, number)

    after = held(day, tables)
    facts = day.told("grouping.person_placed.v1")[said:]
    assert {**after, 1: None} == {**before, 1: None}
    assert {(UUID(f["participant_id"]), f["duty"], f["moved"], f["before_number"]) for f in facts} == {
        (gone, "", False, 1),
        (after[1]["facilitator"], "facilitator", False, 1),
    }
    assert len(facts) == 2
    assert len(day.told("grouping.plan_published.v1")) == published


def test_who_is_erased_hands_their_role_over_and_no_fact_speaks_of_them(day: Day, tables: UUID) -> None:
    gone = held(day, tables)[1]["rapporteur"]
    said = len(day.told("grouping.person_placed.v1"))

    day.hear("registration.participant_erased.v1", gone, participant_id=str(gone), gathering_id=str(GATHERING))

    after = held(day, tables)[1]
    assert after["rapporteur"] != gone
    assert [f["participant_id"] for f in day.told("grouping.person_placed.v1")[said:]] == [
        str(after["rapporteur"])
    ]


def test_what_happened_before_is_heard_again_without_handing_anything_over(day: Day, tables: UUID) -> None:
    before = held(day, tables)
    one = before[1]["facilitator"]
    with day.database.transaction() as session:
        recall_absence(session, {"participant_id": one}, NOON)
        recall_cancellation(session, {"participant_id": one}, NOON)

    assert held(day, tables) == before


def test_a_rebalance_leaves_every_role_but_those_of_who_moves(day: Day, tables: UUID) -> None:
    before, here = held(day, tables), seats(day, tables)
    without = [n for n in range(4, 40) if here[person(n)] == 1 and person(n) not in before[1].values()]
    day.note("cancelled", *without)
    act(day, tables, rounds.ask_rebalance, policy="sizes", by=ORGANISER, now=NOON)
    day.settle()
    moved = {move.participant_id for move in act(day, tables, rebalances.apply, now=NOON)}

    after = held(day, tables)
    assert moved
    assert [set(duties) for duties in after.values()] == [set(ROLES)] * 4
    for number, duties in before.items():
        for role, one in duties.items():
            assert (after[number][role] == one) == (one not in moved)


def test_going_back_gives_back_the_roles_of_the_plan_before(day: Day, tables: UUID) -> None:
    before = held(day, tables)
    act(day, tables, plans.move, before[1]["facilitator"], 2, now=NOON)
    act(day, tables, plans.publish, now=NOON)

    act(day, tables, plans.go_back, now=NOON)

    assert held(day, tables) == before


def test_a_role_given_to_nobody_stays_so_when_the_plan_is_published_and_changed(day: Day, tables: UUID) -> None:
    before = held(day, tables)
    act(day, tables, plans.assign, 1, {"timekeeper": None}, now=NOON)
    act(day, tables, plans.publish, now=NOON)
    act(day, tables, plans.move, before[2]["facilitator"], 3, now=NOON)

    assert set(held(day, tables)[1]) == {"facilitator", "rapporteur"}


def test_a_role_given_by_hand_is_told_once_published(day: Day, tables: UUID) -> None:
    before, here = held(day, tables), seats(day, tables)
    said = len(day.told("grouping.person_placed.v1"))
    new = next(p for p, n in here.items() if n == 1 and p not in before[1].values() and p != person(0))

    act(day, tables, plans.assign, 1, {**before[1], "facilitator": new}, now=NOON)
    quiet = len(day.told("grouping.person_placed.v1")) - said
    act(day, tables, plans.publish, now=NOON)

    facts = day.told("grouping.person_placed.v1")[said:]
    assert quiet == 0
    assert Counter((f["participant_id"], f["duty"]) for f in facts) == Counter(
        [(str(before[1]["facilitator"]), ""), (str(new), "facilitator")]
    )


def test_two_people_may_change_roles_with_each_other(day: Day, tables: UUID) -> None:
    before = held(day, tables)[1]
    changed = {**before, "facilitator": before["rapporteur"], "rapporteur": before["facilitator"]}

    act(day, tables, plans.assign, 1, changed, now=NOON)

    assert held(day, tables)[1] == changed


def test_keeping_the_roles_as_they_are_makes_no_draft(day: Day, tables: UUID) -> None:
    act(day, tables, plans.assign, 1, held(day, tables)[1], now=NOON)

    shown = board(day, tables)
    assert shown.plan is not None
    assert shown.plan.state == "published"


def test_a_plan_without_roles_is_given_some_when_it_is_changed(day: Day, tables: UUID) -> None:
    """It was made before there were any."""
    for number in range(1, 5):
        act(day, tables, plans.assign, number, dict.fromkeys(ROLES), now=NOON)
    act(day, tables, plans.publish, now=NOON)

    act(day, tables, plans.move, person(30), 1 + seats(day, tables)[person(30)] % 4, now=NOON)

    assert [set(duties) for duties in held(day, tables).values()] == [set(ROLES)] * 4


@pytest.fixture
def organiser(browse: Callable[..., Browser], tables: UUID) -> Browser:
    return browse(ORGANISER)


def sent(organiser: Browser, duties: dict[str, Any]) -> Any:
    return organiser.post(f"{HERE}/roles/1", on=f"{HERE}/roles/1", **{k: str(v) for k, v in duties.items()})


def test_the_organiser_changes_the_roles_of_a_group_without_scripts(
    day: Day, tables: UUID, organiser: Browser
) -> None:
    before = held(day, tables)[1]
    page = organiser.get(f"{HERE}/roles/1").get_data(as_text=True)
    answer = sent(organiser, {**before, "timekeeper": ""})

    assert page.count(" selected>") == 3
    assert (answer.status_code, answer.location) == (303, HERE)
    assert held(day, tables)[1] == {r: p for r, p in before.items() if r != "timekeeper"}


@pytest.mark.parametrize("wrong", ["twice", "carrier", "of-another-group", "stranger", "no-person"])
def test_a_role_that_cannot_be_is_refused_beside_its_field_and_nothing_typed_is_lost(
    day: Day, tables: UUID, organiser: Browser, wrong: str
) -> None:
    before = held(day, tables)
    other = before[2]["timekeeper"]
    given = {
        "twice": before[1]["facilitator"],
        "carrier": person(0),
        "of-another-group": other,
        "stranger": uuid4(),
        "no-person": "x",
    }[wrong]

    answer = sent(organiser, {**before[1], "timekeeper": "", "rapporteur": given})

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="rapporteur" name="rapporteur"' in page
    assert 'class="err" id="rapporteur-e"' in page
    assert page.count(" selected>") == (2 if wrong in ("twice", "carrier") else 1)
    assert held(day, tables) == before


def test_a_participant_reads_their_role_and_those_of_their_group(
    day: Day, tables: UUID, browse: Callable[..., Browser]
) -> None:
    duties = held(day, tables)[1]
    mine = browse(duties["facilitator"], kind="participant").get("/g/chemins-croises/ma-place").text

    assert "Vous animez ce groupe." in mine
    assert mine.count("prend des notes") == mine.count("veille au temps") == 1


def test_a_program_reads_and_changes_roles(day: Day, tables: UUID, program: Callable[..., Any]) -> None:
    before = held(day, tables)[1]
    wanted = {"facilitator": str(before["rapporteur"]), "rapporteur": str(before["facilitator"])}

    status, shown = program("put", f"/rounds/{tables}/groups/1/roles", wanted)
    refused, _problem = program("put", f"/rounds/{tables}/groups/1/roles", {"timekeeper": str(person(0))})
    taken, _problem = program("put", f"/rounds/{tables}/groups/1/roles", {"facilitator": str(person(0))})

    roles = {m["duty"]: m["participant_id"] for m in shown["groups"][0]["members"] if m["duty"]}
    assert (status, roles) == (200, wanted)
    assert (refused, taken) == (200, 409)


def test_cards_say_what_each_person_is_asked_to_do(day: Day, tables: UUID) -> None:
    with day.database.reading() as session:
        round_ = session.get_one(Round, tables)
        said = kit.cards(
            session, gatherings.by_id(session, GATHERING), round_, large=False, say=lambda words, **_: words
        )
    roles = Counter(one["role"].rpartition("topic. ")[2] for one in said["people"])

    assert [roles[words] for words in ("You facilitate this group.", "You take notes for this group.")] == [
        4,
        4,
    ]
    assert roles["You keep the time of this group."] == 4


def test_the_wall_names_nobody_and_no_role(day: Day, tables: UUID, organiser: Browser) -> None:
    wall = organiser.get("/g/chemins-croises/mur").text

    assert "anime" not in wall
    assert "Prénom" not in wall
