"""Several rounds at once: groups of one size, and as few pairs as possible that meet twice."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from services.grouping.forming import kernel
from services.grouping.forming.formation import Budget
from services.grouping.forming.instances import BadInput, Ints

_BLOCK = 256


@dataclass(frozen=True)
class Schedule:
    """`rounds` is (R, n) group ids; `repeats` counts every meeting of a pair after its first."""

    rounds: Ints
    repeats: int
    evaluations: int
    seconds: float


def schedule(
    groups: int,
    size: int,
    rounds: int,
    *,
    seconds: float | None = 1.0,
    evaluations: int | None = None,
    seed: int = 1,
) -> Schedule:
    """`rounds` rounds of `groups` groups of `size`: nobody with somebody twice, as far as the search gets.

    Raises BadInput when a number is under 1.
    """
    for name, value in (("groups", groups), ("size", size), ("rounds", rounds)):
        if value < 1:
            raise BadInput(f"{name}: at least 1 is expected, not {value}")
    budget = Budget.of(seconds, evaluations)
    if budget.is_first_only:
        budget = Budget.of(None, _BLOCK * rounds * 20)
    draw = np.random.default_rng(seed)
    n = groups * size
    seats = np.stack(
        [np.arange(n) % groups, *(draw.permutation(np.arange(n) % groups) for _ in range(rounds - 1))]
    )
    met = sum((_together(row) for row in seats), np.zeros((n, n), np.int64))
    best, fewest = seats.copy(), repeats(seats)
    empty, least = np.zeros((groups, n), np.int64), np.full(groups, size)
    hot, cold = 0.7, 0.15
    while fewest > 0 and budget.used < 1.0 and rounds > 1:
        heat = hot * (cold / hot) ** budget.used
        for row in range(1, rounds):
            others = met - _together(seats[row])
            pull = (others > 0).astype(np.int64)
            np.fill_diagonal(pull, 0)
            table = kernel.Table.laid(pull, empty, seats[row], people=n, least=least)
            us, vs = draw.integers(0, n, _BLOCK), draw.integers(0, n, _BLOCK)
            limits = -heat * np.log1p(-draw.random(_BLOCK))
            budget.spent += kernel.walk(
                table, us, vs, limits, kernel.Best(table.seats, table.cost), stop_at=-np.inf
            )
            seats[row] = table.seats
            met = others + _together(seats[row])
            now = int(np.maximum(met - 1, 0).sum() - n * (rounds - 1)) // 2
            if now < fewest:
                best, fewest = seats.copy(), now
            if fewest == 0 or budget.used >= 1.0:
                break
    return Schedule(
        rounds=best, repeats=fewest, evaluations=budget.spent, seconds=time.perf_counter() - budget.began
    )


def repeats(seats: Ints) -> int:
    """Meetings of a pair after its first, over (R, n) group ids."""
    n = seats.shape[1]
    met = sum((_together(row) for row in seats), np.zeros((n, n), np.int64))
    np.fill_diagonal(met, 0)
    return int(np.maximum(met - 1, 0).sum()) // 2


def _together(row: Ints) -> Ints:
    pairs: Ints = (row[:, None] == row[None, :]).astype(np.int64)
    return pairs
