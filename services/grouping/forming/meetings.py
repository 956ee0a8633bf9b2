"""Rounds at once: who met whom how often, and the swaps that change it; kernel.c's `walk_rounds` and its twin."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

from services.grouping.forming import kernel
from services.grouping.forming.cells import Words
from services.grouping.forming.instances import Ints


class _Rounds(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("rounds", "groups", "size", "unused")),
        *((name, ctypes.c_void_p) for name in ("expo", "seats", "slots", "held", "met", "best_seats")),
        *((name, ctypes.c_int64) for name in ("cost", "best_cost")),
        *((name, ctypes.c_uint64) for name in ("seed", "drawn")),
    )


if kernel.LIBRARY is not None:
    kernel.LIBRARY.walk_rounds.argtypes = [ctypes.POINTER(_Rounds), ctypes.c_double, ctypes.c_int64]
    kernel.LIBRARY.walk_rounds.restype = ctypes.c_int64


def together(row: Ints) -> Ints:
    """(n, n) of 0 and 1: who shares a group in a round."""
    pairs: Ints = (row[:, None] == row[None, :]).astype(np.int64)
    return pairs


def repeats(seats: Ints) -> int:
    """Meetings of a pair after its first, over (R, n) group ids."""
    n, met = seats.shape[1], []
    for row in seats:
        order = np.argsort(row, kind="stable")
        for apart in range(1, int(np.bincount(row - row.min()).max()) if n else 0):
            both = row[order[apart:]] == row[order[:-apart]]
            met.append(order[:-apart][both] * n + order[apart:][both])
    pairs = np.sort(np.concatenate([np.empty(0, np.int64), *met]))
    return int((pairs[1:] == pairs[:-1]).sum())


@dataclass
class Meetings:
    """(R, n) `seats` of groups of one size; `cost` is how often pairs meet again, and the first round stays."""

    groups: int
    size: int
    seats: Words
    slots: Words
    held: Words
    met: Words
    best_seats: Words
    cost: int
    best_cost: int
    seed: int
    drawn: int = 0

    @classmethod
    def of(cls, seats: Ints, groups: int, *, seed: int) -> Meetings:
        rounds, n = seats.shape
        size = n // groups
        order = np.argsort(seats, axis=1, kind="stable").astype(np.int32)
        slots = np.empty_like(order)
        np.put_along_axis(slots, order, np.tile(np.arange(n, dtype=np.int32) % size, (rounds, 1)), axis=1)
        met = sum((together(row) for row in seats), np.zeros((n, n), np.int64))
        cost = repeats(seats)
        return cls(
            groups=groups,
            size=size,
            seats=np.ascontiguousarray(seats, np.int32),
            slots=slots,
            held=order,
            met=np.ascontiguousarray(met, np.int32),
            best_seats=np.array(seats, np.int32),
            cost=cost,
            best_cost=cost,
            seed=seed % 2**64,
        )

    def walk(self, heat: float, count: int) -> int:
        """Try `count` swaps within a round at temperature `heat`; stops when nobody meets twice. Returns how many
        were judged.
        """
        if len(self.seats) < 2 or count < 1:
            return 0
        if kernel.LIBRARY is None:
            return self._walk(heat, count)
        table = _Rounds(
            len(self.seats), self.groups, self.size, 0, kernel.SPREAD.ctypes.data,
            self.seats.ctypes.data, self.slots.ctypes.data, self.held.ctypes.data, self.met.ctypes.data,
            self.best_seats.ctypes.data, self.cost, self.best_cost, self.seed, self.drawn,
        )  # fmt: skip
        judged: int = kernel.LIBRARY.walk_rounds(ctypes.byref(table), heat, count)
        self.cost, self.best_cost, self.drawn = table.cost, table.best_cost, table.drawn
        return judged

    def _walk(self, heat: float, count: int) -> int:
        n, rounds = self.seats.shape[1], len(self.seats)
        for k, z in enumerate(kernel.words(self.seed, self.drawn, count).tolist()):
            self.drawn += 1
            r = 1 + ((((z >> 12) & 0xFFFFF000) * (rounds - 1)) >> 32)
            u, v = ((z & 0xFFFFFFFF) * n) >> 32, ((z >> 32) * n) >> 32
            a, b = int(self.seats[r, u]), int(self.seats[r, v])
            if a == b:
                continue
            left = self.held[r, a * self.size : (a + 1) * self.size]
            right = self.held[r, b * self.size : (b + 1) * self.size]
            with_u, with_v, met = left[left != u], right[right != v], self.met
            delta = int((met[v, with_u] > 0).sum()) - int((met[u, with_u] > 1).sum())
            delta += int((met[u, with_v] > 0).sum()) - int((met[v, with_v] > 1).sum())
            if not delta <= heat * float(kernel.SPREAD[z & 4095]):
                continue
            for one, others, step in ((u, with_u, -1), (v, with_u, 1), (v, with_v, -1), (u, with_v, 1)):
                met[one, others] += step
                met[others, one] += step
            su, sv = int(self.slots[r, u]), int(self.slots[r, v])
            left[su], right[sv] = v, u
            self.slots[r, v], self.slots[r, u] = su, sv
            self.seats[r, u], self.seats[r, v] = b, a
            self.cost += delta
            if self.cost < self.best_cost:
                self.best_cost = self.cost
                self.best_seats[:] = self.seats
                if self.cost == 0:
                    return k + 1
        return count
