"""One round: everyone gets a group."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import blocks, cells, cooling, kernel, seating, series
from services.grouping.forming.bounds import cost_bound
from services.grouping.forming.budgets import Budget
from services.grouping.forming.figures import (
    GAP,
    REPEAT,
    WISHES,
    Figures,
    broken_rules,
    fewest_pairs,
    figures,
)
from services.grouping.forming.instances import BadInput, Instance, Ints

LARGE = 1500
"""People from whom on a round is formed in blocks."""
ENOUGH = 3_000_000
"""Proposals after which `--seconds 0` gives up on gap 0; some instances have none."""
# A gap costs 10: hotter than this, a block of proposals opens more gaps than it closes.
_STUCK = 3.0


@dataclass(frozen=True)
class Answer:
    """`groups` is (n,), -1 for the absent. `bound` is a cost nobody can go below."""

    groups: Ints
    figures: Figures
    bound: int
    evaluations: int
    seconds: float


def form(
    instance: Instance,
    *,
    seconds: float | None = 1.0,
    evaluations: int | None = None,
    seed: int = 1,
    progress: Callable[[float, int], bool] | None = None,
) -> Answer:
    """Seat everyone who is here: hard rules always, then balance, new people and wishes at the lowest cost
    found.

    `seconds` 0 stops at the first answer with gap 0; with `evaluations` the answer depends on the seed alone.
    `progress(share, cost)` is told where we are and may answer False to stop with the best so far. Raises
    seating.Impossible with a smallest conflicting set.
    """
    began = time.perf_counter()
    if instance.n - len(instance.absent) > LARGE:
        groups, spent = _in_blocks(instance, seconds, evaluations, seed, progress)
    else:
        budget = Budget.of(seconds, evaluations, seed)
        groups, spent = _in_a_series(instance, budget, progress), budget.spent
    took = time.perf_counter() - began
    return Answer(
        groups=groups,
        figures=figures(instance, groups),
        bound=cost_bound(instance),
        evaluations=spent,
        seconds=took,
    )


def _in_a_series(
    instance: Instance, budget: Budget, progress: Callable[[float, int], bool] | None = None
) -> Ints:
    """What the search finds, or the next round of the construction that the earlier ones follow, if that costs no
    more; without a search where nothing can cost less.
    """
    further = None if budget.is_first_only else series.next_round(instance)
    if further is None:
        return _at_once(instance, budget, progress)
    cost = figures(instance, further).cost
    if cost <= cost_bound(instance):
        return further
    searched = _at_once(instance, budget, progress)
    return further if cost <= figures(instance, searched).cost else searched


def _at_once(instance: Instance, budget: Budget, progress: Callable[[float, int], bool] | None = None) -> Ints:
    room = Room.opened(instance)
    if room.chairs:
        _even_out(room, budget)
        if not budget.is_first_only:
            _improve(room, budget, progress)
    return room.groups()


def _in_blocks(
    instance: Instance,
    seconds: float | None,
    evaluations: int | None,
    seed: int,
    progress: Callable[[float, int], bool] | None,
) -> tuple[Ints, int]:
    """Block after block with its share of the budget; those still to come are at least even when we are stopped."""
    began, spent, cost = time.perf_counter(), 0, 0
    groups = np.full(instance.n, -1, np.int64)
    parts = blocks.split(instance)
    stopped = False
    for k, part in enumerate(parts):
        left = len(parts) - k
        wait = None if seconds is None else max(0.0, seconds - (time.perf_counter() - began)) / left
        count = None if evaluations is None else max(1, (evaluations - spent) // left)
        if stopped:
            wait, count = 0.0, None
        budget = Budget.of(wait, count, seed + k)
        try:
            found = _at_once(part.instance, budget)
        except seating.Impossible as refusal:
            raise seating.Undecided("rules: no seating was found that keeps them all") from refusal
        groups[part.people] = part.groups[found]
        spent, cost = spent + budget.spent, cost + figures(part.instance, found).cost
        stopped = stopped or (progress is not None and not progress((k + 1) / len(parts), cost))
    if broken_rules(instance, groups):
        raise seating.Undecided("rules: no seating was found that keeps them all")
    return groups, spent


@dataclass
class Room:
    """An instance laid out for the kernel: people who are here (`tied` who never move first, then those kept
    together, then all others), and empty chairs that make all groups equally large.
    """

    instance: Instance
    people: Ints
    chairs: int
    tied: int
    mate: cells.Words
    seats: Ints
    balance: NDArray[np.int64]
    full: NDArray[np.int64]
    wishes: NDArray[np.int64]

    @classmethod
    def opened(cls, instance: Instance, *, prefer: dict[int, int] | None = None) -> Room:
        """Everyone on a first seat that keeps all hard rules; `prefer` names seats to keep if possible."""
        first = seating.first_seats(instance, prefer=prefer)
        people, tied, mates = _in_order(instance)
        if len(people) > kernel.LARGEST:
            raise BadInput(f"n: {len(people)} people are more than the {kernel.LARGEST} this backend holds")
        low, high = instance.bounds
        chairs = instance.G * high
        where = {person: k for k, person in enumerate(people.tolist())}
        balance, full = pulls(instance, people, chairs)
        calls = np.zeros((instance.G, chairs), np.int64)
        for rank, points in enumerate(WISHES[: instance.pref.shape[1]]):
            wanted = instance.pref[people, rank]
            known = np.flatnonzero(wanted >= 0)
            calls[wanted[known], known] -= points
        fixed = {where[p]: g for p, g in first.items()}
        kept = {where[p]: g for p, g in (prefer or {}).items() if p in where}
        mate = np.arange(chairs, dtype=np.int32)
        mate[: len(people)] = mates
        room = cls(
            instance=instance,
            people=people,
            chairs=chairs,
            tied=tied,
            mate=mate,
            seats=np.full(chairs, -1, np.int64),
            balance=balance,
            full=full,
            wishes=calls,
        )
        room._seat(fixed, kept)
        return room

    @property
    def movers(self) -> cells.Words:
        """Those who may change seats, and empty chairs."""
        return np.arange(self.tied, self.chairs, dtype=np.int32)

    def _seat(self, fixed: dict[int, int], kept: dict[int, int]) -> None:
        """Deal: those with a rule first, those who have a seat next, then everyone else, value by value, each
        to the group that has fewest like them.
        """
        G, n = self.instance.G, len(self.people)
        low, high = self.instance.bounds
        larger = n - low * G
        sizes = np.zeros(G, np.int64)
        load = np.zeros((G, self.chairs), np.int64)

        def sit(k: int, group: int) -> None:
            self.seats[k] = group
            sizes[group] += 1
            load[group] += self.full[k]

        for k, group in fixed.items():
            sit(k, group)
        if kept:
            wanted = np.bincount(list(kept.values()), minlength=G)
            largest = sorted(range(G), key=lambda g: (sizes[g] <= low, -wanted[g], g))[:larger]
            aim = np.full(G, low)
            aim[largest] = high
            for k, group in kept.items():
                if self.seats[k] < 0 and sizes[group] < aim[group]:
                    sit(k, group)
        attrs = self.instance.attrs[self.people]
        rarity = [np.bincount(column)[column] for column in attrs.T]
        keys = [key for column, common in zip(attrs.T, rarity, strict=True) for key in (column, common)]
        order = np.lexsort(keys[::-1]) if keys else np.arange(n)
        for k in order.tolist():
            if self.seats[k] >= 0:
                continue
            price = load[:, k] * 64 + sizes * 8 + self.wishes[:, k]
            closed = sizes > low if int((sizes > low).sum()) < larger else sizes >= low
            sit(k, int(np.where(closed, np.iinfo(np.int64).max, price).argmin()))
        self._fill()

    def sit(self, groups: Ints) -> None:
        """Everyone on their seat in `groups`, (n,) of the instance, which keep its sizes."""
        self.seats = np.full(self.chairs, -1, np.int64)
        self.seats[: len(self.people)] = groups[self.people]
        self._fill()

    def _fill(self) -> None:
        """Empty chairs where nobody sits."""
        n, G = len(self.people), self.instance.G
        empty = self.instance.bounds[1] - np.bincount(self.seats[:n], minlength=G)
        self.seats[n:] = np.repeat(np.arange(G), empty)

    def table(self, pull: NDArray[np.int64], call: NDArray[np.int64], seed: int) -> kernel.Table:
        """The kernel's table with everyone on their present seat."""
        return kernel.Table.laid(
            pull,
            call,
            self.seats,
            people=len(self.people),
            least=np.full(self.instance.G, self.instance.bounds[0]),
            tied=self.tied,
            mate=self.mate,
            seed=seed,
        )

    def groups(self) -> Ints:
        """(n,) of the instance, -1 for the absent."""
        found = np.full(self.instance.n, -1, np.int64)
        found[self.people] = self.seats[: len(self.people)]
        return found


def _in_order(instance: Instance) -> tuple[Ints, int, cells.Words]:
    """Everybody who is here as the kernel wants them, how many of them never move, and everyone's mate."""
    found = seating.units(instance)
    stay = [p for unit in found if unit.group >= 0 for p in unit.people]
    bound = [unit.people for unit in found if unit.group < 0 and len(unit.people) > 1]
    alone = [p for unit in found if unit.group < 0 and len(unit.people) == 1 for p in unit.people]
    people = np.array([*stay, *(p for unit in bound for p in unit), *alone], np.int64)
    mate = np.arange(len(people), dtype=np.int32)
    at = len(stay)
    for unit in bound:
        mate[at : at + len(unit)] = np.roll(np.arange(at, at + len(unit)), -1)
        at += len(unit)
    return people, len(stay), mate


def pulls(instance: Instance, people: Ints, chairs: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(chairs, chairs) prices of sharing a group: balance and hard rules alone, and with earlier rounds.

    Empty chairs come last and are indifferent.
    """
    n = len(people)
    balance = np.zeros((chairs, chairs), np.int64)
    for column, weight in instance.weighted:
        values = column[people]
        balance[:n, :n] += GAP * weight * (values[:, None] == values[None, :])
    where = {person: k for k, person in enumerate(people.tolist())}
    for a, b in instance.apart:
        if a in where and b in where:
            balance[where[a], where[b]] = balance[where[b], where[a]] = cells.FORBIDDEN
    np.fill_diagonal(balance, 0)
    full = balance.copy()
    for earlier in instance.history:
        met = earlier[people]
        full[:n, :n] += REPEAT * ((met[:, None] == met[None, :]) & (met[:, None] >= 0))
    np.fill_diagonal(full, 0)
    return balance, full


def least_balance(instance: Instance) -> int:
    """The price of balance when every gap is 0."""
    here = instance.here
    return GAP * sum(weight * fewest_pairs(column[here], instance.G) for column, weight in instance.weighted)


def _even_out(room: Room, budget: Budget) -> None:
    """Bring every gap to 0, or as low as a fair number of tries does."""
    floor = least_balance(room.instance)
    table = room.table(room.balance, np.zeros_like(room.wishes), budget.seed)
    table.stop_at = floor
    most = ENOUGH if budget.evaluations is None else budget.evaluations // 4
    heat, block = 0.0, 256 * room.chairs
    while table.best_cost > floor and len(room.movers) > 1 and budget.spent < most:
        if not budget.is_first_only and budget.used > 0.5:
            break
        before = table.best_cost
        budget.spent += table.walk(heat, min(block, most - budget.spent), _crowded(room, table.seats))
        heat = 0.0 if table.best_cost < before else heat + 0.5
        if heat > _STUCK:
            table.seat(table.best_seats)
            heat = 0.0
    room.seats = table.best_seats.astype(np.int64)


def _crowded(room: Room, seats: cells.Numbers) -> cells.Words:
    """People who may move, in a group with more of their value than even spreading gives."""
    n, G = len(room.people), room.instance.G
    crowded = np.zeros(room.chairs, np.bool_)
    for column in room.instance.attrs[room.people].T:
        values = int(column.max()) + 1
        counts = np.bincount(seats[:n] * values + column, minlength=G * values).reshape(G, values)
        total = counts.sum(0)
        uneven = (counts * (counts - 1) // 2).sum(0) > _fewest(total, G)
        crowded[:n] |= uneven[column] & (counts[seats[:n], column] > total[column] // G)
    found: cells.Words = room.movers[crowded[room.movers]]
    return found


def _fewest(total: Ints, G: int) -> Ints:
    q, r = total // G, total % G
    found: Ints = r * (q + 1) * q // 2 + (G - r) * q * (q - 1) // 2
    return found


def _improve(room: Room, budget: Budget, progress: Callable[[float, int], bool] | None) -> None:
    """Search for the least cost from the even start; the best seats seen are kept."""
    if len(room.movers) < 2:
        return
    floor = least_balance(room.instance)

    def tell(share: float, cost: int) -> bool:
        return progress is None or progress(share, cost - floor)

    table = room.table(room.full, room.wishes, budget.seed + 1)
    room.seats = cooling.cool(table, budget, tell).best_seats.astype(np.int64)
