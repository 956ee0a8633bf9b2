"""Rounds that turn into one another: a search among those that a group of turns leaves as they are.

An abelian group acts on people: orbits as long as the group, and some who stand still. Only base rounds are looked for,
the turns make the others, so that a search among R rounds becomes one among a few; designs that no search finds as a
whole are found so in a fraction of a second (the method is known as differences, since R. C. Bose, "On the
Construction of Balanced Incomplete Block Designs", Annals of Eugenics 9 (1939), 353-399). The C part is turning.c.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from math import prod

import numpy as np

from services.grouping.forming import kernel
from services.grouping.forming.cells import Words
from services.grouping.forming.instances import Ints


class _Turning(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("free", "fixed", "groups", "size", "order", "unused")),
        *((name, ctypes.c_void_p) for name in ("expo", "kinds", "first")),
        *((name, ctypes.c_void_p) for name in ("seats", "slots", "held", "rows", "met")),
        ("cost", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("seed", "drawn")),
    )


if kernel.LIBRARY is not None:
    kernel.LIBRARY.walk_turning.argtypes = [ctypes.POINTER(_Turning), ctypes.c_double, ctypes.c_int64]
    kernel.LIBRARY.walk_turning.restype = ctypes.c_int64


@dataclass(frozen=True)
class Turns:
    """The turns of `n` people by an abelian group, cyclic of each of `moduli`.

    Person orbit * order + place goes to another place of the same orbit; the last n mod order stand still.
    """

    moduli: tuple[int, ...]
    n: int

    @property
    def order(self) -> int:
        return prod(self.moduli)

    @property
    def plus(self) -> Ints:
        """(order, order): the place reached from one place by another's turn."""
        told = np.zeros((1, 1), np.int64)
        for m in self.moduli:
            here = (np.arange(m)[:, None] + np.arange(m)[None, :]) % m
            told = (told[:, None, :, None] * m + here[None, :, None, :]).reshape(len(told) * m, -1)
        return told

    @property
    def turned(self) -> Ints:
        """(order, n): who stands where each person stood, after each turn."""
        orbit, place = np.divmod(np.arange(self.n), self.order)
        moves = orbit < self.n // self.order
        return np.where(moves[None, :], orbit * self.order + self.plus[:, place], np.arange(self.n))

    def kinds(self) -> tuple[Words, Words]:
        """(n, n) which orbit a pair belongs to, and how many of each orbit's pairs there are."""
        turned = self.turned
        least = np.full((self.n, self.n), self.n * self.n, np.int64)
        for row in turned:
            low, high = np.minimum(row[:, None], row[None, :]), np.maximum(row[:, None], row[None, :])
            np.minimum(least, low * self.n + high, out=least)
        _names, kinds = np.unique(least, return_inverse=True)
        kinds = kinds.reshape(self.n, self.n).astype(np.int32)
        pairs = np.bincount(kinds[np.triu_indices(self.n, 1)], minlength=int(kinds.max()) + 1)
        return np.ascontiguousarray(kinds), pairs.astype(np.int32)

    def develop(self, seats: Ints, rows: Ints, groups: int) -> Ints:
        """(R, n) group ids of all rounds: each free base round turned, and each fixed one.

        `seats` is (free, n) group ids of the base rounds; `rows` (fixed, size) holds the person of each orbit in one
        group, as a place.
        """
        told = [row[turn] for row in seats for turn in np.argsort(self.turned, axis=1)]
        for row in rows:
            found = np.empty(self.n, np.int64)
            for orbit, place in enumerate(row):
                found[orbit * self.order + self.plus[place]] = np.arange(self.order)
            told.append(found)
        return np.array(told, np.int64).reshape(-1, self.n)


@dataclass
class Turning:
    """Base rounds under search; `cost` is the repeats of all rounds they stand for."""

    turns: Turns
    groups: int
    size: int
    kinds: Words
    first: Words
    seats: Words
    slots: Words
    held: Words
    rows: Words
    met: Words
    cost: int
    seed: int
    drawn: int = 0

    @classmethod
    def of(cls, turns: Turns, groups: int, *, free: int, fixed: int, seed: int) -> Turning:
        """A random start. A fixed round needs as many turns as groups, so that one group turns into all."""
        n, order = turns.n, turns.order
        size = n // groups
        kinds, pairs = turns.kinds()
        drawn = kernel.words(seed, 0, free * n + fixed * size)
        held = np.argsort(drawn[: free * n].reshape(free, n), axis=1, kind="stable").astype(np.int32)
        seats, slots = np.empty_like(held), np.empty_like(held)
        np.put_along_axis(seats, held, np.tile(np.arange(n, dtype=np.int32) // size, (free, 1)), axis=1)
        np.put_along_axis(slots, held, np.tile(np.arange(n, dtype=np.int32) % size, (free, 1)), axis=1)
        places = (drawn[free * n :] % order).astype(np.int32).reshape(fixed, size)
        rows = np.ascontiguousarray(places + np.arange(size, dtype=np.int32) * order, np.int32)
        met = np.zeros(len(pairs), np.int32)
        for base in np.concatenate([held.reshape(-1, size), rows]):
            left, right = np.triu_indices(size, 1)
            np.add.at(met, kinds[base[left], base[right]], 1)
        first = (order - pairs).astype(np.int32)
        cost = int(((first + order * (met.astype(np.int64) - 1)) * (met > 0)).sum())
        return cls(
            turns=turns, groups=groups, size=size, kinds=kinds, first=first, seats=seats, slots=slots, held=held,
            rows=rows, met=met, cost=cost, seed=seed % 2**64, drawn=free * n + fixed * size,
        )  # fmt: skip

    @property
    def rounds(self) -> Ints:
        """(R, n) group ids of all rounds."""
        seats, rows = self.seats.astype(np.int64), self.rows.astype(np.int64) % self.turns.order
        return self.turns.develop(seats, rows, self.groups)

    def walk(self, heat: float, count: int) -> int:
        """Try `count` swaps in base rounds at temperature `heat`; stops when nobody meets twice. Returns how many
        were judged.
        """
        if count < 1 or self.cost == 0:
            return 0
        if kernel.LIBRARY is None:
            return self._walk(heat, count)
        table = _Turning(
            len(self.seats), len(self.rows), self.groups, self.size, self.turns.order, 0,
            kernel.SPREAD.ctypes.data, self.kinds.ctypes.data, self.first.ctypes.data, self.seats.ctypes.data,
            self.slots.ctypes.data, self.held.ctypes.data, self.rows.ctypes.data, self.met.ctypes.data,
            self.cost, self.seed, self.drawn,
        )  # fmt: skip
        judged: int = kernel.LIBRARY.walk_turning(ctypes.byref(table), heat, count)
        self.cost, self.drawn = table.cost, table.drawn
        return judged

    def _walk(self, heat: float, count: int) -> int:
        n, size, order, free = self.turns.n, self.size, self.turns.order, len(self.seats)
        for k, z in enumerate(kernel.words(self.seed, self.drawn, count).tolist()):
            self.drawn += 1
            place = (((z >> 12) & 0xFFFFF000) * (free * n + len(self.rows) * size)) >> 32
            u, v = ((z & 0xFFFFFFFF) * n) >> 32, ((z >> 32) * n) >> 32
            most = heat * order * float(kernel.SPREAD[z & 4095])
            if place < free * n:
                r = place // n
                a, b = int(self.seats[r, u]), int(self.seats[r, v])
                if a == b:
                    continue
                left = self.held[r, a * size : (a + 1) * size]
                right = self.held[r, b * size : (b + 1) * size]
                swaps = [(left[left != u].tolist(), u, v), (right[right != v].tolist(), v, u)]
            else:
                row = self.rows[(place - free * n) // size]
                was = int(row[u // order])
                if was == u:
                    continue
                swaps = [(row[row != was].tolist(), was, u)]
            delta = self._change(swaps)
            if not delta <= most:
                self._change([(others, came, gone) for others, gone, came in swaps])
                continue
            if place < free * n:
                su, sv = int(self.slots[r, u]), int(self.slots[r, v])
                left[su], right[sv] = v, u
                self.slots[r, v], self.slots[r, u] = su, sv
                self.seats[r, u], self.seats[r, v] = b, a
            else:
                row[u // order] = u
            self.cost += delta
            if self.cost == 0:
                return k + 1
        return count

    def _change(self, swaps: list[tuple[list[int], int, int]]) -> int:
        """Who leaves the others of a base group, and who comes: what the repeats change by."""
        met, kinds, first, order, delta = self.met, self.kinds, self.first, self.turns.order, 0
        for others, gone, _came in swaps:
            for other in others:
                kind = kinds[gone, other]
                met[kind] -= 1
                delta -= order if met[kind] > 0 else int(first[kind])
        for others, _gone, came in swaps:
            for other in others:
                kind = kinds[came, other]
                delta += order if met[kind] > 0 else int(first[kind])
                met[kind] += 1
        return delta
