"""Looks for base rounds that we do not keep yet, and writes them into starters.txt.

    python -m tests.bench.starters --groups 8 12 --sizes 3 5 --seconds 10

From the most rounds that counting allows downwards, until there are as many as we know already.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from math import comb

from services.grouping.forming import meetings, schedules, starters
from services.grouping.forming.budgets import Budget
from tests.bench import covers

_MOST_BLOCKS = 1_500_000


def main(argv: Sequence[str] | None = None) -> None:
    """One line a size of groups: the rounds known before, those found now, and the most there could be."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--groups", type=int, nargs=2, default=(3, 12), metavar=("LEAST", "MOST"))
    words.add_argument("--sizes", type=int, nargs=2, default=(3, 10), metavar=("LEAST", "MOST"))
    words.add_argument("--people", type=int, default=130, help="at most")
    words.add_argument("--seconds", type=float, default=5.0, help="for each number of rounds")
    words.add_argument("--nodes", type=int, default=300, help="of exact cover, for each multiplier")
    words.add_argument("--most", type=int, default=999, help="rounds to begin with")
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args(argv)
    for size in range(asked.sizes[0], asked.sizes[1] + 1):
        for groups in range(max(size, asked.groups[0]), min(asked.people // size, asked.groups[1]) + 1):
            _look(groups, size, asked)


def _look(groups: int, size: int, asked: argparse.Namespace) -> None:
    before, limit = len(schedules.longest(groups, size)), (groups * size - 1) // (size - 1)
    now = before
    for rounds in range(min(limit, asked.most), before, -1):
        found = None
        if rounds > 2 and comb(groups * size, size) <= _MOST_BLOCKS:
            found = covers.find(groups, size, rounds, nodes=asked.nodes, seed=asked.seed)
        if found is None and asked.seconds:
            found = starters.find(groups, size, rounds, Budget.of(asked.seconds, None, asked.seed))
        if found is not None and meetings.repeats(found.develop()) == 0:
            starters.keep(found)
            now = found.rounds
            break
    sys.stdout.write(f"{groups}-{size}: {before} rounds known, {now} now, {limit} at most\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
