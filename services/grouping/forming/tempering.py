"""Several copies of one table at several temperatures, which they exchange: cold copies keep what is good, hot ones
find what is new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import breeding
from services.grouping.forming.breeding import Seats
from services.grouping.forming.budgets import Budget
from services.grouping.forming.kernel import SPREAD, Table, words

_COPIES, _HOT = 6, 0.37
"""How many copies there are, and the share of rows that end with a swap where the hottest of them should be."""
_WARM = 0.15
"""That share where children of two good seatings should begin."""
_COLD = 0.04
"""The share of rows that end with a swap where the coldest copy should be."""
_LOOK = 0.05
"""Share of the budget that may go into finding those two temperatures."""
_STEPS, _STEP = 26, 0.85
_FEW = 3000
"""Proposals for each pair of chairs, both ways round, under which one copy that cools gets further than several that
exchange.
"""
_MANY = 1.5
"""Proposals for each pair of pairs, from which on breeding gets further."""
_SETTLED = 0.6
"""Share of the budget after which the temperatures stay."""
_EXCHANGES = 2**61 - 1
"""Tells the stream of exchanges from those of steps."""
_SMOOTH = 0.05
"""A share of refusals added everywhere, so that two temperatures never fall together."""


def search(table: Table, budget: Budget, spread: float, others: Callable[[int], Seats]) -> Table:
    """Until the budget is gone, from the seats it is given; the answer's `best_seats` cost the least seen.

    Sizes of groups freeze long before people do where far apart means far from everybody, so first seats with good
    sizes are worth having; `others(k)` are the k-th such seats, used where there is time for many.

    `spread`, above 0, says how much prices differ: the standard deviation over pairs. Nobody who can move: the table
    as it is.
    """
    if table.free >= table.people:
        return table
    first = table.seats.copy()
    shares, heats = _look(table, budget, spread)
    table.seat(first)
    pairs = len(table.seats) ** 2
    proposals = budget.spent / budget.used
    hot, warm, cold = (float(np.interp(share, shares, heats)) for share in (_HOT, _WARM, _COLD))
    if proposals >= _MANY * pairs**2:
        breeding.search(table, budget, breeding.Heats(hot, warm, cold), others)
        return table
    if proposals < _FEW * pairs:
        _cool(table, budget, hot, cold)
        return table
    ladder = Ladder.between(hot, cold, [table, *(table.copy(table.seed + k) for k in range(1, _COPIES))])
    while (used := budget.used) < 1.0:
        ladder.walk(budget)
        ladder.exchange()
        if used < _SETTLED:
            ladder.respace()
    return min(ladder.tables, key=lambda copy: copy.best_cost)


def _look(table: Table, budget: Budget, spread: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The share of rows that end with a swap, rising, and the temperatures of it, seen on a quick way down from where
    seats melt to where they freeze.
    """
    heats = np.array([spread * 2.5 * _STEP**k for k in range(_STEPS)])
    shares: list[float] = []
    began = budget.used
    for heat in heats.tolist():
        drawn, changed = table.drawn, table.changed
        until = began + _LOOK * (len(shares) + 1) / _STEPS
        while budget.used < 1.0 and (table.drawn - drawn < table.people or budget.used < until):
            budget.spent += table.walk(heat, budget.block(16 * len(table.seats)))
        shares.append((table.changed - changed) / max(1, table.drawn - drawn))
        if shares[-1] < _COLD / 2 or budget.used >= 1.0:
            break
    falling: NDArray[np.float64] = np.minimum.accumulate(np.array(shares, np.float64))
    return falling[::-1], heats[: len(shares)][::-1]


def _cool(table: Table, budget: Budget, hot: float, cold: float) -> None:
    began = budget.used
    while (used := budget.used) < 1.0:
        heat = hot + (cold - hot) * (used - began) / (1 - began)
        budget.spent += table.walk(heat, budget.block(_turn(table)))


def _turn(table: Table) -> int:
    """About two rows for each chair."""
    return 2 * len(table.seats) ** 2


@dataclass
class Ladder:
    """`tables[k]` is at temperature `heats[k]`, the hottest first.

    Even and odd neighbours exchange in turn, and the temperatures are such that all neighbours refuse equally often.
    Source: S. Syed, A. Bouchard-Côté, G. Deligiannidis, A. Doucet, "Non-reversible parallel tempering: a scalable
    highly parallel MCMC scheme", Journal of the Royal Statistical Society B 84 (2022), 321-350.
    """

    tables: list[Table]
    heats: list[float]
    refused: NDArray[np.float64]
    rounds: int = 0
    asked: int = 0

    @classmethod
    def between(cls, hot: float, cold: float, tables: list[Table]) -> Ladder:
        return cls(tables, np.linspace(hot, cold, len(tables)).tolist(), np.zeros(len(tables) - 1))

    def walk(self, budget: Budget) -> None:
        for table, heat in zip(self.tables, self.heats, strict=True):
            if budget.used < 1.0:
                budget.spent += table.walk(heat, budget.block(_turn(table)))

    def exchange(self) -> None:
        """A colder copy and its hotter neighbour change temperatures as often as their costs allow."""
        seed, count = self.tables[0].seed ^ _EXCHANGES, len(self.tables)
        draws = SPREAD[words(seed, self.rounds * count, count) & np.uint64(len(SPREAD) - 1)]
        for k in range(self.rounds % 2, count - 1, 2):
            hotter, colder = self.tables[k], self.tables[k + 1]
            if (1 / self.heats[k + 1] - 1 / self.heats[k]) * (hotter.cost - colder.cost) <= draws[k]:
                self.tables[k], self.tables[k + 1] = colder, hotter
            else:
                self.refused[k] += 1
        self.rounds += 1
        self.asked += 1

    def respace(self) -> None:
        """Temperatures such that refusals are shared out evenly; each time after twice as many rounds."""
        if self.rounds < 64 or self.rounds & (self.rounds - 1):
            return
        rates = self.refused / (self.asked / 2) + _SMOOTH
        along = np.concatenate(([0.0], np.cumsum(rates)))
        self.heats = np.interp(np.linspace(0, along[-1], len(along)), along, self.heats).tolist()
        self.refused[:], self.asked = 0, 0
