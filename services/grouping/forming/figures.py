"""What an answer is worth, counted from the instance alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.grouping.forming.instances import Instance, Ints

WISHES = (3, 2, 1)
REPEAT = 4
GAP = 10
HARD = 1000
_DENSE = 1 << 16
"""Groups times values up to which counting every cell is quicker than sorting the people."""

_AT_ONCE = 1 << 19
"""The same for the cells of several answers at once."""


@dataclass(frozen=True)
class Figures:
    """`gap` has one number an attribute; `wishes` are points; `broken` counts hard rules that are not kept."""

    sizes: tuple[int, int]
    gap: tuple[int, ...]
    repeats: int
    wishes: int
    broken: int

    @property
    def cost(self) -> int:
        """10 a gap, 4 a repeated pair, 1000 a broken rule, less the points of wishes: lower is better."""
        return GAP * sum(self.gap) + REPEAT * self.repeats - self.wishes + HARD * self.broken


def same_value_pairs(groups: Ints, values: Ints) -> int:
    """How many pairs share a group and a value; a group or a value of -1 does not count."""
    known = (groups >= 0) & (values >= 0)
    if not known.any():
        return 0
    width = int(values.max()) + 1
    cells = groups[known] * width + values[known]
    if width * (int(groups.max()) + 1) <= _DENSE:
        counts = np.bincount(cells)
    else:
        counts = np.unique(cells, return_counts=True)[1]
    return int((counts * (counts - 1)).sum()) // 2


def pairs_of_each(seatings: Ints, values: Ints) -> Ints:
    """(m,) what same_value_pairs says of each row of `seatings`, (m, n); counted at once where that is quicker."""
    rows, width = len(seatings), int(values.max(initial=-1)) + 1
    tables = int(seatings.max(initial=-1)) + 1
    if not 0 < rows * tables * width <= _AT_ONCE:
        return np.array([same_value_pairs(groups, values) for groups in seatings], np.int64)
    known = (seatings >= 0) & (values >= 0)
    cells = (np.arange(rows)[:, None] * tables + seatings) * width + values
    counts = np.bincount(cells[known], minlength=rows * tables * width).reshape(rows, -1)
    return np.asarray((counts * (counts - 1)).sum(1) // 2, np.int64)


def fewest_pairs(values: Ints, G: int) -> int:
    """The fewest pairs of one value that counting allows: m people over G groups leave q = m div G in each.

    With r = m mod G, r groups hold q + 1 of them and the others q. Nobody: 0.
    """
    if values.size == 0:
        return 0
    counts = np.bincount(values)
    q, r = counts // G, counts % G
    return int((r * (q + 1) * q // 2 + (G - r) * q * (q - 1) // 2).sum())


def broken_rules(instance: Instance, groups: Ints) -> int:
    """How many hard rules an answer breaks: sizes, seats, pairs, and absent people who were seated."""
    here, (low, high) = instance.here, instance.bounds
    sizes = np.bincount(groups[groups >= 0], minlength=instance.G)
    broken = int(((sizes < low) | (sizes > high)).sum()) + int((here != (groups >= 0)).sum())
    broken += sum(int(groups[person] != group) for person, group in instance.pinned.items())
    broken += sum(int(groups[a] != groups[b]) for a, b in instance.together if here[a] and here[b])
    broken += sum(int(groups[a] == groups[b]) for a, b in instance.apart if here[a] and here[b])
    return broken


def figures(instance: Instance, groups: Ints) -> Figures:
    """Everything that can be said of an answer; `groups` is (n,), -1 for the absent."""
    here = instance.here
    sizes = np.bincount(groups[groups >= 0], minlength=instance.G)
    gap = tuple(
        same_value_pairs(groups, column) - fewest_pairs(column[here], instance.G) for column in instance.attrs.T
    )
    wishes = sum(
        points * int((instance.pref[:, rank] == groups)[groups >= 0].sum())
        for rank, points in enumerate(WISHES[: instance.pref.shape[1]])
    )
    return Figures(
        sizes=(int(sizes.min()), int(sizes.max())),
        gap=gap,
        repeats=sum(same_value_pairs(groups, earlier) for earlier in instance.history),
        wishes=wishes,
        broken=broken_rules(instance, groups),
    )
