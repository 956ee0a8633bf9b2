"""Few people change seats in one room, and the hard rules and the balance are restored."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import programs, seating
from services.grouping.forming.budgets import Budget
from services.grouping.forming.cells import FORBIDDEN
from services.grouping.forming.figures import GAP, Figures, fewest_pairs, figures, pairs_of_each
from services.grouping.forming.formation import Room
from services.grouping.forming.instances import Instance, Ints

Policy = Literal["sizes", "balance"]
Prices = tuple[tuple[int, int, int], ...]
Step = tuple[int, int]

_MOVE = 40
"""Price of one person moved."""
_TRADES: dict[Policy, tuple[tuple[float, float], ...]] = {
    "sizes": ((0.25, 0.3), (0.5, 0.45), (1.2, 0.6), (2, 0.9)),
    "balance": ((2, 0.5), (0.25, 0.6), (0.5, 0.7), (1.2, 0.8), (2, 0.9)),
}
"""How many moves closing one gap is worth, in each search in turn, and the share of the time that is gone then;
together they draw the curve.
"""
_LAST, _HOTTER = 6, 2.5
"""The same, and how many times hotter, where a gap is left."""
_COLD = 0.5
"""The last temperature, in the first."""
_ASTRAY = 20
"""Pairs that heat alone, at its highest, holds off their seats; more of them would melt the plan."""
_BLOCK = 1 << 14
_COLUMNS = 3000
"""People times groups up to which the fewest moves are worked out exactly; the annealing comes close beyond."""
_NODES = 80
_PRICED, _STEPS = 20_000, 100
"""The same for a bound by prices, and the steps it takes."""
_EXACT = 0.7
"""Share of the time after which the exact answer branches no further."""


@dataclass(frozen=True)
class Moved:
    """`moves` counts people who were seated and sit elsewhere now; `bound` is a count nobody can go below, and
    `prices` what proves it where counting does not (programs.priced).

    `curve` holds (moves, gap) pairs, the gap summed over attributes: how much balance each further move buys.
    `ways` says how, for each of them: the (person, group) of everyone who sits elsewhere than in the plan.
    """

    plan: Ints
    groups: Ints
    figures: Figures
    moves: int
    bound: int
    prices: Prices
    curve: tuple[tuple[int, int], ...]
    ways: tuple[tuple[Step, ...], ...]
    evaluations: int
    seconds: float

    def seats(self, point: int) -> Ints:
        """(n,) the groups at one point of the curve; the answer's own differ from its point in nothing that counts."""
        found = np.where(self.groups >= 0, self.plan, -1)
        for person, group in self.ways[point]:
            found[person] = group
        return found


def exchange(
    instance: Instance,
    plan: Ints,
    *,
    policy: Policy,
    budget: Budget,
    progress: Callable[[float, int], bool] | None = None,
) -> Moved:
    """The moves of moves.rebalance for one room: as many people as the kernel's table holds."""
    kept = {person: int(group) for person, group in enumerate(plan.tolist()) if group >= 0}
    kept = {person: group for person, group in kept.items() if person not in instance.absent}
    room = Room.opened(instance, prefer=kept)
    answers = _Answers(instance, plan)
    answers.note(room.groups())
    least_prices: Prices = ()
    if min(answers.seen) > fewest_moves(instance, plan, room.groups(), balance=False):
        least_prices = _exact(room, answers, budget, even=False)
        room.sit(answers.seen[min(answers.seen)][-1])
    even_prices = _exact(room, answers, budget, even=True)
    start = room.seats
    for number, (trade, share) in enumerate((*_TRADES[policy], (0, 1.0))):
        if progress is not None and not progress(budget.used, answers.chosen(policy)):
            break
        heat = 1.0
        if not trade:
            trade, heat = (_LAST, _HOTTER) if answers.least_gap else (1.2, 1.0)
        room.seats = start
        found = []
        for moves, seats in _search(room, kept, (round(trade * _MOVE), heat), budget, share, number):
            room.seats = seats
            found.append((moves, room.groups()))
        for (moves, groups), gap in zip(found, answers.gaps([groups for _, groups in found]), strict=True):
            if answers.may_gain(moves, gap):
                answers.note(groups)
    seen = answers.seen
    wanted = answers.chosen(policy)
    groups = seen[wanted][-1]
    curve = _front({moves: gap for moves, (gap, *_) in seen.items()})
    has_gap = policy == "sizes" or seen[wanted][0] > 0
    prices = least_prices if has_gap else even_prices
    if not has_gap and not prices and len(room.people) * instance.G <= _PRICED:
        program = programs.Program.of(instance, plan, groups, seating.units(instance))
        prices = programs.ascended(program, wanted, _STEPS)
    return Moved(
        plan=plan,
        groups=groups,
        figures=figures(instance, groups),
        moves=wanted,
        bound=fewest_moves(instance, plan, groups, balance=not has_gap, prices=prices),
        prices=prices,
        curve=curve,
        ways=tuple(way(plan, seen[moves][-1]) for moves, _ in curve),
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


@dataclass
class _Answers:
    """The best answer at each number of moves: (gap, cost, groups)."""

    instance: Instance
    plan: Ints
    seen: dict[int, tuple[int, int, Ints]] = field(default_factory=dict)
    columns: list[Ints] = field(init=False)
    least: list[int] = field(init=False)

    def __post_init__(self) -> None:
        here, G = self.instance.here, self.instance.G
        self.columns = list(np.ascontiguousarray(self.instance.attrs.T))
        self.least = [fewest_pairs(column[here], G) for column in self.columns]

    def note(self, groups: Ints) -> None:
        moves, found = count_moves(self.plan, groups), figures(self.instance, groups)
        worth = (sum(found.gap), found.cost)
        if not found.broken and (moves not in self.seen or worth < self.seen[moves][:2]):
            self.seen[moves] = (*worth, groups)

    def gaps(self, seatings: Sequence[Ints]) -> list[int]:
        """What each of these leaves, summed over attributes."""
        if not seatings:
            return []
        every = np.stack(seatings)
        gaps = np.full(len(every), -sum(self.least), np.int64)
        for column in self.columns:
            gaps += pairs_of_each(every, column)
        return [int(gap) for gap in gaps]

    def may_gain(self, moves: int, gap: int) -> bool:
        """Whether no answer with fewer moves leaves as small a gap as this one, and none with as many a smaller one."""
        return all(
            gap < seen[0] or (gap == seen[0] and moves == m) for m, seen in self.seen.items() if m <= moves
        )

    @property
    def least_gap(self) -> int:
        return min(gap for gap, *_ in self.seen.values())

    def chosen(self, policy: Policy) -> int:
        """The number of moves a policy wants."""
        if policy == "sizes":
            return min(self.seen)
        return min(self.seen, key=lambda moves: (self.seen[moves][0], moves))


def count_moves(plan: Ints, groups: Ints) -> int:
    """People seated before and after, in two different groups."""
    return int(((plan != groups) & (plan >= 0) & (groups >= 0)).sum())


def way(plan: Ints, groups: Ints) -> tuple[Step, ...]:
    """The (person, group) of everyone who is here and sits elsewhere than in `plan`, newcomers too."""
    others = np.flatnonzero((plan != groups) & (groups >= 0))
    return tuple(zip(others.tolist(), groups[others].tolist(), strict=True))


def fewest_moves(instance: Instance, plan: Ints, groups: Ints, *, balance: bool, prices: Prices = ()) -> int:
    """A number of moves nobody can go below: by counting sizes, where no gap is to be left by counting values too, and
    by `prices`, whatever they are. `groups` is any seating of those who are here.

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
    for column in instance.attrs.T if balance else ():
        values = int(column.max()) + 1 if column.size else 0
        counts = np.zeros((G, values), np.int64)
        np.add.at(counts, (plan[seated], column[seated]), 1)
        total = np.bincount(column[here], minlength=values)
        arrived = total - counts.sum(0)
        most, least = -(-total // G), total // G
        over = np.maximum(counts - most, 0).sum(0)
        under = np.maximum(least - counts, 0).sum(0) - arrived
        bound = max(bound, int(np.maximum(np.maximum(over, under), 0).sum()))
    if prices:
        program = programs.Program.of(instance, plan, groups, seating.units(instance), even=balance)
        bound = max(bound, programs.priced(program, prices))
    return bound


def _exact(room: Room, answers: _Answers, budget: Budget, *, even: bool) -> Prices:
    """The fewest moves that keep the hard rules, and leave no gap when `even`, where they can be had at once; the
    prices that bound them.
    """
    instance = room.instance
    if not programs.IS_HERE or not 0 < len(room.people) * instance.G <= _COLUMNS:
        return ()
    program = programs.Program.of(instance, answers.plan, room.groups(), seating.units(instance), even=even)
    until = math.inf if budget.seconds is None else budget.began + _EXACT * budget.seconds
    try:
        found = program.solve(limit=len(room.people) + 1, nodes=_NODES, until=until)
    except ImportError:  # another library of this process has loaded another HiGHS
        return ()
    if found.groups is not None:
        answers.note(found.groups)
    return found.prices


def _search(
    room: Room, kept: dict[int, int], terms: tuple[int, float], budget: Budget, share: float, number: int
) -> list[tuple[int, Ints]]:
    """The best seats seen at each number of moves, annealing with a price for leaving and one for a gap until `share`
    of the budget is gone. `terms` are that price and how many times as hot as usual it gets.
    """
    gap, hotter = terms
    gaps = (room.balance % FORBIDDEN) // GAP
    calls = room.wishes + _stay(room, kept)
    table = room.table(room.full + gaps * (gap - GAP), calls, budget.seed + 1000 * number)
    home = np.full(room.chairs, -1)
    for k, person in enumerate(room.people.tolist()):
        home[k] = kept.get(person, -1)
    table.count_moves(home, _MOVE, min(len(kept), 4 * len(room.instance.absent) + len(kept) // 4 + 8))
    hot, began = hotter * 2 * _MOVE / math.log(max(20.0, room.chairs**2 / _ASTRAY)), budget.used
    while budget.used < share and len(room.movers) > 1:
        part = min(1.0, (budget.used - began) / max(share - began, 1e-9))
        budget.spent += table.walk(hot * _COLD**part, budget.block(_BLOCK))
    known = np.flatnonzero(table.front < FORBIDDEN)
    return [(moves, table.front_seats[moves].astype(np.int64)) for moves in known.tolist()]


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
