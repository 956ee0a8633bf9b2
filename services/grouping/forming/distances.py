"""The outsiders' problem: spread people so that those who share a group differ as much as possible (MDGP)."""

from __future__ import annotations

import gzip
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import kernel
from services.grouping.forming.formation import BLOCK, Budget
from services.grouping.forming.instances import BadInput, Ints


@dataclass(frozen=True)
class Distances:
    """`apart` is (n, n), symmetric, zero diagonal; group g holds `least[g]` to `most[g]` people."""

    apart: NDArray[np.float64]
    least: Ints
    most: Ints


@dataclass(frozen=True)
class Spread:
    groups: Ints
    objective: float
    evaluations: int
    seconds: float


def load(path: Path) -> Distances:
    """An MDGPLIB file, plain or gzipped. Raises BadInput naming the line."""
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as pages:
            lines = pages.read().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as failure:
        raise BadInput(f"{path}: {getattr(failure, 'strerror', None) or failure}") from failure
    n, least, most = _head(lines[0].split() if lines else [])
    apart = np.full((n, n), np.nan)
    np.fill_diagonal(apart, 0.0)
    for number, line in enumerate(lines[1:], 2):
        if line.strip():
            i, j, far = _row(line, number, n)
            if not np.isnan(apart[i, j]):
                raise BadInput(f"line {number}: the distance of {i} and {j} is given twice")
            apart[i, j] = apart[j, i] = far
    if np.isnan(apart).any():
        i, j = np.argwhere(np.isnan(apart))[0]
        raise BadInput(f"line {len(lines)}: the distance of {i} and {j} is missing")
    return Distances(apart=apart, least=least, most=most)


def _head(words: list[str]) -> tuple[int, Ints, Ints]:
    try:
        n, G = int(words[0]), int(words[1])
        bounds = np.array([int(word) for word in words[3:]], np.int64).reshape(G, 2)
    except (IndexError, ValueError) as failure:
        raise BadInput("line 1: people, groups, ss or ds, and two bounds a group are expected") from failure
    least, most = bounds[:, 0], bounds[:, 1]
    if n < 1 or (least < 0).any() or (least > most).any() or not least.sum() <= n <= most.sum():
        raise BadInput(f"line 1: these sizes cannot hold {n} people")
    return n, least, most


def _row(line: str, number: int, n: int) -> tuple[int, int, float]:
    try:
        one, other, far = line.split()
        i, j, distance = int(one), int(other), float(far)
    except ValueError as failure:
        raise BadInput(f"line {number}: two people and a distance are expected") from failure
    if not (0 <= i < n and 0 <= j < n and i != j):
        raise BadInput(f"line {number}: {i} and {j} are not two of {n} people")
    if not (np.isfinite(distance) and distance >= 0):
        raise BadInput(f"line {number}: {far} is no distance")
    return i, j, distance


def spread(
    asked: Distances, *, seconds: float | None = 1.0, evaluations: int | None = None, seed: int = 1
) -> Spread:
    """Groups with a large sum of distances inside them; the best found within the budget."""
    budget = Budget.of(seconds, evaluations)
    draw = np.random.default_rng(seed)
    n, G, chairs = len(asked.apart), len(asked.least), int(asked.most.sum())
    pull = np.zeros((chairs, chairs))
    pull[:n, :n] = -asked.apart
    table = kernel.Table.laid(pull, np.zeros((G, chairs)), _deal(asked, draw), people=n, least=asked.least)
    best = kernel.Best(table.seats.copy(), table.cost)
    us, vs = draw.integers(0, chairs, 4096), draw.integers(0, chairs, 4096)
    spread_of = float(np.abs(table.deltas(us, vs)).mean()) or 1.0
    hot, cold = 0.3 * spread_of, 0.1 * spread_of
    while budget.used < 1.0 and (seconds != 0 or evaluations):
        most = BLOCK if evaluations is None else max(1, min(BLOCK, evaluations - budget.spent))
        us, vs = draw.integers(0, chairs, most), draw.integers(0, chairs, most)
        heat = hot * (cold / hot) ** (budget.used / 0.85) if budget.used < 0.85 else 0.0
        limits = -heat * np.log1p(-draw.random(most))
        budget.spent += kernel.walk(table, us, vs, limits, best, stop_at=-np.inf)
    groups = best.seats[:n]
    return Spread(
        groups=groups,
        objective=objective(asked, groups),
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


def objective(asked: Distances, groups: Ints) -> float:
    """The sum of distances of pairs in one group, each pair once."""
    return float(asked.apart[groups[:, None] == groups[None, :]].sum() / 2)


def _deal(asked: Distances, draw: np.random.Generator) -> Ints:
    """(chairs,) first seats: every group filled to its least, then up to its most; empty chairs last."""
    n = len(asked.apart)
    needed = np.repeat(np.arange(len(asked.least)), asked.least)
    spare = np.repeat(np.arange(len(asked.least)), asked.most - asked.least)
    spare = draw.permutation(spare)
    seats = np.concatenate(
        [draw.permutation(np.concatenate([needed, spare[: n - len(needed)]])), spare[n - len(needed) :]]
    )
    return seats.astype(np.int64)
