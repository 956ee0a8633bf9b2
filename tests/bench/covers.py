"""Base rounds that a multiplier leaves as they are, by exact cover: where turns alone leave too much to look for.

A multiplier takes place x to a * x on every orbit, and orbits and those who stand still to one another. What it leaves
as it is consists of few groups and their images, so that depth-first search (the next person is the one whom the fewest
groups still hold: D. E. Knuth, "Dancing links", 2000) sees in moments what no walk finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations, product
from math import gcd

import numpy as np
from numpy.typing import NDArray

from services.grouping.forming import meetings
from services.grouping.forming.instances import Ints
from services.grouping.forming.starters import Starter
from services.grouping.forming.turning import Turns

_MOST_OPTIONS, _MOST_IMAGES, _MOST_ORBITS = 40_000, 6, 7


def find(groups: int, size: int, rounds: int, *, nodes: int, seed: int) -> Starter | None:
    """One to three base rounds that turn into `rounds`; each multiplier is given `nodes` steps of the search."""
    n, draw = groups * size, np.random.default_rng(seed)
    for free in (1, 2, 3):
        turns = Turns((rounds // free,), n)
        if rounds % free or turns.order < 3 or max(divmod(n, turns.order)) > _MOST_ORBITS:
            continue
        for images in _multipliers(turns):
            chosen = _cover(turns, size, free, images, nodes, draw)
            if chosen is not None:
                base = np.empty((free, n), np.int64)
                for row, its_groups in zip(base, chosen, strict=True):
                    for group, people in enumerate(its_groups):
                        row[list(people)] = group
                starter = Starter(groups, size, turns.moduli, tuple(tuple(map(int, row)) for row in base), ())
                if meetings.repeats(starter.develop()) != 0:
                    raise AssertionError("a cover turns into rounds without a repeat")
                return starter
    return None


def _multipliers(turns: Turns) -> Iterator[Ints]:
    """(s, n) what becomes of each person when a multiplier is used 0 to s - 1 times, the longest first."""
    orbits, still = divmod(turns.n, turns.order)
    told: dict[tuple[tuple[int, ...], ...], Ints] = {}
    for times, to, away in product(range(1, turns.order), _cycles(orbits), _cycles(still)):
        if gcd(times, turns.order) > 1:
            continue
        orbit, place = np.divmod(np.arange(turns.n), turns.order)
        moved = np.append(
            np.array(to, np.int64)[orbit % orbits] * turns.order + place * times % turns.order, 0
        )[:-1]
        moved[orbits * turns.order :] = orbits * turns.order + np.array(away, np.int64)
        images = [np.arange(turns.n)]
        while len(images) <= _MOST_IMAGES and not (moved[images[-1]] == images[0]).all():
            images.append(moved[images[-1]])
        if 1 < len(images) <= _MOST_IMAGES:
            told[tuple(tuple(map(int, image)) for image in images)] = np.stack(images)
    yield from sorted(told.values(), key=len, reverse=True)


def _cycles(count: int) -> list[tuple[int, ...]]:
    """One permutation of each shape."""
    told: dict[tuple[int, ...], tuple[int, ...]] = {}
    for one in permutations(range(count)):
        now, lengths = np.array(one, np.int64), []
        for k in range(count):
            length, at = 1, int(now[k])
            while at != k:
                length, at = length + 1, int(now[at])
            lengths.append(length)
        told.setdefault(tuple(sorted(lengths)), one)
    return list(told.values())


def _cover(
    turns: Turns, size: int, free: int, images: Ints, nodes: int, draw: np.random.Generator
) -> list[list[tuple[int, ...]]] | None:
    """The groups of each base round, or None."""
    kinds, pairs = _kinds(turns, images)
    blocks = np.array(list(combinations(range(turns.n), size)), np.int64)
    left, right = np.triu_indices(size, 1)
    of = kinds[blocks[:, left], blocks[:, right]]
    again = (of[:, :, None] == of[:, None, :]).sum(2)
    # A group with `own` images makes own * again * order meetings of a kind, and may make one of each of its pairs.
    own = pairs[of] // np.maximum(1, again * turns.order)
    fits = (own * again * turns.order == pairs[of]).all(1) & (own == own[:, :1]).all(1) & (own[:, 0] >= 1)
    blocks, of, own = blocks[fits], of[fits], own[fits, 0]
    turned = np.sort(images[:, blocks], axis=2)
    weight = turns.n ** np.arange(size - 1, -1, -1)
    names = turned @ weight
    distinct = (np.sort(names, axis=0)[1:] != np.sort(names, axis=0)[:-1]).sum(0) + 1
    people = np.sort(turned.transpose(1, 0, 2).reshape(len(blocks), len(images) * size), axis=1)
    met = (people[:, 1:] != people[:, :-1]).sum(1) + 1
    fits = (names[0] == names.min(0)) & (distinct == own) & (met == distinct * size)
    blocks, of, turned = blocks[fits], of[fits], turned[:, fits]
    if not 0 < len(blocks) <= _MOST_OPTIONS:
        return None

    first = np.unique(images.min(0), return_inverse=True)[1]
    orbits, count = int(first.max()) + 1, len(blocks)
    items = np.zeros((free * count, free * orbits + len(pairs)), bool)
    for k in range(free):
        rows = k * count + np.arange(count)[:, None]
        items[rows, k * orbits + first[blocks]] = True
        items[rows, free * orbits + of] = True
    chosen = _Search(items, free * orbits, nodes, draw).go(np.arange(len(items)), [])
    if chosen is None:
        return None
    told: list[list[tuple[int, ...]]] = [[] for _ in range(free)]
    for option in chosen:
        told[option // count] += sorted({tuple(group) for group in turned[:, option % count].tolist()})
    return told


def _kinds(turns: Turns, images: Ints) -> tuple[Ints, Ints]:
    """(n, n) orbit of each pair under turns and multiplier, and how many pairs each has."""
    n = turns.n
    least = np.full((n, n), n * n, np.int64)
    for image in images:
        for turn in turns.turned:
            to = turn[image]
            low, high = np.minimum(to[:, None], to[None, :]), np.maximum(to[:, None], to[None, :])
            np.minimum(least, low * n + high, out=least)
    kinds = np.unique(least, return_inverse=True)[1].reshape(n, n)
    return kinds, np.bincount(kinds[np.triu_indices(n, 1)], minlength=int(kinds.max()) + 1)


class _Search:
    """Options that hold each of the first `must` items once, and no other item twice."""

    def __init__(self, items: NDArray[np.bool_], must: int, nodes: int, draw: np.random.Generator) -> None:
        self.items, self.must, self.nodes, self.draw = items, must, nodes, draw
        self.open = np.ones(must, bool)

    def go(self, options: Ints, chosen: list[int]) -> list[int] | None:
        if not self.open.any():
            return chosen
        self.nodes -= 1
        held = np.where(self.open, self.items[options, : self.must].sum(0), len(options) + 1)
        item = int(held.argmin())
        if held[item] == 0 or self.nodes < 0:
            return None
        for option in self.draw.permutation(options[self.items[options, item]]).tolist():
            mine = self.items[option]
            self.open &= ~mine[: self.must]
            rest = options[~(self.items[options] & mine).any(1)]
            found = self.go(rest, [*chosen, option])
            if found is not None:
                return found
            self.open |= mine[: self.must]
            if self.nodes < 0:
                return None
        return None
