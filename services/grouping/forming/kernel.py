"""The one place where two people change seats.

Everything the engine wants is a sum over pairs in one group (colleagues, same territory, met before, must not
meet, far apart) plus a term for each person and group (wishes, staying). With `pull[i, j]` for the pairs and
`call[g, i]` for the rest, `load[g, i] = call[g, i] + sum of pull[i, j] over j in g` makes a swap cost O(1) to
judge and O(n) to do.

All of it is whole numbers and the proposals come from a counted stream, so kernel.c and the numpy walk below take
the same steps: who has no compiler waits longer and gets the same bytes.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import native
from services.grouping.forming.instances import Ints

Words = NDArray[np.int32]

LARGEST = 4000
"""People whose table of pairs, the square of that, is still kept whole."""
FORBIDDEN = 100_000
"""Price of two people together who must not be."""
_NEVER = -(2**62)
SPREAD = -np.log((np.arange(4096) + 0.5) / 4096)
_TOP = 2**30
_LONGEST = 4096

LIBRARY = native.load()
BACKEND = "numpy" if LIBRARY is None else "c"


class _Table(ctypes.Structure):
    """kernel.c's Table."""

    _fields_ = (
        *((name, ctypes.c_int32) for name in ("chairs", "groups", "people", "movers_n")),
        *((name, ctypes.c_void_p) for name in ("pull", "movers", "mate", "expo", "load", "seats", "spare")),
        *((name, ctypes.c_void_p) for name in ("best_seats", "home", "front", "front_seats")),
        *((name, ctypes.c_int64) for name in ("cost", "best_cost", "stop_at")),
        *((name, ctypes.c_int32) for name in ("front_n", "stay", "moved", "unused")),
        *((name, ctypes.c_uint64) for name in ("seed", "drawn")),
    )


if LIBRARY is not None:
    LIBRARY.walk.argtypes = [
        ctypes.POINTER(_Table), ctypes.c_void_p, ctypes.c_int32, ctypes.c_double, ctypes.c_int64,
    ]  # fmt: skip
    LIBRARY.walk.restype = ctypes.c_int64


@dataclass
class Table:
    """Who sits where, and what it costs; lower `cost` is better.

    `seats` is (chairs,) group ids. Those from `people` on are empty chairs, and `spare[g]` is how many more of
    them group g may still take before it is too small. `movers` may change seats; `mate` is the next of those who
    sit together, in a ring. `best_seats` cost `best_cost`, the least seen.

    Where moves count, `home` is the published seat, `stay` what leaving it costs, and `front[m]` the least cost
    seen with m moves, stays not counted, with its seats.
    """

    pull: Words
    load: Words
    call: Words
    seats: Words
    people: int
    least: Ints
    spare: Words
    movers: Words
    mate: Words
    best_seats: Words
    seed: int
    cost: int = 0
    best_cost: int = 0
    stop_at: int = _NEVER
    drawn: int = 0
    home: Words | None = None
    stay: int = 0
    moved: int = 0
    front: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    front_seats: Words = field(default_factory=lambda: np.empty((0, 0), np.int32))

    @classmethod
    def laid(
        cls,
        pull: NDArray[np.integer],
        call: NDArray[np.integer],
        seats: NDArray[np.integer],
        *,
        people: int,
        least: Ints,
        movers: NDArray[np.integer] | None = None,
        mate: NDArray[np.integer] | None = None,
        seed: int = 1,
    ) -> Table:
        """A table from (chairs, chairs) `pull`, symmetric with a zero diagonal, (G, chairs) `call`, and first
        seats.

        `least` is (G,) the smallest size of each group; the chairs a group has are its largest. Raises ValueError
        when prices are too large to be added up in 32 bits.
        """
        chairs = call.shape[1]
        everyone = np.arange(chairs, dtype=np.int32)
        if chairs and int(np.abs(pull).sum(1).max()) + int(np.abs(call).max()) >= _TOP:
            raise ValueError("prices are too large for the kernel")
        table = cls(
            pull=np.ascontiguousarray(pull, np.int32),
            load=np.zeros(call.shape, np.int32),
            call=np.ascontiguousarray(call, np.int32),
            seats=np.array(seats, np.int32),
            people=people,
            least=least,
            spare=np.zeros(len(call), np.int32),
            movers=everyone if movers is None else np.ascontiguousarray(movers, np.int32),
            mate=everyone if mate is None else np.ascontiguousarray(mate, np.int32),
            best_seats=np.array(seats, np.int32),
            seed=seed % 2**64,
        )
        table.seat(seats)
        table.best_cost = table.cost
        return table

    def seat(self, seats: NDArray[np.integer]) -> None:
        """Everybody stands up and sits down on `seats`; the best seen so far stays the best."""
        self.seats[:] = seats
        everyone = np.arange(len(self.seats))
        order = np.argsort(self.seats, kind="stable")
        edges = np.searchsorted(self.seats[order], np.arange(len(self.call) + 1))
        for group in range(len(self.call)):
            here = order[edges[group] : edges[group + 1]]
            self.load[group] = self.call[group] + self.pull[here].sum(0, dtype=np.int32)
        calls = self.call[self.seats, everyone].astype(np.int64)
        self.cost = int(((self.load[self.seats, everyone] - calls).sum()) // 2 + calls.sum())
        sizes = np.bincount(self.seats[: self.people], minlength=len(self.call))
        self.spare[:] = sizes - self.least
        if self.home is not None:
            self.moved = int(((self.home >= 0) & (self.home != self.seats)).sum())

    def count_moves(self, home: NDArray[np.integer], stay: int, most: int) -> None:
        """From now on the best seats at each number of moves up to `most` are kept; `stay` is in `call` already."""
        self.home = np.ascontiguousarray(home, np.int32)
        self.stay = stay
        self.front = np.full(most + 1, 2**62, np.int64)
        self.front_seats = np.zeros((most + 1, len(self.seats)), np.int32)
        self.moved = int(((self.home >= 0) & (self.home != self.seats)).sum())
        self._look()

    def walk(self, heat: float, count: int, firsts: Words | None = None) -> int:
        """Try `count` swaps at temperature `heat` (in units of cost; 0 goes downhill only): one of `firsts` with
        one of `movers`.

        Somebody with a mate changes places with as many as they are. Returns how many were judged: fewer than
        `count` only once the cost is at most `stop_at`.
        """
        first = self.movers if firsts is None or not len(firsts) else firsts
        if not len(self.movers) or count < 1:
            return 0
        return self._walk_c(first, heat, count) if LIBRARY is not None else self._walk(first, heat, count)

    def _walk_c(self, firsts: Words, heat: float, count: int) -> int:
        home = None if self.home is None else self.home.ctypes.data
        table = _Table(
            len(self.seats), len(self.call), self.people, len(self.movers),
            self.pull.ctypes.data, self.movers.ctypes.data, self.mate.ctypes.data, SPREAD.ctypes.data,
            self.load.ctypes.data, self.seats.ctypes.data, self.spare.ctypes.data, self.best_seats.ctypes.data,
            home, self.front.ctypes.data, self.front_seats.ctypes.data,
            self.cost, self.best_cost, self.stop_at,
            len(self.front), self.stay, self.moved, 0, self.seed, self.drawn,
        )  # fmt: skip
        assert LIBRARY is not None  # noqa: S101
        judged: int = LIBRARY.walk(ctypes.byref(table), firsts.ctypes.data, len(firsts), heat, count)
        self.cost, self.best_cost = table.cost, table.best_cost
        self.moved, self.drawn = table.moved, table.drawn
        return judged

    def _walk(self, firsts: Words, heat: float, count: int) -> int:
        """kernel.c's walk: judge many proposals at once, take up the first that does something, judge again."""
        judged, span = 0, 64
        while judged < count:
            length = min(span, count - judged)
            z = words(self.seed, self.drawn, length)
            at = ((z & _LOW) * np.uint64(len(self.movers))) >> _HALF
            u = firsts[((z >> _HALF) * np.uint64(len(firsts))) >> _HALF]
            v = self.movers[at]
            limits = heat * SPREAD[z & np.uint64(4095)]
            two = self.mate[u] != u
            fits = ~two & (self.mate[v] == v) & (self._prices(u, v) <= limits) & self._open(u, v)
            happens = (self.seats[u] != self.seats[v]) & (two | fits)
            k = int(happens.argmax())
            if not happens[k]:
                judged, self.drawn = judged + length, self.drawn + length
                span = min(2 * span, _LONGEST)
                continue
            judged, self.drawn = judged + k + 1, self.drawn + k + 1
            if two[k]:
                self._change_unit(int(u[k]), int(at[k]), float(limits[k]))
            else:
                self._change(int(u[k]), int(v[k]))
                self._look()
            if self.cost <= self.stop_at:
                break
            span = max(16, min(_LONGEST, 2 * (k + 1)))
        return judged

    def _prices(self, u: Words, v: Words) -> Ints:
        a, b, load = self.seats[u], self.seats[v], self.load
        sums: Ints = (load[b, u] - load[a, u]).astype(np.int64) + (load[a, v] - load[b, v])
        return sums - 2 * self.pull[u, v].astype(np.int64)

    def _open(self, u: Words, v: Words) -> NDArray[np.bool_]:
        u_empty, v_empty = u >= self.people, v >= self.people
        giver = np.where(u_empty, self.seats[v], self.seats[u])
        found: NDArray[np.bool_] = np.where(u_empty == v_empty, ~u_empty, self.spare[giver] > 0)
        return found

    def _change(self, u: int, v: int) -> int:
        delta = int(self._prices(np.array([u]), np.array([v]))[0])
        a, b = int(self.seats[u]), int(self.seats[v])
        step = self.pull[v] - self.pull[u]
        self.load[a] += step
        self.load[b] -= step
        self.seats[u], self.seats[v] = b, a
        if (u >= self.people) != (v >= self.people):
            giver, taker = (b, a) if u >= self.people else (a, b)
            self.spare[giver] -= 1
            self.spare[taker] += 1
        if self.home is not None:
            for person, left, came in ((u, a, b), (v, b, a)):
                if self.home[person] >= 0:
                    self.moved += int(self.home[person] != came) - int(self.home[person] != left)
        self.cost += delta
        return delta

    def _change_unit(self, u: int, at: int, limit: float) -> None:
        ones = [u]
        while int(self.mate[ones[-1]]) != u:
            ones.append(int(self.mate[ones[-1]]))
        movers = np.roll(self.movers, -at)
        group = self.seats[movers[0]]
        alone = (self.seats[movers] == group) & (self.mate[movers] == movers) & (movers < self.people)
        hosts = movers[alone][: len(ones)].tolist()
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


_HALF, _LOW = np.uint64(32), np.uint64(2**32 - 1)


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
