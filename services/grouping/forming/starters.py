"""Base rounds that turn into whole schedules: those we keep, and the search that found them.

What is known to exist by theorem is found as a handful of base rounds: Kirkman triple systems (D. K. Ray-Chaudhuri and
R. M. Wilson, "Solution of Kirkman's schoolgirl problem", Proceedings of Symposia in Pure Mathematics 19 (1971)), nearly
Kirkman ones, resolvable designs with fours (H. Hanani, D. K. Ray-Chaudhuri and R. M. Wilson, "On resolvable designs",
Discrete Mathematics 3 (1972), 343-357), resolvable group-divisible designs, and orthogonal Latin rectangles (W. Harvey
and T. Winterer, "Solving the MOLR and social golfer problems", CP 2005). None of the base rounds is taken from there:
each line of starters.txt was found by `find` or by tests/bench/covers.py, and shows it when it is developed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from math import prod
from pathlib import Path

import numpy as np

from services.grouping.forming.budgets import Budget
from services.grouping.forming.instances import Ints
from services.grouping.forming.turning import Turning, Turns

KEPT = Path(__file__).parent / "starters.txt"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_HOT, _COLD, _STEPS = 0.6, 0.12, 100
_FIRST_WALK, _LONGER = 100_000, 1.3
_DEAREST = 5_000_000
"""Turns times pairs: what is looked through once before a search starts."""


@dataclass(frozen=True)
class Starter:
    """`free` base rounds, a group a person, and `fixed` ones, a place of each orbit; see turning.Turns.develop."""

    groups: int
    size: int
    moduli: tuple[int, ...]
    free: tuple[tuple[int, ...], ...]
    fixed: tuple[tuple[int, ...], ...]

    @property
    def rounds(self) -> int:
        return prod(self.moduli) * len(self.free) + len(self.fixed)

    def develop(self) -> Ints:
        """(R, n) group ids."""
        turns = Turns(self.moduli, self.groups * self.size)
        return turns.develop(np.array(self.free, np.int64), np.array(self.fixed, np.int64), self.groups)

    def written(self) -> str:
        """A line of starters.txt: groups, size, the turns, the free base rounds, the fixed ones."""
        base = [
            ",".join("".join(_DIGITS[k] for k in row) for row in rows) or "-"
            for rows in (self.free, self.fixed)
        ]
        return " ".join([str(self.groups), str(self.size), "x".join(map(str, self.moduli)), *base])


@cache
def kept() -> dict[tuple[int, int], Starter]:
    """The starter with the most rounds that we keep, by (groups, size)."""
    told: dict[tuple[int, int], Starter] = {}
    for line in KEPT.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            groups, size, moduli, *base = line.split()
            free, fixed = (
                tuple(tuple(map(_DIGITS.index, row)) for row in rows.split(",") if row != "-") for rows in base
            )
            starter = Starter(int(groups), int(size), tuple(map(int, moduli.split("x"))), free, fixed)
            known = told.get((starter.groups, starter.size))
            if known is None or known.rounds < starter.rounds:
                told[starter.groups, starter.size] = starter
    return told


def keep(starter: Starter) -> None:
    """Write a starter down, instead of one with fewer rounds."""
    told = kept() | {(starter.groups, starter.size): starter}
    heading = [line for line in KEPT.read_text("utf-8").splitlines() if line.startswith("#")]
    lines = [told[key].written() for key in sorted(told, key=lambda key: key[::-1])]
    KEPT.write_text("\n".join([*heading, *lines]) + "\n", "utf-8")
    kept.cache_clear()


def find(groups: int, size: int, rounds: int, budget: Budget, *, share: float = 1.0) -> Starter | None:
    """Base rounds of `rounds` rounds, looked for until nobody meets twice or `share` of the budget is gone; then those
    with the fewest repeats. None where nothing can be without repeats.

    The ways to split the rounds among turns take turns themselves, each walk longer than the one before.
    """
    ways = [way for way in _ways(groups, size, rounds) if way[0].order * way[0].n ** 2 <= _DEAREST]
    if not ways:
        return None
    best: tuple[int, Starter] | None = None
    for k in count():
        turns, free, fixed = ways[k % len(ways)]
        walk = int(_FIRST_WALK * _LONGER ** (k // len(ways)))
        found = Turning.of(turns, groups, free=free, fixed=fixed, seed=budget.seed + k)
        for step in range(_STEPS):
            if found.cost == 0 or budget.used >= share:
                break
            budget.spent += found.walk(_HOT * (_COLD / _HOT) ** (step / _STEPS), budget.block(walk // _STEPS))
        if best is None or found.cost < best[0]:
            best = found.cost, _written(found)
        if best[0] == 0 or budget.used >= share:
            return best[1]
    raise AssertionError("the count never ends")


def _written(found: Turning) -> Starter:
    return Starter(
        found.groups,
        found.size,
        found.turns.moduli,
        free=tuple(tuple(map(int, row)) for row in found.seats),
        fixed=tuple(tuple(int(person) % found.turns.order for person in row) for row in found.rows),
    )


def _ways(groups: int, size: int, rounds: int) -> Iterator[tuple[Turns, int, int]]:
    """Turns, free and fixed rounds that add up, the most turns first: they leave the least to look for."""
    n = groups * size
    if rounds < 2 or size > groups or rounds > (n - 1) // (size - 1):
        return
    if rounds <= groups:
        yield Turns((groups,), n), 0, rounds
        if groups % 4 == 0:
            yield Turns((2, groups // 2), n), 0, rounds
    for order in range(min(n, rounds), 2, -1):
        free, fixed = divmod(rounds, order)
        if fixed == 0:
            yield Turns((order,), n), free, 0
        elif order == groups:
            yield Turns((order,), n), free, fixed
