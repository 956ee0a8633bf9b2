from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming import golfers, kernel, meetings, native, schedules, starters
from services.grouping.forming.budgets import Budget
from services.grouping.forming.turning import Turning, Turns
from tests.bench import covers

needs_c = pytest.mark.skipif(kernel.LIBRARY is None, reason="no C kernel here: " + native.WITHOUT)


@pytest.mark.parametrize("shape", sorted(starters.kept()), ids=lambda shape: f"{shape[0]}-{shape[1]}")
def test_a_kept_starter_turns_into_even_rounds_where_nobody_meets_twice(shape: tuple[int, int]) -> None:
    groups, size = shape
    starter = starters.kept()[shape]

    rounds = starter.develop()

    assert rounds.shape == (starter.rounds, groups * size)
    assert meetings.repeats(rounds) == 0
    assert {tuple(np.bincount(row, minlength=groups)) for row in rounds} == {(size,) * groups}


def test_a_line_of_the_starters_says_what_it_was_written_from() -> None:
    lines = [line for line in starters.KEPT.read_text("utf-8").splitlines() if not line.startswith("#")]

    assert lines == [starter.written() for starter in starters.kept().values()]


@pytest.mark.parametrize("shape", sorted(starters.kept()), ids=lambda shape: f"{shape[0]}-{shape[1]}")
def test_a_starter_is_kept_only_where_algebra_has_fewer_rounds(shape: tuple[int, int]) -> None:
    assert len(schedules.by_algebra(*shape)) < len(schedules.longest(*shape))


@settings(max_examples=40, deadline=None)
@given(groups=st.integers(2, 20), size=st.integers(2, 9), data=st.data())
def test_as_many_rounds_as_we_know_or_fewer_come_without_a_search(
    groups: int, size: int, data: st.DataObject
) -> None:
    rounds = data.draw(st.integers(1, len(schedules.longest(groups, size))))

    answer = golfers.schedule(groups, size, rounds, seconds=0)

    assert (answer.repeats, answer.evaluations) == (0, 0)
    assert meetings.repeats(answer.rounds) == 0
    assert {tuple(np.bincount(row, minlength=groups)) for row in answer.rounds} == {(size,) * groups}


@pytest.mark.parametrize(
    ("groups", "size", "rounds"), [(6, 4, 7), (7, 4, 9), (8, 4, 10), (9, 3, 13), (10, 4, 13)]
)
def test_a_multiplier_finds_designs_that_walks_do_not(groups: int, size: int, rounds: int) -> None:
    found = covers.find(groups, size, rounds, nodes=400, seed=1)

    assert found is not None
    assert found.develop().shape == (rounds, groups * size)
    assert meetings.repeats(found.develop()) == 0


@st.composite
def base_rounds(draw: st.DrawFn) -> Turning:
    moduli = draw(st.sampled_from([(3,), (4,), (5,), (7,), (2, 2), (2, 3), (2, 4)]))
    order = int(np.prod(moduli))
    fixed = draw(st.integers(0, 3))
    if fixed:
        groups, size = order, draw(st.integers(2, 4))
    else:
        size = draw(st.integers(2, 4))
        groups = draw(st.integers(max(2, -(-order // size)), 8))
    turns = Turns(moduli, groups * size)
    free = draw(st.integers(0 if fixed else 1, 2))
    return Turning.of(turns, groups, free=free, fixed=fixed, seed=draw(st.integers(0, 2**32)))


@settings(max_examples=60, deadline=None)
@given(turning=base_rounds(), heat=st.floats(0, 2))
def test_the_cost_of_base_rounds_is_the_repeats_of_all_they_turn_into(turning: Turning, heat: float) -> None:
    turning.walk(heat, 300)

    rounds = turning.rounds

    assert turning.cost == meetings.repeats(rounds)
    assert len(rounds) == turning.turns.order * len(turning.seats) + len(turning.rows)
    assert {tuple(np.bincount(row, minlength=turning.groups)) for row in rounds} == {
        (turning.size,) * turning.groups
    }


@pytest.mark.parametrize(
    ("groups", "size", "rounds"), [(5, 3, 7), (7, 3, 9), (10, 4, 9), (14, 4, 10), (15, 6, 8)]
)
def test_rounds_that_turn_are_found_where_nothing_is_kept(groups: int, size: int, rounds: int) -> None:
    found = starters.find(groups, size, rounds, Budget.of(None, 600_000, 1))

    assert found is not None
    assert meetings.repeats(found.develop()) == 0


@pytest.mark.parametrize(("groups", "size", "rounds"), [(3, 4, 2), (5, 3, 8), (4, 4, 6)])
def test_nothing_turns_where_counting_says_that_pairs_meet_again(groups: int, size: int, rounds: int) -> None:
    assert starters.find(groups, size, rounds, Budget.of(None, 1_000, 1)) is None


@pytest.mark.parametrize(("groups", "size", "rounds", "most"), [(7, 5, 8, 16), (5, 4, 6, 8), (8, 4, 11, 40)])
def test_one_round_more_than_algebra_gives_costs_little(groups: int, size: int, rounds: int, most: int) -> None:
    answer = golfers.schedule(groups, size, rounds, seconds=None, evaluations=60_000)

    assert answer.repeats == meetings.repeats(answer.rounds)
    assert answer.repeats <= most


@needs_c
@pytest.mark.parametrize(("groups", "size", "rounds"), [(7, 5, 8), (8, 5, 9), (15, 6, 8)])
def test_both_kernels_turn_rounds_alike(groups: int, size: int, rounds: int) -> None:
    told = []
    for backend in ("c", "numpy"):
        words = f"rounds --groups {groups} --size {size} --rounds {rounds} --evaluations 30000 --seed 3"
        ended = subprocess.run(
            [sys.executable, "-m", "services.grouping.forming", *words.split()],
            env=os.environ | {"PALABRE_KERNEL": backend}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        told.append(ended.stdout.replace(f'"backend":"{backend}"', ""))

    assert told[0] == told[1]
