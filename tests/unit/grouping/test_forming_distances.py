from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from services.grouping.forming import distances, kernel, tempering
from services.grouping.forming.budgets import Budget


def far_apart(n: int, least: list[int], most: list[int], *, seed: int = 4) -> distances.Distances:
    apart = np.triu(np.random.default_rng(seed).integers(0, 100, (n, n)).astype(float), 1)
    return distances.Distances(apart=apart + apart.T, least=np.array(least), most=np.array(most))


def best_of_all(asked: distances.Distances) -> float:
    """Every way to seat them, one by one."""
    n, G = len(asked.apart), len(asked.least)
    ways = (np.array(way) for way in product(range(G), repeat=n))
    sizes = ((way, np.bincount(way, minlength=G)) for way in ways)
    fair = (way for way, size in sizes if (size >= asked.least).all() and (size <= asked.most).all())
    return max(distances.objective(asked, way) for way in fair)


@pytest.mark.parametrize(
    ("least", "most"), [([4, 4], [4, 4]), ([2, 2, 1], [4, 3, 4]), ([0, 8], [8, 8]), ([8], [8])]
)
def test_few_people_are_spread_as_well_as_can_be(least: list[int], most: list[int]) -> None:
    asked = far_apart(8, least, most)

    found = distances.spread(asked, seconds=None, evaluations=30_000)

    assert found.objective == best_of_all(asked)


def test_first_seats_are_tried_with_the_sizes_that_make_the_most_pairs() -> None:
    asked = far_apart(13, [2, 3, 1], [5, 6, 6])

    mixes = distances._mixes(asked)

    worth = [int((mix**2).sum()) for mix in mixes]
    every = [mix for mix in product(range(2, 6), range(3, 7), range(1, 7)) if sum(mix) == 13]
    assert all(tuple(mix.tolist()) in every for mix in mixes)
    assert worth[0] == max(sum(size**2 for size in mix) for mix in every)
    assert worth == sorted(worth, reverse=True)
    assert len({tuple(mix.tolist()) for mix in mixes}) == len(mixes) > 1


def test_everybody_equally_far_apart_is_no_trouble() -> None:
    asked = far_apart(12, [3] * 4, [3] * 4)
    asked.apart[:] = 5.0
    np.fill_diagonal(asked.apart, 0.0)

    found = distances.spread(asked, seconds=None, evaluations=300_000)

    assert found.objective == 4 * 3 * 5.0


@pytest.mark.parametrize("evaluations", [1, 1000, 3_000_000])
def test_a_counted_search_spends_what_it_was_given(evaluations: int) -> None:
    found = distances.spread(far_apart(30, [6] * 5, [6] * 5), seconds=None, evaluations=evaluations)

    assert found.evaluations == evaluations


def test_neighbours_on_the_ladder_refuse_each_other_less_when_they_are_spaced_anew() -> None:
    asked = far_apart(30, [5] * 6, [5] * 6)
    pull = (-asked.apart).astype(np.int64)
    table = kernel.Table.laid(
        pull, np.zeros((6, 30), np.int64), np.arange(30) % 6, people=30, least=asked.least, seed=1
    )
    budget = Budget.of(None, 10**9, 1)
    heats = [80.0, 79.0, 78.0, 20.0]
    ladder = tempering.Ladder([table, *(table.copy(k) for k in (2, 3, 4))], heats, np.zeros(3))

    for _ in range(64):
        ladder.walk(budget)
        ladder.exchange()
    ladder.respace()

    widest = max(hot - cold for hot, cold in zip(ladder.heats, ladder.heats[1:], strict=False))
    assert (ladder.heats[0], ladder.heats[-1]) == (80.0, 20.0)
    assert widest < 78.0 - 20.0
