"""A cost nobody can go below: what wishes and the pairs of one attribute could do at best if nothing else counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming.figures import GAP, REPEAT, WISHES, fewest_pairs
from services.grouping.forming.instances import Instance, Ints

LARGE = 40_000
"""People times groups from which on wishes are counted one by one: the exact bound takes seconds there."""
_NEVER = 10**9


def cost_bound(instance: Instance) -> int:
    """A lower bound on the cost of every round that keeps the hard rules.

    What counting forces is a part of it: no gap below 0, and repeats where people who met are more than groups. The
    rest is the dearest of several relaxations, each a flow of least cost: everyone has a seat in a group that is not
    too large, pinned people in theirs, and only wishes and pairs of one attribute, or of one earlier round, count.
    """
    here = np.flatnonzero(instance.here)
    met = [_known(earlier[here]) for earlier in instance.history]
    forced = [REPEAT * fewest_pairs(values[values >= 0], instance.G) for values in met]
    if len(here) * instance.G > LARGE or not instance.pref.size:
        return sum(forced) - wish_bound(instance)
    points = _points(instance, here)
    bounds = []
    for column in instance.attrs[here].T:
        least = GAP * fewest_pairs(column, instance.G)
        bounds.append(sum(forced) - least + _Flow.of(points, column, GAP, instance.bounds[1]).cost)
    for values, least in zip(met, forced, strict=True):
        if (values >= 0).all():
            bounds.append(sum(forced) - least + _Flow.of(points, values, REPEAT, instance.bounds[1]).cost)
    return max(bounds, default=sum(forced) - wish_bound(instance))


def wish_bound(instance: Instance) -> int:
    """An upper bound on the points of wishes: no group holds more first wishes than it has seats.

    Whoever finds no room in their first group has their second at most. Not always reached.
    """
    here, (_, high), pinned = instance.here, instance.bounds, instance.pinned
    asked: dict[int, list[int]] = {}
    for person in np.flatnonzero(here).tolist():
        for points, group in zip(WISHES, instance.pref[person].tolist(), strict=False):
            if group >= 0 and pinned.get(person, group) == group:
                asked.setdefault(group, []).append(points)
                break
    total = 0
    for points_asked in asked.values():
        ranked = sorted(points_asked, reverse=True)
        total += sum(ranked[:high]) + sum(points - 1 for points in ranked[high:])
    return total


def _known(values: Ints) -> Ints:
    """The same with values counted from 0; -1 stays."""
    found: Ints = np.unique(values, return_inverse=True)[1] - int((values < 0).any())
    return found


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
class _Flow:
    """People into groups at the least cost: less `points` for where one sits, and `price` for each pair of one value
    in a group. One person after another takes the cheapest chain of changes.

    `counts` is (values, G), `change[t, g, h]` the cheapest for one of value t to go from g to h.
    Source: R. K. Ahuja, T. L. Magnanti, J. B. Orlin, "Network Flows", 1993, chapters 9 and 14: successive shortest
    paths, and arcs of convex cost.
    """

    points: Ints
    values: Ints
    price: int
    room: Ints
    counts: Ints
    change: NDArray[np.int64]
    seats: Ints
    cost: int = 0

    @classmethod
    def of(cls, points: Ints, values: Ints, price: int, high: int) -> _Flow:
        n, G = points.shape
        kinds = int(values.max()) + 1 if n else 0
        flow = cls(
            points=points,
            values=values,
            price=price,
            room=np.full(G, high),
            counts=np.zeros((kinds, G), np.int64),
            change=np.full((kinds, G, G), _NEVER),
            seats=np.full(n, -1),
        )
        for person in range(n):
            flow._seat(person)
        return flow

    def _seat(self, person: int) -> None:
        """Bellman and Ford, all values and groups at once: `at` is what it costs to have one too many of a value in
        a group, `over` one too many in a group; the numbers beside them say where that came from.
        """
        kinds, G = self.counts.shape
        at = np.full((kinds, G), _NEVER)
        at[self.values[person]] = -self.points[person]
        before = np.full((kinds, G), -1)
        over, through = np.full(G, _NEVER), np.full(G, -1)
        everyone = np.arange(G)
        while True:
            taken = at + self.price * self.counts
            kind = taken.argmin(0)
            better = taken[kind, everyone] < over
            over[better], through[better] = taken[kind, everyone][better], kind[better]
            out = np.where(self.counts > 0, over - self.price * (self.counts - 1), _NEVER)
            moved = at[:, :, None] + self.change
            source = moved.argmin(1)
            moved = np.take_along_axis(moved, source[:, None, :], 1)[:, 0, :]
            least = np.minimum(moved, out)
            closer = least < at
            if not closer.any() and not better.any():
                break
            before[closer] = np.where(moved <= out, source, G)[closer]
            at[closer] = least[closer]
        end = int(np.where(self.room > 0, over, 2 * _NEVER).argmin())
        self.cost += int(over[end])
        self.room[end] -= 1
        self._follow(person, end, before, through)

    def _follow(self, person: int, end: int, before: Ints, through: Ints) -> None:
        """Back along the chain from the group that has a seat left to the newcomer."""
        G = len(self.room)
        group, kind = end, int(through[end])
        self.counts[kind, group] += 1
        touched = {kind}
        while (source := int(before[kind, group])) >= 0:
            if source == G:
                self.counts[kind, group] -= 1
                kind = int(through[group])
                self.counts[kind, group] += 1
                touched.add(kind)
            else:
                here = np.flatnonzero((self.values == kind) & (self.seats == source))
                worth = self.points[here, source] - self.points[here, group]
                self.seats[here[worth.argmin()]] = group
                group = source
        self.seats[person] = group
        for kind in touched:
            self._price_changes(kind)

    def _price_changes(self, kind: int) -> None:
        self.change[kind] = _NEVER
        here = np.flatnonzero((self.values == kind) & (self.seats >= 0))
        worth = self.points[here, self.seats[here]][:, None] - self.points[here]
        np.minimum.at(self.change[kind], self.seats[here], worth)
