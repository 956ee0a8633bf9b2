from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.grouping.forming import breeding, kernel
from services.grouping.forming.budgets import Budget
from tests.unit.grouping.test_forming_kernel import needs_c

HEATS = breeding.Heats(hot=40.0, warm=20.0, cold=5.0)


def a_family(
    least: list[int], most: list[int], people: int, *, seed: int = 4, evaluations: int = 1000
) -> breeding.Family:
    """People with distances of 1 to 99, seated as the bounds of the groups allow."""
    chairs = sum(most)
    pull = np.zeros((chairs, chairs), np.int64)
    apart = np.triu(np.random.default_rng(seed).integers(1, 100, (people, people)), 1)
    pull[:people, :people] = -(apart + apart.T)
    table = kernel.Table.laid(
        pull,
        np.zeros((len(most), chairs), np.int64),
        seated(least, most, people, seed),
        people=people,
        least=np.array(least),
        seed=seed,
    )
    return breeding.Family.around(table, Budget.of(None, evaluations, seed), HEATS)


def seated(least: list[int], most: list[int], people: int, seed: int) -> NDArray[np.int64]:
    """(chairs,) seats at random; empty chairs last."""
    draw, sizes = np.random.default_rng(seed), np.array(least, np.int64)
    while int(sizes.sum()) < people:
        sizes[draw.choice(np.flatnonzero(sizes < most))] += 1
    groups = np.arange(len(most))
    return np.concatenate((draw.permutation(np.repeat(groups, sizes)), np.repeat(groups, most - sizes)))


@st.composite
def bounds(draw: st.DrawFn) -> tuple[list[int], list[int], int]:
    pairs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=5))
    least, most = [low for low, _ in pairs], [low + more for low, more in pairs]
    return least, most, draw(st.integers(sum(least), sum(most)))


@settings(max_examples=100, deadline=None)
@given(asked=bounds(), seed=st.integers(0, 2**32 - 1))
def test_a_child_seats_everybody_once_in_groups_that_are_neither_too_small_nor_too_large(
    asked: tuple[list[int], list[int], int], seed: int
) -> None:
    least, most, people = asked
    family = a_family(least, most, people)

    child = family.child(*(seated(least, most, people, each)[:people] for each in (seed, seed + 1)))

    sizes = np.bincount(child, minlength=len(most))
    assert ((sizes >= least) & (sizes <= most)).all()


def test_a_child_of_twins_is_like_them() -> None:
    least, most = [3, 4, 2], [6, 6, 6]
    family = a_family(least, most, 14)
    twin = seated(least, most, 14, 9)[:14]

    assert family.child(twin, twin).tolist() == twin.tolist()


def test_sizes_on_which_the_first_agree_are_those_of_all_who_follow() -> None:
    least, most = [3, 4, 2], [6, 6, 6]
    family = a_family(least, most, 14)
    one = seated(least, most, 14, 9)[:14]
    other = one[np.random.default_rng(1).permutation(14)]
    family.members = [breeding.Member(-2, one), breeding.Member(-1, other)]

    family.settle()

    sizes = np.bincount(one).tolist()
    assert np.bincount(family.seated(seated(least, most, 14, 3))).tolist() == sizes
    assert np.bincount(family.child(one, other)).tolist() == sizes
    assert [len(side.table.seats) for side in family.sides] == [14, 14]


def test_sizes_on_which_the_first_do_not_agree_stay_open() -> None:
    least, most = [3, 4, 2], [6, 6, 6]
    family = a_family(least, most, 14)
    one = np.repeat(np.arange(3), [6, 5, 3])
    family.members = [breeding.Member(-2, one), breeding.Member(-1, np.repeat(np.arange(3), [5, 6, 3]))]

    family.settle()

    assert (family.least.tolist(), family.most.tolist()) == (least, most)
    assert [len(side.table.seats) for side in family.sides] == [18, 18]


def test_the_best_member_is_never_displaced() -> None:
    least, most = [4] * 6, [7] * 6
    family = a_family(least, most, 30, evaluations=400_000)
    best = []

    with ThreadPoolExecutor(1) as beside:
        for k in range(20):
            first = [seated(least, most, 30, 2 * k + side)[:30] for side in range(2)]
            family.grow(first, HEATS.hot, (k + 1) / 20, beside)
            best.append(min(member.cost for member in family.members))

    assert best == sorted(best, reverse=True)
    assert len({member.cost for member in family.members}) == len(family.members)


@needs_c
def test_both_kernels_breed_alike(monkeypatch: Any) -> None:
    least, most, answers = [2, 4, 2, 3], [5, 7, 5, 3], []

    for library in (kernel.LIBRARY, None):
        monkeypatch.setattr(kernel, "LIBRARY", library)
        family = a_family(least, most, 15)
        table, budget = family.sides[0].table, Budget.of(None, 60_000, 4)
        breeding.search(table, budget, HEATS, lambda k: seated(least, most, 15, k))
        answers.append((table.best_cost, table.best_seats.tolist(), budget.spent))

    assert answers[0] == answers[1]
    assert answers[0][2] == 60_000
