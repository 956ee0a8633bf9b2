"""Where far apart means something else for each pair, the best seats of several searches have groups worth keeping:
a child takes whole groups from two parents in turn, and what they leave over cools into place.

Two grow side by side: the kernel lets go of Python's lock, so that a second processor is worth twice the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming.budgets import Budget
from services.grouping.forming.kernel import Table, words

_MEMBERS, _SIDES = 16, 2
_FIRST = 0.5
"""Share of the budget after which the first members are grown."""
_CHILDREN = 120
"""How many grow on each side."""
_BLOCK = 32
"""Proposals for each pair of chairs between two looks at the clock."""
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
    chairs = np.bincount(table.seats, minlength=len(table.call))
    family = Family.around(table, budget, heats)
    began = family.used
    with ThreadPoolExecutor(_SIDES - 1) as beside:
        for k in range(0, _MEMBERS, _SIDES):
            until = began + (_FIRST - began) * (k + _SIDES) / _MEMBERS
            family.grow([family.seated(first(j)) for j in range(k, k + _SIDES)], heats.hot, until, beside)
            family.settle()
        while (used := family.used) < 1.0:
            family.breed(min(1.0, used + (1 - max(began, _FIRST)) / _CHILDREN), beside)
    budget.spent += sum(side.budget.spent for side in family.sides)
    best = min(family.members, key=lambda member: member.cost)
    table.best_cost, table.best_seats[:] = best.cost, _filled(best.seats, chairs)


@dataclass(frozen=True)
class Member:
    """`seats` are those of people alone."""

    cost: int
    seats: Seats


@dataclass
class Side:
    """What one processor works on, and its part of the budget."""

    table: Table
    budget: Budget

    def grow(self, seats: Seats, hot: float, cold: float, until: float) -> Member:
        """Cool from these seats until that share of the budget is gone."""
        table, began = self.table, self.budget.used
        table.seat(seats)
        table.best_cost, table.best_seats[:] = table.cost, table.seats
        while (used := self.budget.used) < until:
            heat = hot + (cold - hot) * (used - began) / (until - began)
            self.budget.spent += table.walk(heat, self.budget.block(_BLOCK * len(table.seats) ** 2))
        return Member(table.best_cost, table.best_seats[: table.people].astype(np.int64))


@dataclass
class Family:
    """`members` are at most _MEMBERS, no two of the same cost; `far` is (people, people) without the empty chairs, and
    group g holds `least[g]` to `most[g]` people.
    """

    sides: Sequence[Side]
    heats: Heats
    most: Seats
    least: Seats
    far: Fars
    members: list[Member] = field(default_factory=list)
    drawn: int = 0
    kinds: Seats = field(init=False)
    """(G,): two groups with the same bounds are of one kind."""

    def __post_init__(self) -> None:
        self._bound(self.least, self.most)

    @classmethod
    def around(cls, table: Table, budget: Budget, heats: Heats) -> Family:
        tables = [table, *(table.copy(table.seed + k) for k in range(1, _SIDES))]
        return cls(
            sides=[Side(*pair) for pair in zip(tables, budget.shares(_SIDES), strict=True)],
            heats=heats,
            most=np.bincount(table.seats, minlength=len(table.call)),
            least=table.least,
            far=-table.pull[: table.people, : table.people].astype(np.float64),
        )

    def _bound(self, least: Seats, most: Seats) -> None:
        self.least, self.most = least, most
        self.kinds = np.unique(np.stack([least, most], 1), axis=0, return_inverse=True)[1].reshape(-1)

    @property
    def people(self) -> int:
        return len(self.far)

    @property
    def used(self) -> float:
        """The share that is gone on the side where most is left."""
        return min(side.budget.used for side in self.sides)

    def grow(self, seats: Sequence[Seats], hot: float, until: float, beside: Executor) -> None:
        """One for each side cools from its (people,) seats; the results join when they are good enough."""
        asked = [
            (side, _filled(one, self.most), hot, self.heats.cold, until)
            for side, one in zip(self.sides, seats, strict=True)
        ]
        others = [beside.submit(Side.grow, *each) for each in asked[1:]]
        for member in [Side.grow(*asked[0]), *(other.result() for other in others)]:
            self._join(member)

    def breed(self, until: float, beside: Executor) -> None:
        """As many children as there are sides, of two members each; of the only one, when there are no two."""
        children = []
        for _side in self.sides:
            one = self._draw(len(self.members))
            other = (one + 1 + self._draw(max(1, len(self.members) - 1))) % len(self.members)
            children.append(self.child(self.members[one].seats, self.members[other].seats))
        self.grow(children, self.heats.warm, until, beside)

    def settle(self) -> None:
        """Sizes on which all members agree are kept from now on: without empty chairs a row is shorter."""
        sizes = np.array([np.bincount(member.seats, minlength=len(self.most)) for member in self.members])
        if (self.least == self.most).all() or (sizes != sizes[0]).any():
            return
        n, seats = self.people, self.members[0].seats
        self._bound(sizes[0], sizes[0])
        for side in self.sides:
            table = side.table
            side.table = Table.laid(
                table.pull[:n, :n], table.call[:, :n], seats, people=n, least=sizes[0], seed=table.seed
            )
            side.table.drawn = table.drawn

    def seated(self, seats: Seats) -> Seats:
        """(people,) of these first seats, with the sizes of the groups on which all agree, if there are such."""
        seats = seats[: self.people]
        if (self.least < self.most).any():
            return seats
        return np.repeat(np.arange(len(self.most)), self.most)[np.argsort(np.argsort(seats, kind="stable"))]

    def child(self, one: Seats, other: Seats) -> Seats:
        """(people,) seats: in turn the parent's group that is farthest apart a head, of those who are not seated yet.

        A group goes where it was, or where sizes have the same bounds. Then too small groups take people from the
        others, and everybody left sits where they are farthest from their company.
        """
        G, parents = len(self.most), (one, other)
        seats = np.full(self.people, -1, np.int64)
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
        return seats

    def _seat_the_rest(self, seats: Seats) -> None:
        G, least = len(self.least), self.least
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
        return words(self.sides[0].table.seed ^ _DRAWS, self.drawn - count, count)

    def _draw(self, below: int) -> int:
        return int(self._words(1)[0]) % below


def _filled(seats: Seats, most: Seats) -> Seats:
    """(chairs,) seats: an empty chair, last of all, for everybody whom group g lacks to have `most[g]`."""
    return np.concatenate(
        (seats, np.repeat(np.arange(len(most)), most - np.bincount(seats, minlength=len(most))))
    )
