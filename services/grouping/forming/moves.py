"""Re-balancing: the fewest people change seats when some did not come and others arrived."""

from __future__ import annotations

from collections.abc import Callable

from services.grouping.forming import districts
from services.grouping.forming.budgets import Budget
from services.grouping.forming.exchanges import Moved, Policy, Prices, count_moves, exchange, fewest_moves, way
from services.grouping.forming.instances import Instance, Ints

__all__ = ["Moved", "Policy", "Prices", "count_moves", "fewest_moves", "rebalance", "way"]

LARGE = 1500
"""People from whom on a round is re-balanced district by district."""


def rebalance(
    instance: Instance,
    plan: Ints,
    *,
    policy: Policy = "sizes",
    seconds: float | None = 0.5,
    evaluations: int | None = None,
    seed: int = 1,
    progress: Callable[[float, int], bool] | None = None,
) -> Moved:
    """Restore the hard rules with few moves. `plan` is (n,) published groups, -1 for somebody who had none.

    "sizes" makes the fewest moves that keep the hard rules, and among those the best balance; "balance" makes
    every gap as small as it finds, and among those the fewest moves. A carrier and a locked person never move.
    `progress(share, moves)` is told where we are and may answer False to stop with the best so far. Raises
    seating.Impossible.
    """
    budget = Budget.of(seconds or None, evaluations or (None if seconds else 600_000), seed)
    solve = districts.exchange if int(instance.here.sum()) > LARGE else exchange
    return solve(instance, plan, policy=policy, budget=budget, progress=progress)
