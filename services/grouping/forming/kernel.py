"""The one place where two people change seats.

Everything the engine wants is a sum over pairs in one group (colleagues, same territory, met before, must not
meet) plus a term for each person and group (wishes, staying). With `pull[i, j]` for the pairs and `call[g, i]`
for the rest, `load[g, i] = call[g, i] + sum of pull[i, j] over j in g` makes a swap cost O(1) to judge and O(n)
to do.

`walk` is the seam: it takes proposals and thresholds that were drawn beforehand, so any backend that follows
the same order gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming.instances import Ints

Numbers = NDArray[np.int64] | NDArray[np.float64]

BACKEND = "numpy"
LARGEST = 4000
"""People this backend holds: its table of pairs has the square of that."""
_LONGEST = 512


@dataclass
class Table:
    """Who sits where, and what it costs; lower `cost` is better.

    `seats` is (n,) group ids. The people from `people` on are empty chairs, and `spare[g]` is how many more of
    them group g may still take before it is too small.
    """

    pull: Numbers
    load: Numbers
    seats: Ints
    cost: float
    people: int
    spare: Ints

    @classmethod
    def laid(cls, pull: Numbers, call: Numbers, seats: Ints, *, people: int, least: Ints) -> Table:
        """A table from (n, n) `pull`, symmetric with a zero diagonal, (G, n) `call`, and everyone's first seat.

        `least` is (G,) the smallest size of each group; the chairs a group has are its largest.
        """
        G, n = call.shape
        at = np.zeros((G, n), pull.dtype)
        at[seats, np.arange(n)] = 1
        load = call + at @ pull
        everyone = np.arange(n)
        pairs = (load - call)[seats, everyone].sum() / 2
        return cls(
            pull=pull,
            load=load,
            seats=seats.copy(),
            cost=float(pairs + call[seats, everyone].sum()),
            people=people,
            spare=np.bincount(seats[:people], minlength=G) - least,
        )

    def deltas(self, us: Ints, vs: Ints) -> Numbers:
        """What swapping us[k] with vs[k] would add to the cost, for each k."""
        a, b, load = self.seats[us], self.seats[vs], self.load
        found: Numbers = load[b, us] - load[a, us] + load[a, vs] - load[b, vs] - 2 * self.pull[us, vs]
        return found

    def allowed(self, us: Ints, vs: Ints) -> NDArray[np.bool_]:
        """Whether us[k] and vs[k] sit apart, and no group becomes too small when they change seats."""
        a, b = self.seats[us], self.seats[vs]
        apart: NDArray[np.bool_] = a != b
        if self.people < len(self.seats):
            u_empty, v_empty = us >= self.people, vs >= self.people
            apart &= (u_empty == v_empty) | (self.spare[np.where(u_empty, b, a)] > 0)
        return apart

    def swap(self, u: int, v: int, delta: float) -> None:
        """Let u and v change seats; `delta` is what `deltas` said."""
        a, b = self.seats[u], self.seats[v]
        step = self.pull[v] - self.pull[u]
        self.load[a] += step
        self.load[b] -= step
        self.seats[u], self.seats[v] = b, a
        if (u >= self.people) != (v >= self.people):
            taker, giver = (b, a) if u >= self.people else (a, b)
            self.spare[taker] -= 1
            self.spare[giver] += 1
        self.cost += delta


@dataclass
class Best:
    """The best seats seen so far."""

    seats: Ints
    cost: float

    def look(self, table: Table) -> None:
        if table.cost < self.cost - 1e-9:
            self.cost, self.seats = table.cost, table.seats.copy()


def walk(table: Table, us: Ints, vs: Ints, limits: NDArray[np.float64], best: Best, *, stop_at: float) -> int:
    """Try each proposed swap in turn and do it when it adds no more than its limit.

    `us`, `vs` are (k,) people, `limits` (k,) in units of cost: 0 goes downhill, -T ln(u) anneals at temperature
    T. Two people of one group are passed over. Stops early once the cost is at most `stop_at`. Returns how many
    proposals were judged.
    """
    at, total, span = 0, len(us), 32
    while at < total:
        end = min(at + span, total)
        u, v = us[at:end], vs[at:end]
        delta = table.deltas(u, v)
        good = (delta <= limits[at:end]) & table.allowed(u, v)
        first = int(good.argmax())
        if not good[first]:
            at, span = end, min(span * 2, _LONGEST)
            continue
        table.swap(int(u[first]), int(v[first]), float(delta[first]))
        best.look(table)
        at += first + 1
        if table.cost <= stop_at:
            break
        span = max(16, min(_LONGEST, 2 * (first + 1)))
    return at
