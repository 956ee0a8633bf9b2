"""Re-balancing: the fewest people change seats when some did not come and others arrived."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import kernel
from services.grouping.forming.figures import GAP, Figures, figures
from services.grouping.forming.formation import FORBIDDEN, Budget, Room, stroll
from services.grouping.forming.instances import Instance, Ints

Policy = Literal["sizes", "balance"]

_MOVE = 60
"""Price of one person moved: above anything repeats and wishes can give back."""
_HOT, _COLD = 0.4 * _MOVE, 4.0
_TRADES: dict[Policy, tuple[float, ...]] = {
    "sizes": (0.1, 0.1, 0.5, 1.2, 3),
    "balance": (0.1, 0.5, 1.2, 2, 3, 3),
}
"""How many moves closing one gap is worth, in each search in turn: the searches between the ends draw the
curve.
"""


@dataclass(frozen=True)
class Moved:
    """`moves` counts people who were seated and sit elsewhere now; `bound` is a count nobody can go below.

    `curve` holds (moves, gap) pairs, the gap summed over attributes: how much balance each further move buys.
    """

    groups: Ints
    figures: Figures
    moves: int
    bound: int
    curve: tuple[tuple[int, int], ...]
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
    budget = Budget.of(seconds or None, evaluations or (None if seconds else 60_000))
    draw = np.random.default_rng(seed)
    kept = {person: int(group) for person, group in enumerate(plan.tolist()) if group >= 0}
    kept = {person: group for person, group in kept.items() if person not in instance.absent}
    room = Room.opened(instance, draw, prefer=kept)
    seen: dict[int, tuple[int, int, Ints]] = {}

    def note(seats: Ints) -> None:
        room.seats = seats
        groups = room.groups()
        moves, found = count_moves(plan, groups), figures(instance, groups)
        worth = (sum(found.gap), found.cost)
        if moves not in seen or worth < seen[moves][:2]:
            seen[moves] = (*worth, groups)

    note(room.seats)
    start = room.seats
    for number, trade in enumerate(_TRADES[policy]):
        if progress is not None and not progress(budget.used, min(seen)):
            break
        room.seats = start
        share = (number + 1) / len(_TRADES[policy])
        note(_search(room, kept, trade, draw, budget, share))
    fewest = min(seen)
    wanted = fewest if policy == "sizes" else min(seen, key=lambda moves: (seen[moves][0], moves))
    groups = seen[wanted][2]
    return Moved(
        groups=groups,
        figures=figures(instance, groups),
        moves=wanted,
        bound=fewest_moves(instance, plan, balance=policy == "balance"),
        curve=_front({moves: gap for moves, (gap, _, _) in seen.items()}),
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


def count_moves(plan: Ints, groups: Ints) -> int:
    """People seated before and after, in two different groups."""
    return int(((plan != groups) & (plan >= 0) & (groups >= 0)).sum())


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
    room: Room, kept: dict[int, int], trade: float, draw: np.random.Generator, budget: Budget, share: float
) -> Ints:
    """Anneal with a bonus for staying; a gap is worth `trade` moves. Ends at `share` of the budget."""
    one_gap = room.balance % FORBIDDEN // GAP
    pull = room.full + one_gap * (round(trade * _MOVE) - GAP)
    table = room.table(pull, room.wishes + _stay(room, kept))
    best = kernel.Best(table.seats.copy(), table.cost)
    began = budget.used
    while budget.used < share and len(room.singles) > 1:
        part = min(1.0, (budget.used - began) / max(share - began, 1e-9))
        most = 512 if budget.evaluations is None else max(1, min(512, budget.evaluations - budget.spent))
        budget.spent += stroll(room, table, best, draw, _HOT * (_COLD / _HOT) ** part, most=most)
    return best.seats


def _stay(room: Room, kept: dict[int, int]) -> NDArray[np.int64]:
    """(G, chairs): what it costs to sit anywhere but where the published plan says."""
    stay = np.zeros((room.instance.G, room.chairs), np.int64)
    for k, person in enumerate(room.people.tolist()):
        if person in kept:
            stay[:, k] = _MOVE
            stay[kept[person], k] = 0
    return stay


def _front(seen: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Those points that no point with fewer moves equals in balance."""
    front: list[tuple[int, int]] = []
    for moves in sorted(seen):
        if not front or seen[moves] < front[-1][1]:
            front.append((moves, seen[moves]))
    return tuple(front)
