"""A round cools from where balance opens and closes freely to where only wishes still change places; where there
is time, it waits longest shortly before.

Two copies cool side by side and the better one is the answer: the kernel lets go of Python's lock, so that a second
processor, if there is one, gives a second search for nothing; on one processor two shorter searches are about as good
as one that is twice as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from services.grouping.forming.budgets import Budget
from services.grouping.forming.kernel import Table

HOT, COLD = 2.0, 0.4
"""In points of cost, where a gap costs 10 and a first wish is worth 3."""
_PLENTY = 20_000
"""Proposals for each pair of chairs, both ways round, from which on there is time to wait where it freezes."""
_FROM, _WAIT = 1.6, 0.7
"""Where such a search begins, and where it waits."""
_FALL, _STAY = 0.5, 0.95
"""The share of the budget when it has come down to where it waits, and until when it does."""
_BLOCK = 1 << 20
"""Proposals between two looks at the clock: two searches that took turns with Python more often would lose time."""
_COPIES = 2


def cool(table: Table, budget: Budget, tell: Callable[[float, int], bool] | None = None) -> Table:
    """The copy with the least cost seen, once the budget is gone or `tell(share, cost)` answers False."""
    stop = Event()
    copies = [table, *(table.copy(table.seed + k) for k in range(1, _COPIES))]
    budgets = budget.shares(_COPIES)
    with ThreadPoolExecutor(_COPIES - 1) as beside:
        others = [beside.submit(_cool, *pair, stop) for pair in zip(copies[1:], budgets[1:], strict=True)]
        try:
            _cool(table, budgets[0], stop, tell)
        except BaseException:
            stop.set()
            raise
        for other in others:
            other.result()
    budget.spent += sum(part.spent for part in budgets)
    return min(copies, key=lambda copy: copy.best_cost)


def _cool(table: Table, budget: Budget, stop: Event, tell: Callable[[float, int], bool] | None = None) -> None:
    began = budget.used
    while (used := budget.used) < 1.0 and not stop.is_set():
        if tell is not None and not tell(used, table.best_cost):
            stop.set()
            break
        gone = used - began
        plenty = gone > 0 and budget.spent >= _PLENTY * gone * len(table.seats) ** 2
        heat = (_waiting if plenty else _falling)(gone / (1 - began))
        budget.spent += table.walk(heat, budget.block(_BLOCK))


def _falling(used: float) -> float:
    return HOT * math.pow(COLD / HOT, used)


def _waiting(used: float) -> float:
    if used < _STAY:
        return _FROM * math.pow(_WAIT / _FROM, min(1.0, used / _FALL))
    return _WAIT * math.pow(COLD / _WAIT, (used - _STAY) / (1 - _STAY))
