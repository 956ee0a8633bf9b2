"""Schedules that algebra gives: rounds in which nobody meets anybody twice."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from services.grouping.forming import starters
from services.grouping.forming.instances import Ints
from services.grouping.forming.turning import Turns

_TWELVE = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    (0, 2, 1, 6, 8, 7, 10, 9, 11, 4, 3, 5),
    (0, 3, 8, 10, 1, 9, 2, 6, 5, 7, 11, 4),
    (0, 4, 10, 9, 7, 1, 11, 5, 3, 2, 8, 6),
    (0, 8, 6, 4, 3, 10, 9, 11, 2, 5, 1, 7),
)
"""Five permutations of Z2 x Z6 whose differences are permutations too: found by exhaustive search, as D. M. Johnson,
A. L. Dulmage and N. S. Mendelsohn did first, Canadian Journal of Mathematics 13 (1961), 356-372.
"""


@dataclass(frozen=True)
class _Differences:
    """An abelian group's (order, order) `plus`, and `rows` (k, order) of it: the difference of two rows takes every
    value once.
    """

    plus: Ints
    rows: Ints


def schedule(groups: int, size: int, rounds: int) -> Ints | None:
    """(rounds, groups * size) group ids without a repeated pair, or None where we know no construction."""
    if size == 1 or rounds == 1:
        return np.tile(np.arange(groups * size) % groups, (rounds, 1))
    found = longest(groups, size)
    return found[:rounds] if len(found) >= rounds else None


def longest(groups: int, size: int, *, most: int | None = None) -> Ints:
    """(R, groups * size) group ids of as many rounds as we know without a repeated pair, `size` at least 2; no longer
    looked for once there are `most`.
    """
    told = by_algebra(groups, size, most=most)
    if most is not None and len(told) >= most:
        return told
    every = [told]
    for starter in starters.kept().values():
        if starter.groups == groups and not starter.free:
            plus, rows = Turns(starter.moduli, groups).plus, np.array(starter.fixed)
            every += [_of_matrix(plus, rows, size), _of_matrix(plus, rows.T, size)]
        elif (starter.groups, starter.size) == (groups, size):
            every.append(starter.develop())
    return max(every, key=len)


def by_algebra(groups: int, size: int, *, most: int | None = None) -> Ints:
    """Those of them that need no search, `size` at least 2.

    Pairs by the circle method; else what a difference matrix of order `groups` gives, or its transpose.
    """
    if size == 2:
        return _circle(groups)
    if size > groups or groups == 1:
        return np.arange(groups * size)[None, :] % groups
    if groups == size == 10:
        return _tens()
    matrix = _matrix(groups)
    told = (_of_matrix(matrix.plus, rows, size, most) for rows in (matrix.rows, matrix.rows.T))
    return max(told, key=len)


def _of_matrix(plus: Ints, rows: Ints, size: int, most: int | None = None) -> Ints:
    """Person (r, c) is in group row[r] + c in the round of each row.

    Two people of one group differ in r, and meet where two entries of a row differ by as much as they are apart. No
    difference comes twice between two rows, so that is once; and then none comes twice between two columns, so that
    rows and columns may change places. Those with one r never meet: further rounds are schedules among themselves.
    """
    groups = len(plus)
    r, c = np.divmod(np.arange(groups * size), groups)
    if rows.shape[1] < size:
        return np.empty((0, groups * size), np.int64)
    told = np.stack([plus[row[r], c] for row in rows[:most]])
    return told if len(told) == most else _further(told, groups, size)


def _further(rounds: Ints, groups: int, size: int) -> Ints:
    """Those rounds and, where it comes out even, rounds among those who have never met: people i with one i div
    `groups`.
    """
    if groups % size:
        return rounds
    r, c = np.divmod(np.arange(groups * size), groups)
    fewer = groups // size
    return np.concatenate([rounds, np.stack([r * fewer + row[c] for row in longest(fewer, size)])])


def _tens() -> Ints:
    """A hundred people in tens, four times: two orthogonal Latin squares of order 10, which difference matrices cannot
    give (E. T. Parker, "Orthogonal Latin squares", Proceedings of the National Academy of Sciences 45 (1959), 859-862).

    A person is the groups they are in, 0 to 6 or one of three that stand still, in each of four rounds. The pairs
    (b, d) share 1 to 6 among them, so that each difference between neighbouring rounds occurs once; so do the b + d and
    their negatives, for rounds two apart.
    """
    base: list[tuple[int, ...]] = [(0, 0, 0, 0)]
    for still, (b, d) in enumerate(((1, 3), (2, 6), (4, 5))):
        one = (7 + still, 0, b, (b + d) % 7)
        base += [one[k:] + one[:k] for k in range(4)]
    told = [[group if group > 6 else (group + turn) % 7 for group in one] for one in base for turn in range(7)]
    told += [[7 + a, 7 + b, 7 + (a + b) % 3, 7 + (a + 2 * b) % 3] for a in range(3) for b in range(3)]
    return np.array(told).T


def _circle(groups: int) -> Ints:
    """Everybody with everybody: one person stays, the others go round."""
    n = 2 * groups
    told = np.empty((n - 1, n), np.int64)
    for k in range(n - 1):
        ring = [(k + step) % (n - 1) for step in range(n - 1)]
        told[k, [n - 1, ring[0]]] = 0
        for group in range(1, groups):
            told[k, [ring[group], ring[-group]]] = group
    return told


def _matrix(order: int) -> _Differences:
    """A difference matrix with as many rows as we know: of a field, of Z2 x Z6, or the product of fields (H. F.
    MacNeish, "Euler Squares", Annals of Mathematics 23 (1922), 221-227).
    """
    if order == 12:
        pairs = list(product(range(2), range(6)))
        plus = np.array([[((a + c) % 2) * 6 + (b + d) % 6 for c, d in pairs] for a, b in pairs])
        return _Differences(plus, np.array([(0,) * 12, *_TWELVE]))
    found: _Differences | None = None
    for prime, power in _factors(order):
        field = _field(prime, power)
        found = field if found is None else _times(found, field)
    return found or _Differences(np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64))


def _times(one: _Differences, other: _Differences) -> _Differences:
    m = len(other.plus)
    a, b = np.divmod(np.arange(len(one.plus) * m), m)
    rows = [
        left[a] * m + right[b] for left, right in zip(one.rows.tolist(), other.rows.tolist(), strict=False)
        for left, right in [(np.array(left), np.array(right))]
    ]  # fmt: skip
    plus = one.plus[a[:, None], a[None, :]] * m + other.plus[b[:, None], b[None, :]]
    return _Differences(plus, np.array(rows))


def _factors(order: int) -> list[tuple[int, int]]:
    found, p = [], 2
    while order > 1:
        power = 0
        while order % p == 0:
            order, power = order // p, power + 1
        if power:
            found.append((p, power))
        p += 1
    return found


def _field(p: int, power: int) -> _Differences:
    """The field of p ** power elements: the rows are its multiples. An element's digits to base p are a polynomial."""
    order = p**power
    digits = np.array([[k // p**j % p for j in range(power)] for k in range(order)])
    value = p ** np.arange(power)
    plus = ((digits[:, None, :] + digits[None, :, :]) % p) @ value
    if power == 1:
        return _Differences(plus, np.outer(np.arange(p), np.arange(p)) % p)
    for tail in digits:
        powers = _powers(tail, p, order)
        if powers is not None:
            log = {k: e for e, k in enumerate(powers)}
            rows = np.zeros((order, order), np.int64)
            for x in range(1, order):
                for y in range(1, order):
                    rows[x, y] = powers[(log[x] + log[y]) % (order - 1)]
            return _Differences(plus, rows)
    raise AssertionError("every field has a generator")


def _powers(tail: Ints, p: int, order: int) -> list[int] | None:
    """1, x, x**2 ... where x ** power = tail, if that runs through the whole field."""
    value = p ** np.arange(len(tail))
    now = np.zeros(len(tail), np.int64)
    now[0] = 1
    seen: list[int] = []
    for _ in range(order - 1):
        seen.append(int(now @ value))
        now = (np.concatenate([[0], now[:-1]]) + now[-1] * tail) % p
    return seen if len(set(seen)) == order - 1 and 0 not in seen else None
