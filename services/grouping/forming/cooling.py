"""A round cools from where balance opens and closes freely to where only wishes still change places.

Two copies cool side by side and the better one is the answer: the kernel lets go of Python's lock, so that a second
processor, if there is one, gives a second search for nothing; on one processor two shorter searches are about as good
as one that is twice as long.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from services.grouping.forming.budgets import Budget
from services.grouping.forming.kernel import Table

HOT, COLD = 2.0, 0.4
"""In points of cost, where a gap costs 10 and a first wish is worth 3."""
_BLOCK = 1 << 17
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
        heat = HOT * (COLD / HOT) ** ((used - began) / (1 - began))
        budget.spent += table.walk(heat, budget.block(_BLOCK))
