"""The outsiders' problem: spread people so that those who share a group differ as much as possible (MDGP)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import kernel, tempering
from services.grouping.forming.budgets import Budget
from services.grouping.forming.fields import BadInput, Ints, text

_OTHERS = 7
"""Mixes of sizes that are tried beside the best one."""
_SMALL = 100
"""People whose table of distances is laid before their lines are counted."""


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
    lines = text(path).splitlines()
    n, least, most = _head(lines[0].split() if lines else [])
    if n > max(_SMALL, len(lines)):
        raise BadInput(f"line 1: {n} people have more distances than this file has lines")
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
    except (IndexError, ValueError, OverflowError) as failure:
        raise BadInput("line 1: people, groups, ss or ds, and two bounds a group are expected") from failure
    least, most = bounds[:, 0], bounds[:, 1]
    possible = 1 <= n < 2**31 and not ((least < 0) | (least > n) | (least > most)).any()
    most = np.minimum(most, n if possible else 0)
    if not possible or not int(least.sum()) <= n <= int(most.sum()):
        raise BadInput(f"line 1: these sizes cannot hold {n} people")
    return n, least, np.minimum(most, n - int(least.sum()) + least)


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
    """Groups with a large sum of distances inside them; the best found within the budget.

    The temperatures are those of the file itself, where its people begin and end to freeze.
    """
    budget = Budget.of(seconds, evaluations, seed)
    n, chairs = len(asked.apart), int(asked.most.sum())
    pull = np.zeros((chairs, chairs), np.int64)
    pull[:n, :n] = -_whole(asked.apart)
    mixes = _mixes(asked)
    first = _deal(asked, seed, mixes[0])
    table = kernel.Table.laid(
        pull, np.zeros((len(asked.least), chairs), np.int64), first, people=n, least=asked.least, seed=seed
    )
    if seconds != 0 or evaluations:
        deviation = float(pull[:n, :n].std()) or 1.0
        table = tempering.search(
            table, budget, deviation, lambda k: _deal(asked, seed + 1000 * k, mixes[k % len(mixes)])
        )
    groups = table.best_seats[:n].astype(np.int64)
    return Spread(
        groups=groups,
        objective=objective(asked, groups),
        evaluations=budget.spent,
        seconds=time.perf_counter() - budget.began,
    )


def _whole(apart: NDArray[np.float64]) -> Ints:
    """Distances as whole numbers: exact for up to three decimals, else as finely as 32 bits can add up."""
    largest = float(apart.sum(1).max()) or 1.0
    room = 2.0**26 / largest
    scale = next(
        (step for step in (1.0, 10.0, 100.0, 1000.0) if _is_whole(apart * step) and step <= room), room
    )
    found: Ints = np.rint(apart * scale).astype(np.int64)
    return found


def _is_whole(numbers: NDArray[np.float64]) -> bool:
    return bool((np.abs(numbers - np.rint(numbers)) < 1e-6).all())


def objective(asked: Distances, groups: Ints) -> float:
    """The sum of distances of pairs in one group, each pair once."""
    return float(asked.apart[groups[:, None] == groups[None, :]].sum() / 2)


def _deal(asked: Distances, seed: int, sizes: Ints) -> Ints:
    """(chairs,) first seats: groups of these sizes, people at random; empty chairs last."""
    n = len(asked.apart)
    order = np.argsort(kernel.words(seed, 2**62, n), kind="stable")
    seats = np.empty(int(asked.most.sum()), np.int64)
    seats[order] = np.repeat(np.arange(len(sizes)), sizes)
    seats[n:] = np.repeat(np.arange(len(sizes)), asked.most - sizes)
    return seats


def _mixes(asked: Distances) -> list[Ints]:
    """The sizes that make the most pairs, and those that come closest to it when one group gives chairs to another."""
    best = _sizes(asked)
    found = []
    for step in range(1, int((asked.most - asked.least).max(initial=0)) + 1):
        less, more = np.flatnonzero(best - step >= asked.least), np.flatnonzero(best + step <= asked.most)
        lost = step * (best[less][:, None] - best[more][None, :] - step)
        for way in np.argsort(lost, axis=None, kind="stable")[: _OTHERS + len(best)].tolist():
            one, other = int(less[way // len(more)]), int(more[way % len(more)])
            found += [(int(lost.flat[way]), step, one, other)] if one != other else []
    mixes = [best]
    for _lost, step, one, other in sorted(found)[:_OTHERS]:
        mix = best.copy()
        mix[[one, other]] += [-step, step]
        mixes.append(mix)
    return mixes


def _sizes(asked: Distances) -> Ints:
    """Group sizes within their bounds that make the most pairs: uneven ones do, and only few mixes come close."""
    spare = len(asked.apart) - int(asked.least.sum())
    best = np.full(spare + 1, -1, np.int64)
    best[0] = 0
    taken = []
    for low, high in zip(asked.least.tolist(), asked.most.tolist(), strict=True):
        more, took = np.full(spare + 1, -1, np.int64), np.zeros(spare + 1, np.int64)
        for extra in range(min(high - low, spare) + 1):
            worth = np.full(spare + 1, -1, np.int64)
            before = best[: spare + 1 - extra]
            worth[extra:] = np.where(before >= 0, before + (low + extra) ** 2, -1)
            took = np.where(worth > more, extra, took)
            more = np.maximum(worth, more)
        best = more
        taken.append(took)
    sizes = asked.least.copy()
    for group in range(len(sizes) - 1, -1, -1):
        extra = int(taken[group][spare])
        sizes[group] += extra
        spare -= extra
    return sizes
