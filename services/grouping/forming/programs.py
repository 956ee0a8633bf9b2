"""The fewest moves that keep the hard rules, or leave no gap either, as an integer program.

x[u, g] = 1 puts unit u (people who stay together, mostly one) into group g. Sizes, values and pairs apart are rows
"so many of these units in group g, at least and at most". Almost all rows hold by themselves at the published seats,
so they are added only when an answer breaks them, and the rest stays so small that a round of 132 people takes
milliseconds. Most answers of the linear program are whole; the others are branched on.

Needs HiGHS (highspy); without it nothing here is called. Sources: Q. Huangfu and J. A. J. Hall, "Parallelizing the
dual revised simplex method", Mathematical Programming Computation 10 (2018), 119-142; A. M. Geoffrion, "Lagrangean
relaxation for integer programming", Mathematical Programming Study 2 (1974), 82-114, for the bound from prices.
"""

from __future__ import annotations

import importlib.util
import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import seating
from services.grouping.forming.instances import Instance, Ints

Floats = NDArray[np.float64]

IS_HERE = importlib.util.find_spec("highspy") is not None
MICRO = 1_000_000
"""Prices are told in millionths, so that a bound is a sum of whole numbers."""
_SLACK = 1e-6
_WHOLE = 1e-5
_STRIDE, _BALL, _IDLE = 3.75, 0.8, 10


@dataclass(frozen=True)
class Found:
    """`groups` is (n,) with the fewest moves, None when none was found below the limit; no answer has fewer than
    `bound`. `prices` proves that bound: (class, group) and what one more there is worth, in millionths.
    """

    groups: Ints | None
    bound: int
    prices: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Classes:
    """Sets of units of which each group holds `least[k]` to `most[k]` people: everyone, those of a value, those who
    must not meet. Entry j says that class `of[j]` holds `count[j]` people of unit `unit[j]`; entries are in order of
    units, those of unit u from `first[u]` on.
    """

    least: Ints
    most: Ints
    of: Ints
    unit: Ints
    count: Ints
    first: Ints

    @classmethod
    def among(cls, instance: Instance, people: Ints, unit_of: Ints, units: int, *, even: bool) -> Classes:
        """Of the `people` (ids) who sit in the groups at hand; bounds are those of the whole round. Values are
        spread only when `even`.
        """
        here, G = instance.here, instance.G
        least, most = [instance.bounds[0]], [instance.bounds[1]]
        of, who = [np.zeros(len(people), np.int64)], [people]
        for column in instance.attrs.T if even else ():
            total = np.bincount(column[here]) if here.any() else np.zeros(1, np.int64)
            values = column[people]
            known = np.flatnonzero(total > 1)
            name = np.full(len(total), -1, np.int64)
            name[known] = len(least) + np.arange(len(known))
            of.append(name[values][total[values] > 1])
            who.append(people[total[values] > 1])
            least.extend((total[known] // G).tolist())
            most.extend((-(-total[known] // G)).tolist())
        for a, b in instance.apart:
            if unit_of[a] >= 0 and unit_of[b] >= 0:
                of.append(np.full(2, len(least), np.int64))
                who.append(np.array([a, b], np.int64))
                least.append(0)
                most.append(1)
        names = unit_of[np.concatenate(who)] * len(least) + np.concatenate(of)
        entries, count = np.unique(names, return_counts=True)
        unit, kind = np.divmod(entries, len(least))
        first = np.searchsorted(unit, np.arange(units + 1))
        return cls(np.array(least), np.array(most), kind, unit, count, first)

    def counts(self, group: Ints, groups: int) -> Ints:
        """(classes, groups) people of each class, when unit u is in group[u]."""
        found = np.zeros((len(self.least), groups), np.int64)
        np.add.at(found, (self.of, group[self.unit]), self.count)
        return found


@dataclass
class Program:
    """Everyone in `groups` (ids, in order), from `seats`: (n,) groups as they are, -1 for the absent.

    `at[group]` is its place among them, -1 for another. `price` is (units, groups at hand) moves, `base` the group of
    fewest of them, `lowest` what all that costs.
    """

    instance: Instance
    groups: Ints
    at: Ints
    units: list[seating.Unit]
    unit_of: Ints
    classes: Classes
    price: Ints
    base: Ints
    lowest: int
    counts: Ints = field(init=False)
    column_of: Ints = field(init=False)
    column_unit: Ints = field(init=False)
    column_group: Ints = field(init=False)

    @classmethod
    def of(
        cls,
        instance: Instance,
        plan: Ints,
        seats: Ints,
        everyone: list[seating.Unit],
        groups: Ints | None = None,
        *,
        even: bool = True,
    ) -> Program:
        groups = np.arange(instance.G) if groups is None else groups
        at = np.full(instance.G + 1, -1, np.int64)
        at[groups] = np.arange(len(groups))
        units = [unit for unit in everyone if at[seats[unit.people[0]]] >= 0]
        unit_of = np.full(instance.n, -1, np.int64)
        for u, unit in enumerate(units):
            unit_of[list(unit.people)] = u
        people = np.flatnonzero(unit_of >= 0)
        homed = people[plan[people] >= 0]
        price = np.tile(np.bincount(unit_of[homed], minlength=len(units))[:, None], (1, len(groups)))
        near = homed[at[plan[homed]] >= 0]
        np.subtract.at(price, (unit_of[near], at[plan[near]]), 1)
        base = at[seats[[unit.people[0] for unit in units]]]
        cheaper = price.min(1) < price[np.arange(len(units)), base]
        free = np.array([unit.group < 0 for unit in units], bool)
        base = np.where(free & cheaper, price.argmin(1), base)
        lowest = price[np.arange(len(units)), base]
        found = cls(
            instance=instance,
            groups=groups,
            at=at,
            units=units,
            unit_of=unit_of,
            classes=Classes.among(instance, people, unit_of, len(units), even=even),
            price=price,
            base=base,
            lowest=int(lowest.sum()),
        )
        found._lay(free)
        return found

    def _lay(self, free: NDArray[np.bool_]) -> None:
        """A column for each free unit and each group but its base."""
        units, groups = self.price.shape
        self.counts = self.classes.counts(self.base, groups)
        movers = np.flatnonzero(free)
        unit, group = np.repeat(movers, groups), np.tile(np.arange(groups), len(movers))
        other = group != self.base[unit]
        self.column_unit, self.column_group = unit[other], group[other]
        self.column_of = np.full((units, groups), -1, np.int64)
        self.column_of[self.column_unit, self.column_group] = np.arange(len(self.column_unit))

    def solve(self, *, limit: int, nodes: int, until: float = math.inf) -> Found:
        """The fewest moves, if they are fewer than `limit` and found in `nodes` branches, before the clock
        (time.perf_counter) says `until`.
        """
        return _Search(self, limit, nodes, until).run()

    def totals(self, x: Floats) -> tuple[Floats, Floats]:
        """(classes, groups) people, and for each unit how much of it has left its base."""
        moved = np.flatnonzero(x > _SLACK)
        unit, group, part = self.column_unit[moved], self.column_group[moved], x[moved]
        first, last = self.classes.first[unit], self.classes.first[unit + 1]
        times = last - first
        entry = np.arange(int(times.sum())) + np.repeat(first - np.cumsum(times) + times, times)
        weight = np.repeat(part, times) * self.classes.count[entry]
        found = self.counts.astype(np.float64)
        np.add.at(found, (self.classes.of[entry], np.repeat(group, times)), weight)
        np.subtract.at(found, (self.classes.of[entry], np.repeat(self.base[unit], times)), weight)
        left = np.bincount(unit, part, minlength=len(self.units)).astype(np.float64)
        return found, left

    def row(self, kind: int, group: int) -> tuple[Ints, Floats]:
        """The columns of a class in a group: units that may come count up, those whose base it is down."""
        entries = np.flatnonzero(self.classes.of == kind)
        unit, count = self.classes.unit[entries], self.classes.count[entries].astype(np.float64)
        come = self.column_of[unit, group]
        leave = self.column_of[unit[self.base[unit] == group]]
        down = np.repeat(-count[self.base[unit] == group], leave.shape[1])
        columns, weights = np.concatenate([come, leave.ravel()]), np.concatenate([count, down])
        return columns[columns >= 0], weights[columns >= 0]

    def seated(self, x: Floats) -> Ints:
        """(n,) group ids, -1 for those in other groups."""
        at = self.base.copy()
        moved = np.flatnonzero(x > 0.5)
        at[self.column_unit[moved]] = self.column_group[moved]
        found = np.full(self.instance.n, -1, np.int64)
        for unit, group in zip(self.units, self.groups[at].tolist(), strict=True):
            found[list(unit.people)] = group
        return found


class _Search:
    """Branch and bound, depth first: each branch fixes one unit in a group or out of it."""

    def __init__(self, program: Program, limit: int, nodes: int, until: float) -> None:
        import highspy  # noqa: PLC0415

        self.program, self.limit, self.nodes, self.until = program, limit, nodes, until
        self.rows: dict[tuple[int, int], int] = {}
        self.inf = highspy.kHighsInf
        self.optimal = highspy.HighsModelStatus.kOptimal
        self.solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (("output_flag", False), ("parallel", "off"), ("threads", 1), ("presolve", "off")):
            self.solver.setOptionValue(option, value)
        price = program.price[program.column_unit, program.column_group]
        self.cost = (price - program.price[program.column_unit, program.base[program.column_unit]]).astype(
            float
        )
        count = len(self.cost)
        self.solver.addVars(count, np.zeros(count), np.ones(count))
        self.solver.changeColsCost(count, np.arange(count, dtype=np.int32), self.cost)
        self.groups: Ints | None = None

    def run(self) -> Found:
        x = self._relaxed()
        if x is None:
            return Found(None, self.limit, ())
        prices = self._prices()
        bound = max(priced(self.program, prices), 0)
        self._branch(x, bound)
        return Found(self.groups, bound, prices)

    def _branch(self, x: Floats | None, bound: int) -> bool:
        """Whether the search is over: as few moves as the bound, or no branches left."""
        if x is None:
            return False
        moves = self.program.lowest + float(self.cost @ x)
        if math.ceil(moves - _SLACK) >= self.limit:
            return False
        open_ = np.flatnonzero(np.abs(x - np.rint(x)) > _WHOLE)
        if not len(open_):
            self.groups, self.limit = self.program.seated(x), round(moves)
            return self.limit <= bound
        column = int(open_[np.abs(x[open_] - 0.55).argmin()])
        for value in (1.0, 0.0):
            self.nodes -= 1
            if self.nodes < 0 or time.perf_counter() > self.until:
                return True
            self.solver.changeColBounds(column, value, value)
            is_over = self._branch(self._relaxed(), bound)
            self.solver.changeColBounds(column, 0.0, 1.0)
            if is_over:
                return True
        return False

    def _relaxed(self) -> Floats | None:
        """The linear program's answer with every row kept; None when there is none."""
        x = np.zeros(len(self.cost))
        for number in range(200):
            if number or self.rows:
                self.solver.run()
                if self.solver.getModelStatus() != self.optimal:
                    return None
                x = np.array(self.solver.getSolution().col_value)
            if not self._add_broken(x):
                return x
        return None

    def _add_broken(self, x: Floats) -> int:
        program, classes = self.program, self.program.classes
        totals, left = program.totals(x)
        broken = (totals > classes.most[:, None] + _SLACK) | (totals < classes.least[:, None] - _SLACK)
        new: list[tuple[Any, ...]] = []
        for kind, group in np.argwhere(broken).tolist():
            if (kind, group) not in self.rows:
                self.rows[kind, group] = len(self.rows)
                before = program.counts[kind, group]
                columns, weights = program.row(kind, group)
                new.append((classes.least[kind] - before, classes.most[kind] - before, columns, weights))
        for unit in np.flatnonzero(left > 1 + _SLACK).tolist():
            if (-1, unit) not in self.rows:
                self.rows[-1, unit] = len(self.rows)
                columns = program.column_of[unit][program.column_of[unit] >= 0]
                new.append((-self.inf, 1.0, columns, np.ones(len(columns))))
        if new:
            sizes = [len(columns) for *_, columns, _ in new]
            self.solver.addRows(
                len(new), np.array([row[0] for row in new], float), np.array([row[1] for row in new], float),
                sum(sizes), np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32),
                np.concatenate([row[2] for row in new]).astype(np.int32), np.concatenate([row[3] for row in new]),
            )  # fmt: skip
        return len(new)

    def _prices(self) -> tuple[tuple[int, int, int], ...]:
        if not self.rows:
            return ()
        worth = self.solver.getSolution().row_dual
        told = (
            (kind, group, round(worth[row] * MICRO)) for (kind, group), row in self.rows.items() if kind >= 0
        )
        return tuple((kind, group, price) for kind, group, price in told if price)


def priced(program: Program, prices: tuple[tuple[int, int, int], ...]) -> int:
    """A number of moves nobody can go below, whatever the prices are.

    Who has a place in a class and a group pays its price, or is paid; the rows say what can be earned with that at
    most, and each unit then goes where it is cheapest.
    """
    classes, groups = program.classes, program.price.shape[1]
    price = np.zeros((len(classes.least), groups), np.int64)
    for kind, group, micro in prices:
        if kind < len(price):
            price[kind, group] = micro
    earned = np.where(price > 0, price * classes.least[:, None], price * classes.most[:, None]).sum()
    paid = program.price * MICRO
    np.subtract.at(paid, classes.unit, price[classes.of] * classes.count[:, None])
    stay = [(u, program.at[unit.group]) for u, unit in enumerate(program.units) if unit.group >= 0]
    cheapest = paid.min(1)
    if stay:
        tied, group = np.array(stay).T
        cheapest[tied] = paid[tied, group]
    return -(-(int(cheapest.sum()) + int(earned)) // MICRO)


def ascended(program: Program, moves: int, steps: int) -> tuple[tuple[int, int, int], ...]:
    """Prices whose bound is close to the linear program's, by arithmetic alone: each step raises the price of what is
    short and lowers that of what is over, aiming at `moves`, a number known to be enough.

    Source: M. Held, P. Wolfe, H. P. Crowder, "Validation of subgradient optimization", Mathematical Programming 6
    (1974), 62-88, with a heavy ball.
    """
    classes, everyone = program.classes, np.arange(len(program.units))
    least, most = classes.least[:, None].astype(float), classes.most[:, None].astype(float)
    count = classes.count[:, None].astype(float)
    cost = program.price.astype(float)
    for u, unit in enumerate(program.units):
        if unit.group >= 0:
            cost[u, np.arange(cost.shape[1]) != program.at[unit.group]] = np.inf
    price = np.zeros((len(least), cost.shape[1]))
    ball, best, best_price, stride, idle = np.zeros_like(price), -math.inf, price, _STRIDE, 0
    for _ in range(steps):
        paid = cost - np.add.reduceat(price[classes.of] * count, classes.first[:-1], axis=0)
        group = paid.argmin(1)
        worth = float(paid[everyone, group].sum() + np.where(price > 0, price * least, price * most).sum())
        idle += 1
        if worth > best + 1e-3:
            best, best_price, idle = worth, price, 0
        elif idle == _IDLE:
            stride, idle, price, ball = 0.7 * stride, 0, best_price, np.zeros_like(price)
        total = classes.counts(group, cost.shape[1])
        short, over = np.maximum(least - total, 0), np.minimum(most - total, 0)
        slope = np.where(price > 0, least - total, np.where(price < 0, most - total, short + over))
        length = float((slope * slope).sum())
        if not length:
            break
        ball = _BALL * ball + (1 - _BALL) * slope
        step = price + stride * max(moves - worth, 1.0) / length * ball
        price = np.where(price * step < 0, 0.0, step)
    told = np.rint(best_price * MICRO).astype(np.int64)
    return tuple((int(k), int(g), int(told[k, g])) for k, g in np.argwhere(told).tolist())
