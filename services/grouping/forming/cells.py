"""How the kernel's table keeps its numbers: in 32 bits, or in 16 where all that is compared fits, and in which rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.int32]
Numbers = NDArray[np.signedinteger[Any]]
Kind = type[np.int32] | type[np.int16]

FORBIDDEN = 100_000
"""Price of two people together who must not be."""
STRIP = 32
"""Chairs that are looked at together; rows are whole strips."""
_LINE_BYTES = 64
_CLOSED = 2**30
_NARROW_TOP = 2**15 - 1
_COLUMNS = 64
"""As many prices of groups as two registers of narrow numbers hold."""


@dataclass(frozen=True)
class Cells:
    """How a table keeps its numbers: `closed` is dearer than any price can make good, no limit is above `highest`, and
    `forbidden` is the price of two people who must not be together.
    """

    kind: Kind = np.int32
    closed: int = _CLOSED
    highest: int = _CLOSED // 4
    forbidden: int = FORBIDDEN


def narrow(
    pull: NDArray[np.integer],
    call: NDArray[np.integer],
    seats: NDArray[np.integer],
    people: int,
    mate: NDArray[np.integer],
) -> Cells:
    """Narrow cells where every price that is compared fits into them, else wide ones.

    Two who must not be together have to start apart, and stay so: the price of it is above every limit, whatever else
    a swap gains, as it is in wide cells. So it may be any such price, and the same swaps happen.
    """
    chairs, hard = len(pull), pull >= FORBIDDEN
    if chairs < 2 or (2 if people < chairs else 1) * (len(call) + 1) > _COLUMNS:
        return Cells()
    size, soft = int(np.bincount(seats).max()), np.where(hard, 0, pull)
    low = min(0, int(call.min())) + size * min(0, int(soft.min()))
    high = max(0, int(call.max())) + size * max(0, int(soft.max()))
    loads, pair, unit = high - low, 2 * int(np.abs(soft).max()), _largest_unit(mate)
    reach = 2 * loads + pair
    closed = reach + loads + pair + 1
    forbidden = reach + unit * reach + 4 * unit**2 * pair + 1
    dear = int(hard.sum(1).max()) * forbidden
    if max(closed + loads + pair + dear, 2 * dear + reach) > _NARROW_TOP:
        return Cells()
    return (
        Cells()
        if (hard & (seats[:, None] == seats[None, :])).any()
        else Cells(np.int16, closed, reach, forbidden)
    )


def _largest_unit(mate: NDArray[np.integer]) -> int:
    """How many people the largest ring of those who are kept together has; 1 without any."""
    largest, seen = 1, set[int]()
    for at in np.flatnonzero(mate != np.arange(len(mate))).tolist():
        size = 0
        while at not in seen:
            seen.add(at)
            size, at = size + 1, int(mate[at])
        largest = max(largest, size)
    return largest


def lined(rows: int, stride: int, free: int, numbers: Numbers | int, kind: Kind) -> Numbers:
    """(rows, stride) of these numbers, where number `free` of each row begins a line of the processor's cache: a wide
    register that straddles two lines is read twice. `stride` is whole strips.
    """
    room = np.empty(rows * stride + STRIP, kind)
    begin = -(room.ctypes.data // room.itemsize + free) % (_LINE_BYTES // room.itemsize)
    found = room[begin : begin + rows * stride].reshape(rows, stride)
    found[:] = numbers
    return found


def padded(numbers: NDArray[np.integer], length: int, rest: int, kind: Kind) -> Numbers:
    """A copy of `numbers` with room behind it for the last strip."""
    room = np.full(length, rest, kind)
    room[: len(numbers)] = numbers
    return room[: len(numbers)]
