"""Several rounds at once: groups of one size, and as few pairs as possible that meet twice."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from services.grouping.forming import meetings, schedules, starters
from services.grouping.forming.budgets import Budget
from services.grouping.forming.instances import BadInput, Ints
from services.grouping.forming.kernel import words
from services.grouping.forming.meetings import Meetings

_BLOCK = 4096
_HOT, _WARM, _COLD = 0.7, 0.3, 0.15
"""Where a walk begins from chance, where it begins from rounds that are good already, and where both end."""

_TURNING = 0.4
"""The share of the time in which rounds that turn into one another are looked for."""


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

    Where no construction has that many rounds, some that turn into one another are looked for; then the rest of the
    time is shared by walks from the best of those, from the longest construction, and from chance. Raises BadInput
    when a number is under 1.
    """
    for name, value in (("groups", groups), ("size", size), ("rounds", rounds)):
        if value < 1:
            raise BadInput(f"{name}: at least 1 is expected, not {value}")
    budget = Budget.of(seconds, evaluations, seed)
    if budget.is_first_only:
        budget = Budget.of(None, 2_000_000, seed)
    starts = _starts(groups, size, rounds, budget)
    best = starts[0][2]
    least = meetings.repeats(best)
    for k, (part, hot, start) in enumerate(starts):
        if least == 0 or hot == 0:
            break
        found = Meetings.of(start, groups, seed=seed + k)
        began = budget.used
        end = began + (1 - began) * part / sum(later for later, _hot, _start in starts[k:])
        while found.best_cost > 0 and (used := budget.used) < end:
            heat = hot * (_COLD / hot) ** ((used - began) / (end - began))
            budget.spent += found.walk(heat, budget.block(_BLOCK))
        if found.best_cost < least:
            best, least = found.best_seats.astype(np.int64), found.best_cost
    return Schedule(
        rounds=best, repeats=least, evaluations=budget.spent, seconds=time.perf_counter() - budget.began
    )


def _starts(groups: int, size: int, rounds: int, budget: Budget) -> list[tuple[int, float, Ints]]:
    """How much of the time each walk has, how hot it begins, and the (rounds, n) group ids it begins with.

    Rounds where nobody meets twice stand alone. Walks from the longest construction have most of the time: they have
    always been best where there is one, and those from the best that turn hardly move.
    """
    n = groups * size
    if size == 1 or rounds == 1 or groups == 1:
        return [(1, 0.0, np.tile(np.arange(n) % groups, (rounds, 1)))]
    known = schedules.longest(groups, size, most=rounds)
    if len(known) >= rounds:
        return [(1, 0.0, known[:rounds])]
    told = []
    turning = starters.find(groups, size, rounds, budget, share=_TURNING)
    if turning is not None:
        told.append((1, _WARM, turning.develop()))
        if meetings.repeats(told[0][2]) == 0:
            return told
    chance = np.stack(
        [np.argsort(words(budget.seed, n * row, n), kind="stable") % groups for row in range(rounds)]
    )
    if len(known) > 1:
        told.append((6, _WARM, np.concatenate([known, chance[len(known) :]])))
    return [*told, (2, _HOT, chance)]
