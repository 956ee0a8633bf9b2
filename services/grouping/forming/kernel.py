"""The one place where two people change seats.

Everything the engine wants is a sum over pairs in one group (colleagues, same territory, met before, must not
meet, far apart) plus a term for each person and group (wishes, staying). With `pull[i, j]` for the pairs and
`call[g, i]` for the rest, `load[g, i] = call[g, i] + sum of pull[i, j] over j in g` makes a swap cost O(1) to
judge and O(n) to do; one person with everybody else is a few rows of numbers side by side, which both numpy and the
processor's wide registers like.

All of it is whole numbers and the proposals come from a counted stream, so kernel.c and the numpy walk below take
the same steps: who has no compiler waits longer and gets the same bytes. So does a processor without the registers for
narrow numbers: those are taken only where no sum that is ever looked at needs more than 16 bits (see cells.py).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import native
from services.grouping.forming.cells import (
    FORBIDDEN,
    STRIP,
    Cells,
    Kind,
    Numbers,
    Words,
    lined,
    narrow,
    padded,
)
from services.grouping.forming.instances import Ints

LARGEST = 4000
"""People whose table of pairs, the square of that, is still kept whole."""
_NEVER = -(2**62)
_LIMITS, _LINE = 4096, 16
SPREAD = -np.log((np.arange(_LIMITS) * 2531 % _LIMITS + 0.5) / _LIMITS)
"""Quantiles of the exponential law, in an order where neighbours differ: 2531 is 4096 over the golden ratio."""
_TOP = 2**27

LIBRARY = native.load()
BACKEND = "numpy" if LIBRARY is None else "c"


class _Table(ctypes.Structure):
    """The Table of seats.h."""

    _fields_ = (
        *(
            (name, ctypes.c_int32)
            for name in ("chairs", "stride", "groups", "people", "tied", "free", "front_n", "stay")
        ),
        *((name, ctypes.c_int32) for name in ("closed", "highest")),
        *(
            (name, ctypes.c_void_p)
            for name in ("pull", "mate", "expo", "load", "own", "seats", "place", "spare")
        ),
        *((name, ctypes.c_void_p) for name in ("best_seats", "home", "front", "front_seats", "limits")),
        ("heat", ctypes.c_double),
        *((name, ctypes.c_int64) for name in ("cost", "best_cost", "stop_at", "changed", "moved")),
        *((name, ctypes.c_uint64) for name in ("seed", "drawn")),
    )


def _walks(library: ctypes.CDLL | None) -> dict[Kind, Callable[..., int]]:
    """The walks of this machine by the kind of a table's numbers; none without a compiler."""
    if library is None:
        return {}
    walks = {np.int32: library.walk} | ({np.int16: library.narrow_walk} if library.has_narrow() else {})
    for walk in walks.values():
        walk.argtypes = [
            ctypes.POINTER(_Table), ctypes.c_void_p, ctypes.c_int32, ctypes.c_double, ctypes.c_int64,
        ]  # fmt: skip
        walk.restype = ctypes.c_int64
    return dict(walks)


WALKS = _walks(LIBRARY)
"""np.int16 among them only where the processor has the registers for it."""


@dataclass
class Table:
    """Who sits where, and what it costs; lower `cost` is better.

    `seats` is (chairs,) group ids. Those from `people` on are empty chairs, and `spare[g]` is how many people group
    g may lose before it is too small. Chairs before `tied` never change, those before `free` only with all who are
    kept together with them: `mate` is the next of those, in a ring. `best_seats` cost `best_cost`, the least seen.
    `drawn` counts rows that were begun, `changed` those that ended with a swap.

    Where moves count, `home` is the published seat, `stay` what leaving it costs, and `front[m]` the least cost
    seen with m moves, stays not counted, with its seats.
    """

    pull: Numbers
    load: Numbers
    own: Numbers
    call: Words
    seats: Numbers
    place: Numbers
    limits: Numbers
    cells: Cells
    people: int
    least: Ints
    spare: Words
    tied: int
    free: int
    mate: Words
    best_seats: Words
    seed: int
    cost: int = 0
    best_cost: int = 0
    stop_at: int = _NEVER
    drawn: int = 0
    changed: int = 0
    home: Words | None = None
    stay: int = 0
    moved: int = 0
    front: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    front_seats: Words = field(default_factory=lambda: np.empty((0, 0), np.int32))
    _heat: float = -1.0
    _in_c: _Table | None = None

    @classmethod
    def laid(
        cls,
        pull: NDArray[np.integer],
        call: NDArray[np.integer],
        seats: NDArray[np.integer],
        *,
        people: int,
        least: Ints,
        tied: int = 0,
        mate: NDArray[np.integer] | None = None,
        seed: int = 1,
    ) -> Table:
        """A table from (chairs, chairs) `pull`, symmetric with a zero diagonal, (G, chairs) `call`, and first
        seats.

        `least` is (G,) the smallest size of each group; the chairs a group has are its largest. People who never
        move come first, up to `tied`, then those who have a mate, then all others, then empty chairs. Raises
        ValueError when prices are too large to be added up in 32 bits.
        """
        chairs = call.shape[1]
        everyone = np.arange(chairs, dtype=np.int32)
        if chairs and int(np.abs(pull).sum(1).max()) + int(np.abs(call).max()) >= _TOP:
            raise ValueError("prices are too large for the kernel")
        mates = everyone if mate is None else np.ascontiguousarray(mate, np.int32)
        bound = np.flatnonzero(mates != everyone)
        free = max(tied, int(bound[-1]) + 1 if len(bound) else 0)
        cells = (
            narrow(pull, call, seats, people, mates) if LIBRARY is not None and np.int16 in WALKS else Cells()
        )
        stride = -(-(free + max(1, -(-(chairs - free) // STRIP)) * STRIP) // STRIP) * STRIP
        prices = lined(chairs, stride, free, 0, cells.kind)
        prices[:, :chairs] = (
            np.where(pull >= FORBIDDEN, cells.forbidden, pull) if cells.kind is np.int16 else pull
        )
        table = cls(
            pull=prices,
            load=lined(len(call), stride, free, 0, cells.kind),
            own=lined(1, stride, free, 0, cells.kind)[0],
            call=np.ascontiguousarray(call, np.int32),
            seats=padded(np.array(seats), stride, -1, cells.kind),
            place=lined(1, stride, free, len(call), cells.kind)[0],
            limits=lined(1, _LIMITS + STRIP, 0, 0, cells.kind)[0],
            cells=cells,
            people=people,
            least=least,
            spare=np.zeros(len(call), np.int32),
            tied=tied,
            free=free,
            mate=mates,
            best_seats=np.array(seats, np.int32),
            seed=seed % 2**64,
        )
        table.seat(seats)
        table.best_cost = table.cost
        return table

    def seat(self, seats: NDArray[np.integer]) -> None:
        """Everybody stands up and sits down on `seats`; the best seen so far stays the best.

        Raises ValueError when a table of narrow numbers is to seat two people together who must not be.
        """
        self.seats[:] = seats
        everyone = np.arange(len(self.seats))
        self.place[self.free : self.people] = self.seats[self.free : self.people]
        self.place[self.people : len(self.seats)] = self.seats[self.people :] + len(self.call) + 1
        order = np.argsort(self.seats, kind="stable")
        edges = np.searchsorted(self.seats[order], np.arange(len(self.call) + 1))
        for group in range(len(self.call)):
            here = order[edges[group] : edges[group + 1]]
            self.load[group] = self.pull[here].sum(0, dtype=np.int32)
            self.load[group, : len(everyone)] += self.call[group]
        self.own[: len(everyone)] = self.load[self.seats, everyone]
        calls = self.call[self.seats, everyone].astype(np.int64)
        if self.cells.kind is np.int16 and (self.own > self.cells.highest).any():
            raise ValueError("a narrow table seats nobody beside those they must not be with")
        self.cost = int((int(self.own.sum(dtype=np.int64)) + int(calls.sum())) // 2)
        sizes = np.bincount(self.seats[: self.people], minlength=len(self.call))
        self.spare[:] = sizes - self.least
        if self.home is not None:
            self.moved = int(((self.home >= 0) & (self.home != self.seats)).sum())

    def copy(self, seed: int) -> Table:
        """The same people on the same seats, who will take other steps; prices are shared."""
        return replace(
            self,
            load=lined(len(self.load), len(self.own), self.free, self.load, self.cells.kind),
            own=lined(1, len(self.own), self.free, self.own, self.cells.kind)[0],
            seats=padded(self.seats, len(self.own), -1, self.cells.kind),
            place=lined(1, len(self.own), self.free, self.place, self.cells.kind)[0],
            limits=lined(1, _LIMITS + STRIP, 0, self.limits, self.cells.kind)[0],
            spare=self.spare.copy(),
            best_seats=self.best_seats.copy(),
            seed=seed % 2**64,
            _in_c=None,
        )

    def count_moves(self, home: NDArray[np.integer], stay: int, most: int) -> None:
        """From now on the best seats at each number of moves up to `most` are kept; `stay` is in `call` already."""
        self.home = np.ascontiguousarray(home, np.int32)
        self.stay = stay
        self.front = np.full(most + 1, 2**62, np.int64)
        self.front_seats = np.zeros((most + 1, len(self.seats)), np.int32)
        self.moved = int(((self.home >= 0) & (self.home != self.seats)).sum())
        self._in_c = None
        self._look()

    def walk(self, heat: float, count: int, firsts: Words | None = None) -> int:
        """Judge `count` swaps at temperature `heat` (in units of cost; 0 goes downhill only): row after row, one
        person (of `firsts`, if any are named) with everybody in turn until a swap happens.

        Somebody with a mate changes places with as many as they are. Returns how many were judged: fewer than
        `count` only once the cost is at most `stop_at`.
        """
        if self.free >= self.people or count < 1:
            return max(0, count)
        first = firsts if firsts is not None and len(firsts) else None
        return self._walk_c(first, heat, count) if LIBRARY is not None else self._walk(first, heat, count)

    def _walk_c(self, firsts: Words | None, heat: float, count: int) -> int:
        table = self._in_c = self._in_c or self._for_c()
        table.cost, table.best_cost, table.stop_at = self.cost, self.best_cost, self.stop_at
        table.moved, table.drawn, table.changed = self.moved, self.drawn, self.changed
        named = (None, 0) if firsts is None else (firsts.ctypes.data, len(firsts))
        judged = WALKS[self.cells.kind](ctypes.byref(table), *named, heat, count)
        self.cost, self.best_cost = table.cost, table.best_cost
        self.moved, self.drawn, self.changed = table.moved, table.drawn, table.changed
        return judged

    def _for_c(self) -> _Table:
        def at(numbers: NDArray[np.generic] | None) -> int | None:
            return None if numbers is None else numbers.ctypes.data

        return _Table(
            chairs=len(self.seats), stride=len(self.own), groups=len(self.call), people=self.people,
            tied=self.tied, free=self.free, front_n=len(self.front), stay=self.stay,
            pull=at(self.pull), mate=at(self.mate), expo=at(SPREAD), load=at(self.load), own=at(self.own),
            seats=at(self.seats), place=at(self.place), spare=at(self.spare), best_seats=at(self.best_seats),
            home=at(self.home), front=at(self.front), front_seats=at(self.front_seats), limits=at(self.limits),
            closed=self.cells.closed, highest=self.cells.highest, heat=-1.0, seed=self.seed,
        )  # fmt: skip

    def _walk(self, firsts: Words | None, heat: float, count: int) -> int:
        """The walk of seats.h."""
        judged = 0
        if heat != self._heat:
            self._heat = heat
            self.limits[:_LIMITS] = np.minimum(heat * SPREAD, self.cells.highest)
            self.limits[_LIMITS:] = self.limits[:STRIP]
        while judged < count:
            z = int(words(self.seed, self.drawn, 1)[0])
            self.drawn += 1
            low, high, start = z & _LOW, z >> 32, z & (_LIMITS - 1)
            if firsts is None:
                u = self.tied + (low * (self.people - self.tied) >> 32)
            else:
                u = int(firsts[low * len(firsts) >> 32])
            if self.mate[u] == u:
                judged += self._row(u, high, start & -_LINE, count - judged)
            else:
                v = self.free + (high * (self.people - self.free) >> 32)
                if self.seats[u] != self.seats[v]:
                    self._change_unit(u, v, int(self.limits[start]))
                judged += 1
            if self.cost <= self.stop_at:
                break
        return judged

    def _row(self, u: int, bits: int, limit: int, most: int) -> int:
        a, groups, first = int(self.seats[u]), len(self.call), self.free
        open_ = len(self.seats) - first
        strips = -(-open_ // STRIP)
        start, turn = bits * strips >> 32, bits % STRIP
        column = np.full(2 * groups + 2, self.cells.closed, np.int32)
        column[:groups] = self.load[:, u] - self.load[a, u]
        column[a] = self.cells.closed
        if self.spare[a] > 0:
            column[groups + 1 : -1] = column[:groups]
        at = slice(first, first + strips * STRIP)
        prices = column[self.place[at]] + self.load[a, at] - self.own[at] - 2 * self.pull[u, at]
        rows = prices.reshape(strips, STRIP)
        around = np.concatenate((rows[start:], rows[:start])).ravel()
        fits = (around <= self.limits[(limit + np.arange(len(around))) % _LIMITS]).reshape(strips, STRIP)
        found = np.concatenate((fits[:, turn:], fits[:, :turn]), axis=1).ravel()[:most]
        k = int(found.argmax())
        if not found[k]:
            return most if len(found) == most else open_
        self._change(u, first + (start + k // STRIP) % strips * STRIP + (turn + k) % STRIP)
        self._look()
        self.changed += 1
        return min(k + 1, open_)

    def _change(self, u: int, v: int) -> int:
        a, b = int(self.seats[u]), int(self.seats[v])
        delta = int(self.load[b, u]) - int(self.load[a, u]) + int(self.load[a, v]) - int(self.load[b, v])
        delta -= 2 * int(self.pull[u, v])
        step = self.pull[v] - self.pull[u]
        self.load[a] += step
        self.load[b] -= step
        n = len(self.seats)
        self.own[:n] += np.where(self.seats == a, step[:n], 0) - np.where(self.seats == b, step[:n], 0)
        self.seats[u], self.seats[v] = b, a
        self.own[u], self.own[v] = self.load[b, u], self.load[a, v]
        if u >= self.free:
            self.place[u] = b
        self.place[v] = a + (len(self.call) + 1 if v >= self.people else 0)
        if v >= self.people:
            self.spare[a] -= 1
            self.spare[b] += 1
        if self.home is not None:
            for person, left, came in ((u, a, b), (v, b, a)):
                if self.home[person] >= 0:
                    self.moved += int(self.home[person] != came) - int(self.home[person] != left)
        self.cost += delta
        return delta

    def _change_unit(self, u: int, v: int, limit: int) -> None:
        ones = [u]
        while int(self.mate[ones[-1]]) != u:
            ones.append(int(self.mate[ones[-1]]))
        around = np.concatenate((np.arange(v, self.people), np.arange(self.free, v)))
        alone = (self.seats[around] == self.seats[v]) & (self.mate[around] == around)
        hosts = around[alone][: len(ones)].tolist()
        if len(hosts) < len(ones) or len(ones) > 64:
            return
        pairs = list(zip(ones, hosts, strict=True))
        if sum(self._change(one, host) for one, host in pairs) <= limit:
            self._look()
            return
        for one, host in reversed(pairs):
            self._change(one, host)

    def _look(self) -> None:
        if self.cost < self.best_cost:
            self.best_cost = self.cost
            self.best_seats[:] = self.seats
        if self.home is not None and self.moved < len(self.front):
            bare = self.cost - self.stay * self.moved
            if bare < self.front[self.moved]:
                self.front[self.moved] = bare
                self.front_seats[self.moved] = self.seats


_LOW = 2**32 - 1


def words(seed: int, start: int, count: int) -> NDArray[np.uint64]:
    """`count` 64-bit words of the stream `seed`, from its `start`-th on.

    Source: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014.
    """
    with np.errstate(over="ignore"):
        z = np.arange(start + 1, start + count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(seed % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return found
