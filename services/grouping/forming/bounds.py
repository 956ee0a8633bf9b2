"""A cost nobody can go below: prices on everything that people share make each person's choice their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import seating
from services.grouping.forming.figures import GAP, REPEAT, WISHES, fewest_pairs
from services.grouping.forming.instances import Instance, Ints

LARGE = 40_000
"""People times groups from which on wishes are counted one by one: prices take seconds there."""
_NEVER = 10**9
_MICRO = 1_000_000
"""Prices are whole millionths, so that every machine finds the same ones."""
_DEAREST = 10_000 * _MICRO
_STEPS, _PATIENCE = 500, 10
_FIRST, _SHORTER, _LAST = 0.3, 0.7, 0.05
"""How far above the best bound the first steps aim, as a share of all wishes; what that is multiplied by when it keeps
being missed; and the points below which nothing more is to be had.
"""
_PART = 0.3
"""How much of the way there one step goes."""


def cost_bound(instance: Instance) -> int:
    """A lower bound on the cost of every round that keeps the hard rules.

    No gap is below 0, people who met and are more than groups repeat, and nobody has more than their first wish: that
    is counted. Up to LARGE a Lagrangian relaxation comes nearer, where everybody goes wherever wishes and prices are
    best, whole groups of those kept together at once, and each value of an attribute or an earlier round is as often
    in a group as its price says. Nobody here: what is counted.
    """
    here = np.flatnonzero(instance.here)
    met = [earlier[here] for earlier in instance.history]
    forced = sum(REPEAT * fewest_pairs(_known(values)[values >= 0], instance.G) for values in met)
    counted = forced - wish_bound(instance)
    if not 0 < len(here) * instance.G <= LARGE or not instance.pref.size:
        return counted
    try:
        return max(counted, _Prices.of(instance, here).best())
    except seating.TornApart:  # no round keeps the rules: any bound is true of all of them
        return counted


def wish_bound(instance: Instance) -> int:
    """An upper bound on the points of wishes: no group holds more first wishes than it has seats.

    Whoever finds no room in their first group has what their second gives at most. Not always reached.
    """
    here, (_, high), pinned = instance.here, instance.bounds, instance.pinned
    total, more = 0, dict[int, list[int]]()
    for person in np.flatnonzero(here).tolist():
        worth: dict[int, int] = {}
        for points, group in zip(WISHES, instance.pref[person].tolist(), strict=False):
            if group >= 0 and pinned.get(person, group) == group:
                worth[group] = worth.get(group, 0) + points
        first = max(worth, key=lambda group: worth[group], default=-1)
        second = max((points for group, points in worth.items() if group != first), default=0)
        total += second
        if first >= 0:
            more.setdefault(first, []).append(worth[first] - second)
    return total + sum(sum(sorted(gains, reverse=True)[:high]) for gains in more.values())


def _known(values: Ints) -> Ints:
    """The same with values counted from 0; below 0 becomes -1."""
    found = np.unique(np.maximum(values, -1), return_inverse=True)[1] - int((values < 0).any())
    known: Ints = found.astype(np.int64)
    return known


def _points(instance: Instance, here: Ints) -> Ints:
    """(people here, G): what each group would give each person."""
    points = np.zeros((len(here), instance.G), np.int64)
    for rank, worth in enumerate(WISHES[: instance.pref.shape[1]]):
        wanted = instance.pref[here, rank]
        asked = np.flatnonzero(wanted >= 0)
        np.add.at(points, (asked, wanted[asked]), worth)
    pinned = instance.pinned
    for k, person in enumerate(here.tolist()):
        if person in pinned:
            points[k, np.arange(instance.G) != pinned[person]] = -_NEVER
    return points


@dataclass
class _Prices:
    """The relaxation and its prices, in millionths of a point.

    `points` is (units, G); `rows` is (units' people, columns), which row of `price` (values, G) each person counts
    in, the last for none; `cost` and `most` are (values, 1): what a pair of that value costs, and how many there may
    be in one group. `sizes` are the smallest and the largest group and how many are large; `paid` is what gaps of 0
    cost, which is no gap.

    Source: M. L. Fisher, "The Lagrangian relaxation method for solving integer programming problems", Management
    Science 27 (1981), 1-18; the direction is smoothed as by P. M. Camerini, L. Fratta, F. Maffioli, 1975.
    """

    points: Ints
    starts: Ints
    rows: Ints
    cost: Ints
    most: Ints
    price: Ints
    seat: Ints
    low: int
    large: int
    paid: int

    @classmethod
    def of(cls, instance: Instance, here: Ints) -> _Prices:
        found = seating.units(instance)
        people = np.array([person for unit in found for person in unit.people], np.int64)
        starts = np.cumsum([0, *(len(unit.people) for unit in found[:-1])])
        columns = [(column, GAP) for column in instance.attrs.T] + [(row, REPEAT) for row in instance.history]
        rows, costs, many = list[Ints](), list[int](), list[int]()
        for values, weight in columns:
            known = _known(values[people])
            counts = np.bincount(known[known >= 0])
            rows.append(np.where(known >= 0, known + len(costs), -1))
            costs += [weight * _MICRO] * len(counts)
            many += counts.tolist()
        low, high = instance.bounds
        G, total = instance.G, np.array(many, np.int64)
        cost = np.array(costs, np.int64)
        even = cost * (total // G) - (total % G == 0) * cost // 2
        return cls(
            points=np.add.reduceat(_points(instance, people) * _MICRO, starts, axis=0),
            starts=starts,
            rows=np.stack(rows, 1) if rows else np.empty((len(people), 0), np.int64),
            cost=cost[:, None],
            most=np.minimum(total, high)[:, None],
            price=np.concatenate((np.repeat(even[:, None], G, axis=1), np.zeros((1, G), np.int64))),
            seat=np.zeros(G, np.int64),
            low=low,
            large=len(people) - low * G,
            paid=_MICRO * GAP * sum(fewest_pairs(column[here], G) for column in instance.attrs.T),
        )

    def best(self) -> int:
        """The dearest bound some steps uphill find, in points."""
        found, aim = None, int(_FIRST * self.points.max(1).clip(0).sum()) + _MICRO
        smooth_price, smooth_seat = np.zeros_like(self.price), np.zeros_like(self.seat)
        kept, missed = (self.price, self.seat), 0
        for _ in range(_STEPS):
            bound, off_price, off_seat = self._judge()
            if found is None or bound > found:
                found, kept, missed = bound, (self.price, self.seat), 0
            else:
                missed += 1
            if missed == _PATIENCE:
                aim, missed = int(aim * _SHORTER), 0
                self.price, self.seat = kept
            if aim < _LAST * _MICRO:
                break
            smooth_price = (7 * smooth_price + 3000 * off_price) // 10
            smooth_seat = (7 * smooth_seat + 3000 * off_seat) // 10
            length = int((smooth_price**2).sum() + (smooth_seat**2).sum())
            if length == 0:
                break
            far = _PART * 1000 * (found + aim - bound) / length
            self.price = _moved(self.price, far * smooth_price)
            self.seat = _moved(self.seat, far * smooth_seat)
        assert found is not None  # noqa: S101
        return -(-found // _MICRO)

    def _judge(self) -> tuple[int, Ints, Ints]:
        """The bound at these prices, and by how much people and places miss each other: more people than places is
        above 0.
        """
        asked = np.add.reduceat(self.price[self.rows].sum(1) + self.seat, self.starts, axis=0) - self.points
        at = asked.argmin(1)
        price, cost = self.price[:-1], self.cost
        places = np.clip(-(-price // cost), 0, self.most)
        large = np.argsort(-self.seat, kind="stable")[: self.large]
        sizes = np.full(len(self.seat), self.low)
        sizes[large] += 1
        bound = int(asked.min(1).sum()) + int((cost * (places * (places - 1) // 2) - price * places).sum())
        bound -= int((self.seat * sizes).sum()) + self.paid
        groups = np.repeat(at, np.diff(self.starts, append=len(self.rows)))
        off = np.zeros_like(self.price)
        np.add.at(off, (self.rows, groups[:, None]), 1)
        off[:-1] -= places
        off[-1] = 0
        return bound, off, np.bincount(groups, minlength=len(sizes)) - sizes


def _moved(prices: Ints, far: NDArray[np.floating[Any]]) -> Ints:
    """Prices that sums of 64 bits hold however far they are sent."""
    found: Ints = np.clip(prices + np.rint(far.clip(-_DEAREST, _DEAREST)).astype(np.int64), -_DEAREST, _DEAREST)
    return found
