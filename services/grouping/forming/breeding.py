"""Where far apart means something else for each pair, the best seats of several searches have groups worth keeping:
a child takes whole groups from two parents in turn, and what they leave over cools into place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming.budgets import Budget
from services.grouping.forming.kernel import Table, words

_MEMBERS = 8
_FIRST = 0.3
"""Share of the budget after which the first members are grown."""
_CHILDREN = 120
_DRAWS = 2**60 + 1
"""Tells the stream of parents from those of steps."""

Seats = NDArray[np.int64]
Fars = NDArray[np.float64]


@dataclass(frozen=True)
class Heats:
    """What members begin at, what children do, and where both end."""

    hot: float
    warm: float
    cold: float


def search(table: Table, budget: Budget, heats: Heats, first: Callable[[int], Seats]) -> None:
    """Until the budget is gone; `best_seats` of the table cost the least seen.

    Nobody in it may be tied or have a mate, and no group may have a price of its own. `first(k)` seats the k-th
    member before it cools.

    Source: P. Galinier, J.-K. Hao, "Hybrid evolutionary algorithms for graph coloring", Journal of Combinatorial
    Optimization 3 (1999), 379-397: whole classes are inherited, the best first.
    """
    family = Family(table, budget, heats)
    began = budget.used
    for k in range(_MEMBERS):
        family.grow(first(k), heats.hot, began + (_FIRST - began) * (k + 1) / _MEMBERS)
    while (used := budget.used) < 1.0:
        family.breed(min(1.0, used + (1 - max(began, _FIRST)) / _CHILDREN))
    best = min(family.members, key=lambda member: member.cost)
    table.best_cost, table.best_seats[:] = best.cost, best.seats


@dataclass(frozen=True)
class Member:
    cost: int
    seats: Seats


@dataclass
class Family:
    """`members` are at most _MEMBERS, no two of the same cost; `far` is (people, people) without the empty chairs."""

    table: Table
    budget: Budget
    heats: Heats
    members: list[Member] = field(default_factory=list)
    drawn: int = 0
    far: Fars = field(init=False)
    most: Seats = field(init=False)
    kinds: Seats = field(init=False)

    def __post_init__(self) -> None:
        n = self.table.people
        self.far = -self.table.pull[:n, :n].astype(np.float64)
        self.most = np.bincount(self.table.seats, minlength=len(self.table.call))
        bounds = np.stack([self.table.least, self.most], 1)
        self.kinds = np.unique(bounds, axis=0, return_inverse=True)[1].reshape(-1)

    def grow(self, seats: Seats, hot: float, until: float) -> None:
        """Cool from these seats until that share of the budget is gone; the result joins when it is good enough."""
        table, cold, began = self.table, self.heats.cold, self.budget.used
        table.seat(seats)
        table.best_cost, table.best_seats[:] = table.cost, table.seats
        while (used := self.budget.used) < until:
            heat = hot + (cold - hot) * (used - began) / (until - began)
            self.budget.spent += table.walk(heat, self.budget.block(2 * len(table.seats) ** 2))
        self._join(Member(table.best_cost, table.best_seats.astype(np.int64)))

    def breed(self, until: float) -> None:
        """A child of two members; of the only one, when there are no two."""
        one = self._draw(len(self.members))
        other = (one + 1 + self._draw(max(1, len(self.members) - 1))) % len(self.members)
        self.grow(self.child(self.members[one].seats, self.members[other].seats), self.heats.warm, until)

    def child(self, one: Seats, other: Seats) -> Seats:
        """(chairs,) seats: in turn the parent's group that is farthest apart a head, of those who are not seated yet.

        A group goes where it was, or where sizes have the same bounds. Then too small groups take people from the
        others, and everybody left sits where they are farthest from their company.
        """
        n, G = self.table.people, len(self.table.call)
        seats, parents = np.full(n, -1, np.int64), [one[:n], other[:n]]
        taken = np.zeros((2, G), np.bool_)
        open_ = np.ones(G, np.bool_)
        sizes = [np.bincount(parent, minlength=G) for parent in parents]
        for turn in range(G):
            k = turn % 2
            can = ~taken[k] & np.isin(self.kinds, self.kinds[open_])
            alone = (seats < 0)[:, None] & (parents[k][:, None] == np.arange(G))
            apart = ((self.far @ alone) * alone).sum(0) / np.maximum(1, sizes[k])
            group = int(np.where(can, apart, -1.0).argmax())
            to = group if open_[group] else int(np.flatnonzero(open_ & (self.kinds == self.kinds[group]))[0])
            seats[alone[:, group]] = to
            taken[k, group], open_[to] = True, False
        self._seat_the_rest(seats)
        spare = self.most - np.bincount(seats, minlength=G)
        return np.concatenate((seats, np.repeat(np.arange(G), spare)))

    def _seat_the_rest(self, seats: Seats) -> None:
        G, least = len(self.table.call), self.table.least
        load: Fars = self.far @ (seats[:, None] == np.arange(G))
        sizes = np.bincount(seats[seats >= 0], minlength=G)
        while int(np.maximum(least - sizes, 0).sum()) > int((seats < 0).sum()):
            rich = np.flatnonzero((seats >= 0) & (sizes > least)[seats])
            person = int(rich[load[rich, seats[rich]].argmin()])
            group = int(seats[person])
            seats[person] = -1
            sizes[group] -= 1
            load[:, group] -= self.far[person]
        left = np.flatnonzero(seats < 0)
        order = left[np.argsort(self._words(len(left)), kind="stable")]
        for k, person in enumerate(order.tolist()):
            needy = sizes < least
            room = needy if int((least - sizes)[needy].sum()) >= len(order) - k else sizes < self.most
            group = int(np.where(room, load[person] / np.maximum(1, sizes), -1.0).argmax())
            seats[person] = group
            sizes[group] += 1
            load[:, group] += self.far[person]

    def _join(self, newcomer: Member) -> None:
        if any(newcomer.cost == member.cost for member in self.members):
            return
        if len(self.members) < _MEMBERS:
            self.members.append(newcomer)
            return
        worst = max(range(_MEMBERS), key=lambda k: self.members[k].cost)
        if newcomer.cost < self.members[worst].cost:
            self.members[worst] = newcomer

    def _words(self, count: int) -> NDArray[np.uint64]:
        self.drawn += count
        return words(self.table.seed ^ _DRAWS, self.drawn - count, count)

    def _draw(self, below: int) -> int:
        return int(self._words(1)[0]) % below
