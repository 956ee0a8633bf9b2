"""Several rounds at once: groups of one size, and as few pairs as possible that meet twice."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from services.grouping.forming import schedules
from services.grouping.forming.budgets import Budget
from services.grouping.forming.instances import BadInput, Ints
from services.grouping.forming.kernel import words
from services.grouping.forming.meetings import Meetings

_BLOCK = 4096
_HOT, _COLD = 0.7, 0.15


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
    budget = Budget.of(seconds, evaluations, seed)
    if budget.is_first_only:
        budget = Budget.of(None, 2_000_000, seed)
    n = groups * size
    rows = [np.argsort(words(seed, n * row, n), kind="stable") % groups for row in range(rounds)]
    rows[0] = np.arange(n) % groups
    known = schedules.schedule(groups, size, rounds)
    meetings = Meetings.of(np.stack(rows) if known is None else known, groups, seed=seed)
    while meetings.best_cost > 0 and (used := budget.used) < 1.0 and rounds > 1 and groups > 1:
        budget.spent += meetings.walk(_HOT * (_COLD / _HOT) ** used, budget.block(_BLOCK))
    return Schedule(
        rounds=meetings.best_seats.astype(np.int64),
        repeats=meetings.best_cost,
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )
