"""A large round re-balanced district by district: each has some of the groups, and those who sit there.

As in blocks, districts that hold between q and q + 1 of a value for each of their groups, and are even themselves, are
even together. Only the few who upset that change districts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import blocks, exchanges, seating
from services.grouping.forming.budgets import Budget
from services.grouping.forming.exchanges import Moved, Policy, count_moves, fewest_moves, way
from services.grouping.forming.figures import broken_rules, figures
from services.grouping.forming.instances import Instance, Ints

_POINTS = 40
"""Points of the curve that are kept."""
_STEPS = 20_000
"""People who may change districts before what is left of a gap is let be."""


def exchange(
    instance: Instance,
    plan: Ints,
    *,
    policy: Policy,
    budget: Budget,
    progress: Callable[[float, int], bool] | None = None,
) -> Moved:
    """The moves of moves.rebalance, each district with its share of the budget. Raises seating.Impossible and, when
    the rules cannot be kept within the districts, seating.Undecided.
    """
    parts = _parts(instance, plan, policy)
    found: list[Moved] = []
    for k, part in enumerate(parts):
        left = len(parts) - k
        wait, count = None, None
        if budget.seconds is not None:
            wait = max(1e-3, budget.began + budget.seconds - time.perf_counter()) / left
        if budget.evaluations is not None:
            count = max(1, (budget.evaluations - budget.spent) // left)
        if progress is not None and not progress(budget.used, sum(answer.moves for answer in found)):
            wait, count = 1e-3, 1
        own = Budget.of(wait, count, budget.seed + k)
        try:
            found.append(exchanges.exchange(part.instance, _own_plan(part, plan), policy=policy, budget=own))
        except seating.Impossible as refusal:
            raise seating.Undecided("rules: no seating was found that keeps them all") from refusal
        budget.spent += own.spent
    steps = _steps(found)
    states = [_seated(instance, parts, found, at) for at in steps]
    wanted = states[0] if policy == "sizes" else states[-1]
    told = figures(instance, wanted)
    if broken_rules(instance, wanted):
        raise seating.Undecided("rules: no seating was found that keeps them all")
    has_gap = policy == "sizes" or any(told.gap)
    curve, ways = _curve(instance, plan, states)
    return Moved(
        plan=plan,
        groups=wanted,
        figures=told,
        moves=count_moves(plan, wanted),
        bound=fewest_moves(instance, plan, wanted, balance=not has_gap),
        prices=(),
        curve=curve,
        ways=ways,
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


def _own_plan(part: blocks.Block, plan: Ints) -> Ints:
    """The published groups of a district's people, as it counts them; who comes from elsewhere has none."""
    first, last = int(part.groups[0]), int(part.groups[-1])
    seats = plan[part.people]
    return np.where((seats >= first) & (seats <= last), seats - first, -1)


def _parts(instance: Instance, plan: Ints, policy: Policy) -> list[blocks.Block]:
    """Everyone in the district of their seat, but for the fewest we find who must go to another."""
    people, G = int(instance.here.sum()), instance.G
    count = max(1, min(G, people // blocks.PEOPLE))
    edges = np.arange(count + 1) * G // count
    home_of = np.repeat(np.arange(count), np.diff(edges))
    district = np.full(instance.n, -1, np.int64)
    loose = np.zeros(instance.n, np.bool_)
    newcomers = []
    for unit in seating.bound_units(instance):
        members = list(unit.people)
        seats = [int(group) for group in plan[members] if group >= 0]
        if unit.group >= 0:
            district[members] = home_of[unit.group]
        elif seats:
            district[members] = home_of[max(seats, key=seats.count)]
            loose[members] = len(members) == 1
        else:
            newcomers.append(members)
    tally = _Tally.of(instance, district, np.diff(edges), policy)
    for members in newcomers:
        chosen = int(np.asarray(sum(tally.come(np.array([p]))[0] for p in members)).argmin())
        tally.add(members, chosen)
        district[members] = chosen
        loose[members] = len(members) == 1
    tally.settle(district, loose, np.where(district >= 0, plan, -1))
    return [
        blocks.cut(instance, np.flatnonzero(district == k), np.arange(edges[k], edges[k + 1]))
        for k in range(count)
    ]


@dataclass
class _Tally:
    """How many people of each value a district holds, and may: `held[a]`, `least[a]`, `most[a]` are (values,
    districts). Everyone is the one value of the first.
    """

    values: list[Ints]
    held: list[Ints]
    least: list[Ints]
    most: list[Ints]

    @classmethod
    def of(cls, instance: Instance, district: Ints, groups: Ints, policy: Policy) -> _Tally:
        tally = cls([], [], [], [])
        here = instance.here
        everyone = np.zeros(instance.n, np.int64)
        for column in [everyone, *(instance.attrs.T if policy == "balance" else ())]:
            total = np.bincount(column[here])
            held = np.zeros((len(total), len(groups)), np.int64)
            known = district >= 0
            np.add.at(held, (column[known], district[known]), 1)
            tally.values.append(np.ascontiguousarray(column))
            tally.held.append(held)
            tally.least.append(np.outer(total // instance.G, groups))
            tally.most.append(np.outer(-(-total // instance.G), groups))
        return tally

    def come(self, people: Ints) -> Ints:
        """(people, districts) how many more are astray when one of them comes; the least filled first."""
        return sum(
            (_astray(held[v[people]] + 1, low[v[people]], top[v[people]])
            - _astray(held[v[people]], low[v[people]], top[v[people]]))
            for v, held, low, top in zip(self.values, self.held, self.least, self.most, strict=True)
        )  # type: ignore[return-value]  # fmt: skip

    def leave(self, people: Ints, district: Ints) -> Ints:
        """(people,) how many more are astray when one of them leaves their district."""
        return sum(
            (_astray(held[v[people], district] - 1, low[v[people], district], top[v[people], district])
            - _astray(held[v[people], district], low[v[people], district], top[v[people], district]))
            for v, held, low, top in zip(self.values, self.held, self.least, self.most, strict=True)
        )  # type: ignore[return-value]  # fmt: skip

    def add(self, people: list[int], district: int, times: int = 1) -> None:
        for v, held in zip(self.values, self.held, strict=True):
            np.add.at(held[:, district], v[people], times)

    def settle(self, district: Ints, loose: NDArray[np.bool_], seats: Ints) -> None:
        """Move one `loose` person after another to where fewest are astray, while that helps; those of the largest
        groups first, whom their own district would move anyway. `seats` are everyone's groups, -1 for none.
        """
        sizes = np.bincount(seats[seats >= 0], minlength=1)
        for _ in range(_STEPS):
            people = self._concerned(district, loose)
            crowd = np.where(seats[people] >= 0, sizes[seats[people]], 0)
            people = people[np.argsort(-crowd, kind="stable")]
            if not len(people):
                return
            gain = self.leave(people, district[people])[:, None] + self.come(people)
            gain[np.arange(len(people)), district[people]] = 0
            best = int(gain.argmin())
            row, to = divmod(best, gain.shape[1])
            if gain[row, to] >= 0:
                return
            person = int(people[row])
            self.add([person], int(district[person]), -1)
            self.add([person], to)
            district[person] = to
            if seats[person] >= 0:
                sizes[seats[person]] -= 1
                seats[person] = -1

    def _concerned(self, district: Ints, loose: NDArray[np.bool_]) -> Ints:
        """Those who help by leaving a district that holds too many like them, or by coming where too few are."""
        for v, held, low, top in zip(self.values, self.held, self.least, self.most, strict=True):
            over, under = held > top, (held < low).any(1)
            if over.any():
                kind, where = np.argwhere(over)[0].tolist()
                found = loose & (v == kind) & (district == where)
            elif under.any():
                found = loose & (v == int(under.argmax()))
            else:
                continue
            people: Ints = np.flatnonzero(found)
            return people
        return np.empty(0, np.int64)


def _astray(held: Ints, least: Ints, most: Ints) -> Ints:
    found: Ints = np.maximum(held - most, 0) + np.maximum(least - held, 0)
    return found


def _steps(found: list[Moved]) -> list[list[int]]:
    """Points of all curves together: from the fewest moves everywhere to the least gap, the best bargain first."""
    at = [0] * len(found)
    bargains = []
    for k, answer in enumerate(found):
        now = 0
        while now + 1 < len(answer.curve):
            (moves, gap), later = answer.curve[now], answer.curve[now + 1 :]
            rates = [(gap - g) / (m - moves) for m, g in later]
            after = now + 1 + max(range(len(rates)), key=rates.__getitem__)
            bargains.append((-max(rates), k, after))
            now = after
    steps = [list(at)]
    for _, k, after in sorted(bargains):
        at[k] = after
        steps.append(list(at))
    if len(steps) <= _POINTS:
        return steps
    kept = np.unique(np.linspace(0, len(steps) - 1, _POINTS).astype(int))
    return [steps[k] for k in kept.tolist()]


def _seated(instance: Instance, parts: list[blocks.Block], found: list[Moved], at: list[int]) -> Ints:
    """(n,) groups when each district is at a point of its curve."""
    groups = np.full(instance.n, -1, np.int64)
    for part, answer, point in zip(parts, found, at, strict=True):
        groups[part.people] = part.groups[answer.seats(point)]
    return groups


def _curve(
    instance: Instance, plan: Ints, states: list[Ints]
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[exchanges.Step, ...], ...]]:
    front: list[tuple[int, int]] = []
    ways = []
    for groups in states:
        point = (count_moves(plan, groups), sum(figures(instance, groups).gap))
        if not front or (point[0] > front[-1][0] and point[1] < front[-1][1]):
            front.append(point)
            ways.append(way(plan, groups))
    return tuple(front), tuple(ways)
