"""One more round of a series that a construction began: nobody meets anybody again, without a search."""

from __future__ import annotations

import numpy as np

from services.grouping.forming import schedules
from services.grouping.forming.instances import Instance, Ints

_GROUPS = 60
"""Groups up to which a construction takes no more than a moment."""


def next_round(instance: Instance) -> Ints | None:
    """(n,) group ids of a round in which nobody sits with anybody of an earlier one, or None where no construction
    goes on from these.

    Groups must be equally large, nobody tied to one, and everybody here, now and before. People are the points of the
    longest construction we know for these sizes, in the order in which the first round seated them: so a series need
    not be remembered, only recognised whatever its groups are called, and any first round begins one.
    """
    n, G = instance.n, instance.G
    size = n // G
    if instance.absent or instance.pinned or size < 2 or n % G or G > _GROUPS:
        return None
    earlier = [_by_first(groups) for groups in instance.history]
    full = np.full(G, size)
    if not earlier or any((groups < 0).any() for groups in instance.history):
        return None
    if not all(np.array_equal(np.bincount(row), full) for row in earlier):
        return None
    table = schedules.longest(G, size)
    if len(table) <= len(earlier):
        return None
    points = np.empty(n, np.int64)
    points[np.argsort(earlier[0], kind="stable")] = np.argsort(table[0], kind="stable")
    told = table[:, points]
    if any(len(np.unique(row * G + said)) > G for row, said in zip(earlier, told, strict=False)):
        return None
    found: Ints = told[len(earlier)]
    return found


def _by_first(groups: Ints) -> Ints:
    """The same groups, numbered in the order in which they first appear."""
    _ids, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    found: Ints = np.argsort(np.argsort(first))[inverse]
    return found
