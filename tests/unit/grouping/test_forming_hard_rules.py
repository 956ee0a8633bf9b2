from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming import blocks, formation, instances, moves, seating
from services.grouping.forming.figures import broken_rules
from tests.unit.grouping.forming_cast import a_day


@st.composite
def rounds_to_form(draw: st.DrawFn) -> dict[str, Any]:
    n, groups = draw(st.integers(0, 40)), draw(st.integers(1, 9))
    person = st.integers(0, max(0, n - 1))
    pairs = (
        st.lists(st.tuples(person, person).filter(lambda p: p[0] != p[1]), max_size=5) if n > 1 else st.just([])
    )
    carriers = draw(st.lists(person, unique=True, max_size=min(groups, n))) if n else []
    together = draw(pairs)
    known = {frozenset(p) for p in together}
    return {
        "n": n,
        "G": groups,
        "attrs": [[draw(st.integers(0, 4)), draw(st.integers(0, 3))] for _ in range(n)],
        "bringers": carriers,
        "pref": [],
        "keep_together": together,
        "keep_apart": [p for p in draw(pairs) if frozenset(p) not in known],
        "noshow": draw(st.lists(person, unique=True, max_size=n // 3)) if n else [],
    }


@settings(max_examples=150, deadline=None)
@given(asked=rounds_to_form(), seed=st.integers(0, 99))
def test_every_hard_rule_is_kept_or_a_smallest_conflict_is_named(asked: dict[str, Any], seed: int) -> None:
    instance = instances.read(asked)

    try:
        answer = formation.form(instance, seconds=None, evaluations=3000, seed=seed)
    except seating.Impossible as refusal:
        assert refusal.rules
        return

    assert broken_rules(instance, answer.groups) == 0


@settings(max_examples=80, deadline=None)
@given(asked=rounds_to_form(), policy=st.sampled_from(["sizes", "balance"]))
def test_after_absences_every_hard_rule_is_kept_again(asked: dict[str, Any], policy: moves.Policy) -> None:
    try:
        plan = formation.form(instances.read(asked), seconds=None, evaluations=1000).groups
        today = instances.read(asked, absent=True)
        answer = moves.rebalance(today, plan, policy=policy, seconds=None, evaluations=3000)
    except seating.Impossible:
        return

    assert broken_rules(today, answer.groups) == 0
    assert answer.moves == moves.count_moves(plan, answer.groups)
    if policy == "sizes" or not any(answer.figures.gap):
        assert answer.moves >= answer.bound


def test_the_day_has_no_gap_at_the_first_answer() -> None:
    answer = formation.form(instances.read(a_day()), seconds=0)

    assert (answer.figures.gap, answer.figures.broken) == ((0, 0, 0), 0)


def test_a_large_gathering_is_even_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formation, "LARGE", 500)
    monkeypatch.setattr(blocks, "PEOPLE", 150)

    answer = formation.form(instances.read(a_day(1001, 90)), seconds=0)

    assert (answer.figures.broken, answer.figures.sizes) == (0, (11, 12))
    assert answer.figures.gap == (0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(asked=rounds_to_form())
def test_blocks_keep_every_hard_rule_or_say_that_they_cannot(asked: dict[str, Any]) -> None:
    instance = instances.read(asked)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(formation, "LARGE", 10)
        small.setattr(blocks, "PEOPLE", 8)
        try:
            answer = formation.form(instance, seconds=None, evaluations=3000)
        except (seating.Impossible, seating.Undecided):
            return

    assert broken_rules(instance, answer.groups) == 0


HOSTILE = {
    "one territory of 45 %": {"attrs": [[0 if k < 27 else 1 + k % 5, k % 4] for k in range(60)]},
    "an employer three times the groups": {"attrs": [[k % 7, 0 if k < 18 else k] for k in range(60)]},
    "sizes that do not divide": {"n": 59, "attrs": [[k % 7, k % 4] for k in range(59)]},
    "one group": {"G": 1, "attrs": [[k % 7, k % 4] for k in range(60)]},
    "everybody alike": {"attrs": [[0, 0]] * 60},
    "nobody wishes": {"attrs": [[k % 7, k % 4] for k in range(60)], "pref": [[-1, -1, -1]] * 60},
    "fewer people than groups": {"n": 4, "attrs": [[k % 2, k % 3] for k in range(4)]},
    "nobody": {"n": 0, "attrs": []},
    "everybody a carrier": {"n": 6, "attrs": [[k, k] for k in range(6)], "bringers": list(range(6))},
}


@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_shapes_are_even_and_keep_their_rules(shape: str) -> None:
    instance = instances.read({"n": 60, "G": 6, "keep_apart": [], "keep_together": []} | HOSTILE[shape])

    answer = formation.form(instance, seconds=0)

    assert (answer.figures.broken, sum(answer.figures.gap)) == (0, 0)


@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_shapes_are_searched_to_the_end_of_their_budget(shape: str) -> None:
    instance = instances.read({"n": 60, "G": 6, "keep_apart": [], "keep_together": []} | HOSTILE[shape])

    answer = formation.form(instance, seconds=None, evaluations=30_000)

    assert (answer.figures.broken, sum(answer.figures.gap)) == (0, 0)


def test_sizes_that_do_not_divide_differ_by_one() -> None:
    answer = formation.form(instances.read(a_day(131)), seconds=0)

    assert answer.figures.sizes == (10, 11)


def test_searching_longer_never_costs_more_than_the_first_answer() -> None:
    instance = instances.read(a_day())

    first = formation.form(instance, seconds=0)
    later = formation.form(instance, seconds=None, evaluations=200_000)

    assert later.figures.cost < first.figures.cost
    assert later.figures.broken == 0
    assert later.bound <= later.figures.cost


def test_the_same_seed_and_budget_give_the_same_groups() -> None:
    instance = instances.read(a_day())

    one, other = (formation.form(instance, seconds=None, evaluations=50_000, seed=3) for _ in range(2))

    assert one.groups.tolist() == other.groups.tolist()


@pytest.mark.parametrize("evaluations", [20_000, 20_001])
def test_a_counted_round_spends_what_it_was_given(evaluations: int) -> None:
    answer = formation.form(instances.read(a_day()), seconds=None, evaluations=evaluations)

    assert answer.evaluations == evaluations


def test_what_goes_wrong_in_the_teller_ends_the_search() -> None:
    def tell(share: float, cost: int) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        formation.form(instances.read(a_day()), seconds=60, progress=tell)


def test_stopping_early_keeps_the_best_so_far() -> None:
    answer = formation.form(instances.read(a_day()), seconds=30, progress=lambda share, cost: False)

    assert answer.figures.broken == 0
    assert answer.seconds < 10


def test_fewer_people_than_groups_sit_alone() -> None:
    answer = formation.form(instances.read({"n": 2, "G": 5, "attrs": [[0], [0]]}), seconds=0)

    assert answer.figures.sizes == (0, 1)


def test_an_impossible_round_names_its_smallest_conflicting_set() -> None:
    asked = a_day(30, 3)
    asked |= {"bringers": [], "keep_apart": [[0, 1], [4, 5], [1, 2], [2, 3], [0, 2], [0, 3], [1, 3], [7, 8]]}

    with pytest.raises(seating.Impossible) as refusal:
        formation.form(instances.read(asked))

    people = {0, 1, 2, 3}
    assert {(a, b) for _, a, b in refusal.value.rules} == {(a, b) for a in people for b in people if a < b}


def test_a_pair_apart_that_others_hold_together_is_a_conflict() -> None:
    asked = {
        "n": 6,
        "G": 2,
        "attrs": [[0]] * 6,
        "keep_together": [[0, 2], [2, 1]],
        "keep_apart": [[0, 1], [3, 4]],
    }

    with pytest.raises(seating.Impossible) as refusal:
        formation.form(instances.read(asked))

    assert set(refusal.value.rules) == {("apart", 0, 1), ("together", 0, 2), ("together", 2, 1)}


def test_people_kept_together_around_two_carriers_are_a_conflict() -> None:
    asked = {"n": 6, "G": 2, "attrs": [[0]] * 6, "bringers": [0, 1], "keep_together": [[0, 2], [2, 1]]}

    with pytest.raises(seating.Impossible) as refusal:
        formation.form(instances.read(asked))

    assert set(refusal.value.rules) == {
        ("carrier", 0, 0), ("carrier", 1, 1), ("together", 0, 2), ("together", 2, 1),
    }  # fmt: skip


def test_sizes_alone_cost_the_fewest_moves() -> None:
    asked = a_day()
    plan = formation.form(instances.read(asked), seconds=None, evaluations=100_000).groups

    answer = moves.rebalance(
        instances.read(asked, absent=True), plan, policy="sizes", seconds=None, evaluations=20_000
    )

    assert answer.moves == answer.bound


def test_each_further_move_on_the_curve_buys_balance() -> None:
    asked = a_day(seed=9)
    plan = formation.form(instances.read(asked), seconds=None, evaluations=100_000).groups

    answer = moves.rebalance(
        instances.read(asked, absent=True), plan, policy="balance", seconds=None, evaluations=300_000
    )

    assert sum(answer.figures.gap) == 0
    assert [m for m, _ in answer.curve] == sorted({m for m, _ in answer.curve})
    assert [g for _, g in answer.curve] == sorted({g for _, g in answer.curve}, reverse=True)


def test_a_walk_in_takes_a_free_seat_and_nobody_else_moves() -> None:
    asked = a_day(131)
    plan = formation.form(instances.read(asked), seconds=0).groups
    newcomer = next(p for p in range(131) if p not in asked["bringers"] and (plan == plan[p]).sum() == 11)
    plan[newcomer] = -1

    answer = moves.rebalance(instances.read(asked), plan, seconds=None, evaluations=5000)

    assert answer.moves == 0
    assert answer.groups[newcomer] >= 0


def test_a_locked_person_and_a_carrier_stay_when_others_leave() -> None:
    asked = a_day()
    plan = formation.form(instances.read(asked), seconds=0).groups
    free = [p for p in range(132) if p not in asked["noshow"] and p not in asked["bringers"]]
    today = instances.read(asked | {"locked": [[p, int(plan[p])] for p in free[:40]]}, absent=True)

    answer = moves.rebalance(today, plan, policy="balance", seconds=None, evaluations=30_000)

    stay = np.array(free[:40] + [p for p in asked["bringers"] if p not in asked["noshow"]])
    assert answer.groups[stay].tolist() == plan[stay].tolist()
