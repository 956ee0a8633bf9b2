"""Who is proposed for the roles of a group: plain values, as many of them as hypothesis likes."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from services.grouping.roles import NOT_FOR_BRINGERS, ROLES, propose

PEOPLE = st.lists(st.integers(0, 30), max_size=8, unique=True)
EARLIER = st.dictionaries(st.integers(0, 30), st.lists(st.sampled_from(ROLES), max_size=4))
BRINGERS = st.sets(st.integers(0, 30), max_size=6)


@given(PEOPLE, EARLIER, BRINGERS)
def test_nobody_has_two_roles_and_everybody_asked_is_of_the_group(people, earlier, bringers):
    found = propose(people, earlier=earlier, bringers=bringers)

    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= set(people)


@given(PEOPLE, EARLIER, BRINGERS)
def test_who_brings_something_neither_facilitates_nor_takes_notes(people, earlier, bringers):
    found = propose(people, earlier=earlier, bringers=bringers)

    assert not {found.get(role) for role in NOT_FOR_BRINGERS} & bringers


@given(PEOPLE, EARLIER)
def test_a_small_group_leaves_out_who_keeps_time_then_who_takes_notes(people, earlier):
    assert tuple(propose(people, earlier=earlier)) == ROLES[: len(people)]


@given(PEOPLE, EARLIER, BRINGERS)
def test_nobody_has_a_role_again_while_somebody_free_has_not_had_it(people, earlier, bringers):
    found = propose(people, earlier=earlier, bringers=bringers)

    for role, person in found.items():
        free = [
            p for p in people if p not in found.values() and not (role in NOT_FOR_BRINGERS and p in bringers)
        ]
        fresh = [p for p in free if role not in earlier.get(p, ())]
        assert not fresh or role not in earlier.get(person, ())


@given(PEOPLE.filter(lambda people: len(people) <= 5), EARLIER, BRINGERS)
def test_no_other_choice_fills_more_roles_repeats_fewer_or_asks_who_did_less(people, earlier, bringers):
    """Against every choice there is."""
    needed = ROLES[: len(people)]

    def price(taken):
        left = tuple(person is None for person in taken)
        had = [(role, earlier.get(p, ())) for role, p in zip(needed, taken, strict=True) if p is not None]
        return (
            sum(left),
            left,
            sum(role in roles for role, roles in had),
            sum(len(roles) for _role, roles in had),
        )

    found = propose(people, earlier=earlier, bringers=bringers)

    every = permutations([*people, *[None] * len(needed)], len(needed))
    allowed = [
        taken
        for taken in every
        if not any(p in bringers for role, p in zip(needed, taken, strict=True) if role in NOT_FOR_BRINGERS)
    ]
    assert price(tuple(found.get(role) for role in needed)) == min(map(price, allowed))


@given(PEOPLE, EARLIER, BRINGERS)
def test_a_role_that_becomes_vacant_is_anothers_and_the_others_keep_theirs(people, earlier, bringers):
    before = propose(people, earlier=earlier, bringers=bringers)
    for role, person in before.items():
        rest = [p for p in people if p != person]
        kept = {other: p for other, p in before.items() if other != role}

        after = propose(rest, earlier=earlier, bringers=bringers, held=kept, wanted=(role,))

        if len(rest) >= len(ROLES):
            assert {other: after.get(other) for other in kept} == kept
        assert after.get(role) != person


@given(PEOPLE, EARLIER, BRINGERS)
def test_the_same_question_has_the_same_answer(people, earlier, bringers):
    asked = {"earlier": earlier, "bringers": bringers}

    assert propose(list(people), **asked) == propose(list(people), **asked)


def test_three_people_take_turns_over_three_rounds():
    earlier: dict[str, list[str]] = {"Ada": [], "Bo": [], "Cy": []}
    for _round in range(3):
        for role, person in propose(["Ada", "Bo", "Cy"], earlier=earlier).items():
            earlier[person].append(role)

    assert all(sorted(had) == sorted(ROLES) for had in earlier.values())


def test_of_two_that_are_left_who_kept_time_facilitates():
    assert propose(["Bo", "Cy"], earlier={}, held={"rapporteur": "Bo", "timekeeper": "Cy"}) == {
        "rapporteur": "Bo",
        "facilitator": "Cy",
    }
