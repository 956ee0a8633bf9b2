"""Re-balancing: the fewest people change seats when some did not come and others arrived."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming.budgets import Budget
from services.grouping.forming.figures import GAP, Figures, figures
from services.grouping.forming.formation import Room
from services.grouping.forming.instances import Instance, Ints
from services.grouping.forming.kernel import FORBIDDEN

Policy = Literal["sizes", "balance"]

_MOVE = 40
"""Price of one person moved."""
_TRADES: dict[Policy, tuple[float, ...]] = {
    "sizes": (0.25, 0.5, 1.2, 2, 3),
    "balance": (0.5, 1.2, 2, 3, 3, 3),
}
"""How many moves closing one gap is worth, in each search in turn; together they draw the curve."""
_COLD = 0.5
"""The last temperature, in the first."""
_ASTRAY = 100
"""Pairs that heat alone, at its highest, holds off their seats; more of them would melt the plan."""
_BLOCK = 4096


@dataclass(frozen=True)
class Moved:
    """`moves` counts people who were seated and sit elsewhere now; `bound` is a count nobody can go below.

    `curve` holds (moves, gap) pairs, the gap summed over attributes: how much balance each further move buys.
    `ways` says how, for each of them: the (person, group) of everyone who sits elsewhere than in the plan.
    """

    groups: Ints
    figures: Figures
    moves: int
    bound: int
    curve: tuple[tuple[int, int], ...]
    ways: tuple[tuple[tuple[int, int], ...], ...]
    evaluations: int
    seconds: float


def rebalance(
    instance: Instance,
    plan: Ints,
    *,
    policy: Policy = "sizes",
    seconds: float | None = 0.5,
    evaluations: int | None = None,
    seed: int = 1,
    progress: Callable[[float, int], bool] | None = None,
) -> Moved:
    """Restore the hard rules with few moves. `plan` is (n,) published groups, -1 for somebody who had none.

    "sizes" makes the fewest moves that keep the hard rules, and among those the best balance; "balance" makes
    every gap as small as it finds, and among those the fewest moves. A carrier and a locked person never move.
    Raises seating.Impossible.
    """
    budget = Budget.of(seconds or None, evaluations or (None if seconds else 600_000), seed)
    kept = {person: int(group) for person, group in enumerate(plan.tolist()) if group >= 0}
    kept = {person: group for person, group in kept.items() if person not in instance.absent}
    room = Room.opened(instance, prefer=kept)
    start, answers = room.seats, _Answers(instance, plan)
    answers.note(room.groups())
    for number, trade in enumerate(_TRADES[policy]):
        if progress is not None and not progress(budget.used, min(answers.seen)):
            break
        share = (number + 1) / len(_TRADES[policy])
        room.seats = start
        for seats in _search(room, kept, round(trade * _MOVE), budget, share, number):
            room.seats = seats
            answers.note(room.groups())
    seen = answers.seen
    wanted = min(seen) if policy == "sizes" else min(seen, key=lambda moves: (seen[moves][0], moves))
    groups = seen[wanted][-1]
    curve = _front({moves: gap for moves, (gap, *_) in seen.items()})
    return Moved(
        groups=groups,
        figures=figures(instance, groups),
        moves=wanted,
        bound=fewest_moves(instance, plan, balance=policy == "balance"),
        curve=curve,
        ways=tuple(way(plan, seen[moves][-1]) for moves, _ in curve),
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


@dataclass
class _Answers:
    """The best answer at each number of moves: (broken rules and gap, cost, groups)."""

    instance: Instance
    plan: Ints
    seen: dict[int, tuple[int, int, Ints]] = field(default_factory=dict)

    def note(self, groups: Ints) -> None:
        moves, found = count_moves(self.plan, groups), figures(self.instance, groups)
        worth = (sum(found.gap), found.cost)
        if not found.broken and (moves not in self.seen or worth < self.seen[moves][:2]):
            self.seen[moves] = (*worth, groups)


def count_moves(plan: Ints, groups: Ints) -> int:
    """People seated before and after, in two different groups."""
    return int(((plan != groups) & (plan >= 0) & (groups >= 0)).sum())


def way(plan: Ints, groups: Ints) -> tuple[tuple[int, int], ...]:
    """The (person, group) of everyone who is here and sits elsewhere than in `plan`, newcomers too."""
    others = np.flatnonzero((plan != groups) & (groups >= 0))
    return tuple(zip(others.tolist(), groups[others].tolist(), strict=True))


def fewest_moves(instance: Instance, plan: Ints, *, balance: bool) -> int:
    """A number of moves nobody can go below, by counting sizes, and values too when no gap is to be left.

    A group above its largest size must lose people; one short of its smallest must gain some, from those who
    just arrived or from others.
    """
    here, G = instance.here, instance.G
    low, high = instance.bounds
    seated = here & (plan >= 0)
    sizes = np.sort(np.bincount(plan[seated], minlength=G))[::-1]
    aim = np.full(G, low)
    aim[: int(here.sum()) - low * G] = high
    bound = int(np.maximum(sizes - aim, 0).sum())
    if not balance:
        return bound
    for column in instance.attrs.T:
        values = int(column.max()) + 1 if column.size else 0
        counts = np.zeros((G, values), np.int64)
        np.add.at(counts, (plan[seated], column[seated]), 1)
        total = np.bincount(column[here], minlength=values)
        arrived = total - counts.sum(0)
        most, least = -(-total // G), total // G
        over = np.maximum(counts - most, 0).sum(0)
        under = np.maximum(least - counts, 0).sum(0) - arrived
        bound = max(bound, int(np.maximum(np.maximum(over, under), 0).sum()))
    return bound


def _search(
    room: Room, kept: dict[int, int], gap: int, budget: Budget, share: float, number: int
) -> list[Ints]:
    """The best seats seen at each number of moves, annealing with a price for leaving and `gap` for a gap until
    `share` of the budget is gone.
    """
    gaps = (room.balance % FORBIDDEN) // GAP
    calls = room.wishes + _stay(room, kept)
    table = room.table(room.full + gaps * (gap - GAP), calls, budget.seed + 1000 * number)
    home = np.full(room.chairs, -1)
    for k, person in enumerate(room.people.tolist()):
        home[k] = kept.get(person, -1)
    table.count_moves(home, _MOVE, min(len(kept), 4 * len(room.instance.absent) + len(kept) // 4 + 8))
    hot, began = 2 * _MOVE / math.log(max(20.0, room.chairs**2 / _ASTRAY)), budget.used
    while budget.used < share and len(room.movers) > 1:
        part = min(1.0, (budget.used - began) / max(share - began, 1e-9))
        budget.spent += table.walk(hot * _COLD**part, budget.block(_BLOCK))
    known = np.flatnonzero(table.front < FORBIDDEN)
    return [table.front_seats[moves].astype(np.int64) for moves in known.tolist()]


def _stay(room: Room, kept: dict[int, int]) -> NDArray[np.int64]:
    """(G, chairs): what it costs to sit anywhere but where the published plan says."""
    calls = np.zeros((room.instance.G, room.chairs), np.int64)
    for k, person in enumerate(room.people.tolist()):
        if person in kept:
            calls[:, k] = _MOVE
            calls[kept[person], k] = 0
    return calls


def _front(seen: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Those points that no point with fewer moves equals in balance."""
    front: list[tuple[int, int]] = []
    for moves in sorted(seen):
        if not front or seen[moves] < front[-1][1]:
            front.append((moves, seen[moves]))
    return tuple(front)
