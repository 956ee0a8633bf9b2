"""The fewest moves, against every seating there is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.grouping.forming import blocks, exchanges, formation, instances, moves, programs, proofs, seating
from services.grouping.forming.figures import broken_rules, figures
from tests.unit.grouping.forming_cast import a_day

needs_highs = pytest.mark.skipif(not programs.IS_HERE, reason="HiGHS (highspy) is not installed here")


@st.composite
def events(draw: st.DrawFn) -> tuple[dict[str, Any], list[int]]:
    """A small round on its day: who has a seat, who came without one, who is locked, and who is away."""
    n, groups = draw(st.integers(3, 8)), draw(st.integers(2, 3))
    person = st.integers(0, n - 1)
    pair = st.tuples(person, person).filter(lambda p: p[0] < p[1]).map(list)
    plan = draw(st.lists(st.integers(-1, groups - 1), min_size=n, max_size=n))
    seated = [p for p in range(n) if plan[p] >= 0]
    locked = draw(st.lists(st.sampled_from(seated), unique=True, max_size=2)) if seated else []
    together = draw(st.lists(pair, max_size=1))
    return {
        "n": n,
        "G": groups,
        "attrs": [[draw(st.integers(0, 2)), draw(st.integers(0, 3))] for _ in range(n)],
        "keep_together": together,
        "keep_apart": [p for p in draw(st.lists(pair, max_size=2, unique_by=tuple)) if p not in together],
        "locked": [[p, plan[p]] for p in locked],
        "noshow": draw(st.lists(person, unique=True, max_size=n // 2)),
    }, plan


def every_answer(instance: instances.Instance, plan: np.ndarray[Any, Any]) -> dict[int, int]:
    """The least gap at each number of moves, of all seatings that keep the hard rules."""
    least: dict[int, int] = {}
    here = np.flatnonzero(instance.here)
    for seats in product(range(instance.G), repeat=len(here)):
        groups = np.full(instance.n, -1, np.int64)
        groups[here] = seats
        if broken_rules(instance, groups) == 0:
            count, gap = moves.count_moves(plan, groups), sum(figures(instance, groups).gap)
            least[count] = min(gap, least.get(count, gap))
    return least


@settings(max_examples=50, deadline=None)
@given(event=events(), seed=st.integers(0, 9))
def test_sizes_cost_the_fewest_moves_there_are_and_leave_the_least_gap_of_those(event: Any, seed: int) -> None:
    instance, plan = instances.read(event[0], absent=True), np.array(event[1])
    least = every_answer(instance, plan)
    assume(least)

    answer = moves.rebalance(instance, plan, policy="sizes", seconds=None, evaluations=100_000, seed=seed)

    assert (answer.moves, sum(answer.figures.gap)) == (min(least), least[min(least)])
    assert answer.bound <= answer.moves


@needs_highs
def test_a_round_that_cannot_be_even_moves_no_more_people_for_it() -> None:
    """Its mirror is a seating too, three moves away, and no single exchange leads from there to this one."""
    fields = {"n": 4, "G": 2, "attrs": [[0, 0], [0, 0], [0, 1], [0, 1]], "keep_apart": [[0, 3], [1, 3]]}
    instance = instances.read(fields, absent=True)

    answer = moves.rebalance(instance, np.array([0, 0, 1, 0]), policy="sizes", seconds=None, evaluations=100)

    assert answer.groups.tolist() == [0, 0, 1, 1]
    assert (answer.moves, answer.bound) == (1, 1)


@settings(max_examples=50, deadline=None)
@given(event=events(), seed=st.integers(0, 9))
def test_balance_costs_the_fewest_moves_among_the_most_even_answers(event: Any, seed: int) -> None:
    instance, plan = instances.read(event[0], absent=True), np.array(event[1])
    least = every_answer(instance, plan)
    assume(least)

    answer = moves.rebalance(instance, plan, policy="balance", seconds=None, evaluations=100_000, seed=seed)

    evenest = min(least.values())
    assert (sum(answer.figures.gap), answer.moves) == (evenest, min(m for m in least if least[m] == evenest))
    assert answer.bound <= answer.moves


@settings(max_examples=150, deadline=None)
@given(event=events(), data=st.data())
def test_no_prices_prove_more_moves_than_are_needed(event: Any, data: st.DataObject) -> None:
    instance, plan = instances.read(event[0], absent=True), np.array(event[1])
    least = every_answer(instance, plan)
    assume(0 in least.values())
    groups = moves.rebalance(instance, plan, seconds=None, evaluations=1000).groups
    price = st.tuples(st.integers(0, 12), st.integers(0, instance.G - 1), st.integers(-3_000_000, 3_000_000))
    prices = tuple(data.draw(st.lists(price, max_size=12)))

    bound = moves.fewest_moves(instance, plan, groups, balance=True, prices=prices)

    assert bound <= min(m for m, gap in least.items() if gap == 0)


@needs_highs
@pytest.mark.parametrize("seed", range(6))
def test_at_the_reference_day_the_fewest_moves_are_proved(seed: int) -> None:
    asked = a_day(132, seed=seed)
    plan = formation.form(instances.read(asked), seconds=None, evaluations=400_000).groups

    answer = moves.rebalance(
        instances.read(asked, absent=True), plan, policy="balance", seconds=None, evaluations=300_000
    )

    assert (sum(answer.figures.gap), answer.moves) == (0, answer.bound)
    assert answer.prices


@pytest.mark.parametrize("policy", ["sizes", "balance"])
def test_without_highs_the_answer_is_even_and_its_bound_true(
    monkeypatch: pytest.MonkeyPatch, policy: moves.Policy
) -> None:
    asked = a_day(132, seed=1)
    plan = formation.form(instances.read(asked), seconds=None, evaluations=400_000).groups
    today = instances.read(asked, absent=True)
    exact = moves.rebalance(today, plan, policy=policy, seconds=None, evaluations=100_000_000)
    monkeypatch.setattr(programs, "IS_HERE", False)

    answer = moves.rebalance(today, plan, policy=policy, seconds=None, evaluations=100_000_000)

    assert answer.figures.broken == 0
    assert policy == "sizes" or sum(answer.figures.gap) == 0
    assert answer.bound <= exact.moves <= answer.moves


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 99), policy=st.sampled_from(["sizes", "balance"]))
def test_districts_keep_every_hard_rule_and_tell_a_true_curve(seed: int, policy: moves.Policy) -> None:
    asked = a_day(300, 30, seed=seed)
    draw = np.random.default_rng(seed)
    plan = formation.form(instances.read(asked), seconds=0).groups
    plan[draw.choice(300, 5, replace=False)] = -1
    today = instances.read(asked, absent=True)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(moves, "LARGE", 200)
        small.setattr(blocks, "PEOPLE", 80)
        answer = moves.rebalance(today, plan, policy=policy, seconds=None, evaluations=200_000, seed=seed)

    assert (broken_rules(today, answer.groups), answer.moves) == (0, moves.count_moves(plan, answer.groups))
    for (count, gap), way in zip(answer.curve, answer.ways, strict=True):
        groups = np.where(today.here, plan, -1)
        for person, group in way:
            groups[person] = group
        assert (moves.count_moves(plan, groups), sum(figures(today, groups).gap)) == (count, gap)
        assert broken_rules(today, groups) == 0


def test_a_program_of_nobody_is_solved() -> None:
    instance = instances.read({"n": 2, "G": 2, "attrs": [[0], [0]], "noshow": [0, 1]}, absent=True)

    answer = moves.rebalance(instance, np.array([0, 1]), seconds=None, evaluations=100)

    assert (answer.moves, answer.groups.tolist(), answer.curve) == (0, [-1, -1], ((0, 0),))
    assert seating.units(instance) == []
    assert exchanges.count_moves(np.array([0, 1]), answer.groups) == 0


needs_or_tools = pytest.mark.skipif(not proofs.IS_HERE, reason="OR-Tools is not installed here")


@needs_or_tools
@settings(max_examples=3, deadline=None)
@given(event=events(), policy=st.sampled_from(["sizes", "balance"]))
def test_or_tools_prove_the_fewest_moves_there_are(event: Any, policy: moves.Policy) -> None:
    instance, plan = instances.read(event[0], absent=True), np.array(event[1])
    least = every_answer(instance, plan)
    if not least:
        with pytest.raises(seating.Impossible):
            proofs.fewest_moves(instance, plan, policy=policy, seconds=10)
        return

    proof = proofs.fewest_moves(instance, plan, policy=policy, seconds=10)

    evenest = min(least.values()) if policy == "balance" else 10**9
    wanted = min(count for count, gap in least.items() if gap <= evenest)
    assert (proof.is_least, proof.value, proof.bound) == (True, wanted, wanted)


@needs_or_tools
@settings(max_examples=3, deadline=None)
@given(event=events(), draw=st.integers(0, 99))
def test_or_tools_prove_the_lowest_cost_there_is(event: Any, draw: int) -> None:
    chance = np.random.default_rng(draw)
    n, groups = event[0]["n"], event[0]["G"]
    instance = instances.read(
        event[0]
        | {
            "history": [chance.integers(-1, groups, n).tolist()],
            "pref": chance.integers(-1, groups, (n, 2)).tolist(),
        },
        absent=True,
    )
    here = np.flatnonzero(instance.here)
    costs = []
    for seats in product(range(groups), repeat=len(here)):
        answer = np.full(n, -1, np.int64)
        answer[here] = seats
        told = figures(instance, answer)
        costs += [] if told.broken else [told.cost]
    assume(costs)

    proof = proofs.lowest_cost(instance, seconds=10)

    assert (proof.value, proof.bound) == (min(costs), min(costs))


@needs_or_tools
@pytest.mark.parametrize("policy", ["sizes", "balance"])
def test_at_the_reference_day_or_tools_find_no_fewer_moves(policy: moves.Policy) -> None:
    asked = a_day(132, seed=2)
    plan = formation.form(instances.read(asked), seconds=None, evaluations=400_000).groups
    today = instances.read(asked, absent=True)

    answer = moves.rebalance(today, plan, policy=policy, seconds=None, evaluations=10_000_000)

    proof = proofs.fewest_moves(today, plan, policy=policy, seconds=60)
    assert (answer.moves, proof.is_least) == (proof.bound, True)
