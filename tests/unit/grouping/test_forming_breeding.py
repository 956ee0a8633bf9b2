from __future__ import annotations

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
    return breeding.Family(table, Budget.of(None, evaluations, seed), HEATS)


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

    child = family.child(seated(least, most, people, seed), seated(least, most, people, seed + 1))

    sizes = np.bincount(child[:people], minlength=len(most))
    assert ((sizes >= least) & (sizes <= most)).all()
    assert np.bincount(child, minlength=len(most)).tolist() == most


def test_a_child_of_twins_is_like_them() -> None:
    least, most = [3, 4, 2], [6, 6, 6]
    family = a_family(least, most, 14)
    twin = seated(least, most, 14, 9)

    assert family.child(twin, twin)[:14].tolist() == twin[:14].tolist()


def test_the_best_member_is_never_displaced() -> None:
    least, most = [4] * 6, [7] * 6
    family = a_family(least, most, 30, evaluations=400_000)
    best = []

    for k in range(20):
        family.grow(seated(least, most, 30, k), HEATS.hot, (k + 1) / 20)
        best.append(min(member.cost for member in family.members))

    assert best == sorted(best, reverse=True)
    assert len({member.cost for member in family.members}) == len(family.members)


@needs_c
def test_both_kernels_breed_alike(monkeypatch: Any) -> None:
    least, most, answers = [2, 4, 2, 3], [5, 7, 5, 3], []

    for library in (kernel.LIBRARY, None):
        monkeypatch.setattr(kernel, "LIBRARY", library)
        family = a_family(least, most, 15, evaluations=60_000)
        breeding.search(family.table, family.budget, HEATS, lambda k: seated(least, most, 15, k))
        answers.append((family.table.best_cost, family.table.best_seats.tolist(), family.budget.spent))

    assert answers[0] == answers[1]
    assert answers[0][2] == 60_000
