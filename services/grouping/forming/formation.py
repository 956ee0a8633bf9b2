"""One round: everyone gets a group."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import kernel, seating
from services.grouping.forming.figures import GAP, REPEAT, WISHES, Figures, cost_bound, fewest_pairs, figures
from services.grouping.forming.instances import BadInput, Instance, Ints

BLOCK = 2048
FORBIDDEN = 100_000
ENOUGH = 3_000_000
"""Proposals after which `--seconds 0` gives up on gap 0; some instances have none."""
# A gap costs 10: hotter than this, a block of proposals opens more gaps than it closes.
_STUCK = 2.5


@dataclass(frozen=True)
class Answer:
    """`groups` is (n,), -1 for the absent. `bound` is a cost nobody can go below."""

    groups: Ints
    figures: Figures
    bound: int
    evaluations: int
    seconds: float


@dataclass
class Budget:
    """When to stop: after `seconds`, or after `evaluations` proposals (the same answer on any machine)."""

    seconds: float | None
    evaluations: int | None
    began: float
    spent: int = 0

    @classmethod
    def of(cls, seconds: float | None, evaluations: int | None) -> Budget:
        return cls(seconds=seconds, evaluations=evaluations, began=time.perf_counter())

    @property
    def used(self) -> float:
        """The share that is gone, 0 to 1."""
        by_count = self.spent / self.evaluations if self.evaluations else 0.0
        by_clock = (time.perf_counter() - self.began) / self.seconds if self.seconds else 0.0
        return max(by_count, by_clock)

    @property
    def is_first_only(self) -> bool:
        """Stop at the first answer with all hard rules and no gap."""
        return self.seconds == 0 and self.evaluations is None


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
    budget = Budget.of(seconds, evaluations)
    draw = np.random.default_rng(seed)
    room = Room.opened(instance, draw)
    if room.chairs:
        _even_out(room, draw, budget)
        if not budget.is_first_only:
            _improve(room, draw, budget, progress)
    groups = room.groups()
    return Answer(
        groups=groups,
        figures=figures(instance, groups),
        bound=cost_bound(instance),
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


@dataclass
class Room:
    """An instance laid out for the kernel: people who are here, and empty chairs that make all groups equally
    large.
    """

    instance: Instance
    people: Ints
    chairs: int
    units: list[Ints]
    singles: Ints
    seats: Ints
    balance: NDArray[np.int64]
    full: NDArray[np.int64]
    wishes: NDArray[np.int64]

    @classmethod
    def opened(
        cls, instance: Instance, draw: np.random.Generator, *, prefer: dict[int, int] | None = None
    ) -> Room:
        """Everyone on a first seat that keeps all hard rules; `prefer` names seats to keep if possible."""
        people = np.flatnonzero(instance.here)
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
        fixed = {where[p]: g for p, g in seating.first_seats(instance, prefer=prefer).items()}
        kept = {where[p]: g for p, g in (prefer or {}).items() if p in where}
        pinned = {where[p] for p in instance.pinned}
        units = []
        for unit in seating.units(instance):
            ids = np.array([where[p] for p in unit.people], np.int64)
            if len(ids) > 1:
                if unit.group < 0:
                    units.append(ids)
                pinned.update(ids.tolist())
        room = cls(
            instance=instance,
            people=people,
            chairs=chairs,
            units=units,
            singles=np.array([k for k in range(chairs) if k not in pinned], np.int64),
            seats=np.full(chairs, -1, np.int64),
            balance=balance,
            full=full,
            wishes=calls,
        )
        room._seat(fixed, kept)
        return room

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
        empty = [g for g in range(G) for _ in range(high - int(sizes[g]))]
        self.seats[n:] = empty

    def table(self, pull: NDArray[np.int64], call: NDArray[np.int64]) -> kernel.Table:
        """The kernel's table with everyone on their present seat."""
        least = np.full(self.instance.G, self.instance.bounds[0])
        return kernel.Table.laid(pull, call, self.seats, people=len(self.people), least=least)

    def groups(self) -> Ints:
        """(n,) of the instance, -1 for the absent."""
        found = np.full(self.instance.n, -1, np.int64)
        found[self.people] = self.seats[: len(self.people)]
        return found


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
            balance[where[a], where[b]] = balance[where[b], where[a]] = FORBIDDEN
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


def _even_out(room: Room, draw: np.random.Generator, budget: Budget) -> None:
    """Bring every gap to 0, or as low as a fair number of tries does."""
    floor = least_balance(room.instance)
    table = room.table(room.balance, np.zeros_like(room.wishes))
    best = kernel.Best(table.seats.copy(), table.cost)
    most = ENOUGH if budget.evaluations is None else budget.evaluations // 4
    heat, block = 0.0, max(256, 2 * room.chairs)
    while best.cost > floor and len(room.singles) > 1 and budget.spent < most:
        if not budget.is_first_only and budget.used > 0.5:
            break
        before = best.cost
        budget.spent += stroll(
            room, table, best, draw, heat, stop_at=floor, who=_crowded(room, table.seats), most=block
        )
        heat = 0.0 if best.cost < before else min(_STUCK, heat + 0.25)
        if heat == _STUCK:
            room.seats = best.seats
            table, heat = room.table(room.balance, np.zeros_like(room.wishes)), 0.0
    room.seats = best.seats


def _crowded(room: Room, seats: Ints) -> Ints:
    """People who may move, in a group with more of their value than even spreading gives."""
    n, G = len(room.people), room.instance.G
    crowded = np.zeros(room.chairs, np.bool_)
    for column in room.instance.attrs[room.people].T:
        values = int(column.max()) + 1
        counts = np.bincount(seats[:n] * values + column, minlength=G * values).reshape(G, values)
        total = counts.sum(0)
        uneven = (counts * (counts - 1) // 2).sum(0) > _fewest(total, G)
        crowded[:n] |= uneven[column] & (counts[seats[:n], column] > total[column] // G)
    found: Ints = room.singles[crowded[room.singles]]
    return found


def _fewest(total: Ints, G: int) -> Ints:
    q, r = total // G, total % G
    found: Ints = r * (q + 1) * q // 2 + (G - r) * q * (q - 1) // 2
    return found


def _improve(
    room: Room, draw: np.random.Generator, budget: Budget, progress: Callable[[float, int], bool] | None
) -> None:
    """Anneal the whole cost from the even start; the best seats seen are kept."""
    table = room.table(room.full, room.wishes)
    best = kernel.Best(table.seats.copy(), table.cost)
    floor = least_balance(room.instance)
    hot, cold = 7.0, 0.45
    while (used := budget.used) < 1.0 and len(room.singles) > 1:
        if progress is not None and not progress(used, int(best.cost) - floor):
            break
        heat = hot * (cold / hot) ** used
        budget.spent += stroll(room, table, best, draw, heat, most=_left(budget))
    room.seats = best.seats


def _left(budget: Budget) -> int:
    return BLOCK if budget.evaluations is None else max(1, min(BLOCK, budget.evaluations - budget.spent))


def stroll(
    room: Room,
    table: kernel.Table,
    best: kernel.Best,
    draw: np.random.Generator,
    heat: float,
    *,
    stop_at: float = -np.inf,
    most: int = BLOCK,
    who: Ints | None = None,
) -> int:
    """One block of proposals at one temperature: single swaps, then each kept-together unit once. Returns how
    many.

    Half of them are for `who`, when it names anybody; the rest are for anyone.
    """
    us, vs = draw.choice(room.singles, most), draw.choice(room.singles, most)
    if who is not None and len(who):
        # The others still move now and then: it is their even moves that open a way out.
        us[::2] = draw.choice(who, len(us[::2]))
    limits = -heat * np.log1p(-draw.random(most))
    judged = kernel.walk(table, us, vs, limits, best, stop_at=stop_at)
    for unit in room.units:
        if table.cost <= stop_at:
            break
        judged += _move_unit(room, table, unit, draw, heat)
        best.look(table)
    return judged


def _move_unit(room: Room, table: kernel.Table, unit: Ints, draw: np.random.Generator, heat: float) -> int:
    """Offer a unit the chairs of as many single people in another group, and take it back when it costs too
    much.
    """
    home, group = int(table.seats[unit[0]]), int(draw.integers(room.instance.G))
    hosts = room.singles[(table.seats[room.singles] == group) & (room.singles < len(room.people))]
    limit = float(-heat * np.log1p(-draw.random()))
    if group == home or len(hosts) < len(unit):
        return 1
    hosts = draw.permutation(hosts)[: len(unit)]
    before, done = table.cost, []
    for one, host in zip(unit.tolist(), hosts.tolist(), strict=True):
        table.swap(one, host, float(table.deltas(np.array([one]), np.array([host]))[0]))
        done.append((one, host))
    if table.cost - before > limit:
        for one, host in reversed(done):
            table.swap(one, host, float(table.deltas(np.array([one]), np.array([host]))[0]))
        table.cost = before
    return len(done)
