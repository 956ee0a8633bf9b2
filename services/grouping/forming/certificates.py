"""Anyone can recompute an answer from the question alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from services.grouping.forming import distances, meetings, moves
from services.grouping.forming.bounds import cost_bound
from services.grouping.forming.distances import Distances
from services.grouping.forming.fields import BadInput, whole
from services.grouping.forming.figures import fewest_pairs, figures
from services.grouping.forming.instances import Instance, Ints

_CLOSE = 1e-9
"""How far two sums of the same distances may be apart, relatively: they are added in another order elsewhere."""

_DEAREST = 2**40


def formed(instance: Instance, groups: Ints) -> dict[str, Any]:
    """What is true of one round: its figures, and a cost nobody can go below."""
    return _round(instance, groups) | {"bound": cost_bound(instance)}


def rebalanced(
    instance: Instance,
    groups: Ints,
    plan: Ints,
    *,
    policy: moves.Policy,
    ways: Any = None,
    prices: Any = None,
) -> dict[str, Any]:
    """What is true of a round after absences and arrivals: its figures, the moves from `plan`, and a number nobody
    can go below.

    `ways` holds, for each point of the curve, the (person, group) of those who sit elsewhere than in `plan`; the
    curve is recomputed from it. `prices` are (class, group, millionths) that prove the bound. Raises BadInput when
    one of them cannot be read.
    """
    told = _round(instance, groups) | {"moves": moves.count_moves(plan, groups)}
    told["bound"] = moves.fewest_moves(
        instance,
        plan,
        groups,
        balance=policy == "balance" and not any(told["gap"]),
        prices=_read_prices(instance, prices),
    )
    if ways is not None:
        if not isinstance(ways, list):
            raise BadInput("ways: a list is expected")
        points = [_point(instance, plan, way, k) for k, way in enumerate(ways)]
        told["curve"] = [[moved, gap] for moved, gap, _broken in points]
        told["broken"] += sum(broken for _moved, _gap, broken in points)
    return told


def spread(asked: Distances, groups: Ints) -> dict[str, Any]:
    """What is true of an answer to the outsiders' problem, and an objective nobody can go above.

    In a group of s people nobody has more than the s - 1 largest of their distances.
    """
    sizes = np.bincount(groups, minlength=len(asked.least))
    most = int(asked.most.max())
    largest = np.sort(asked.apart, axis=1)[:, ::-1][:, : max(0, most - 1)]
    return {
        "objective": distances.objective(asked, groups),
        "bound": float(largest.sum() / 2),
        "sizes": [int(sizes.min()), int(sizes.max())],
        "broken": int(((sizes < asked.least) | (sizes > asked.most)).sum()),
    }


def scheduled(rounds: Ints, groups: int, size: int) -> dict[str, Any]:
    """What is true of (R, n) rounds, and the fewest repeats that counting allows.

    Each person meets size - 1 others a round, and there are n - 1; and a group that is larger than the groups are
    many has people who met in the first round.
    """
    wrong = sum(int((np.bincount(row, minlength=groups) != size).sum()) for row in rounds)
    n = groups * size
    again = n * max(0, len(rounds) * (size - 1) - (n - 1)) // 2
    crowded = (len(rounds) - 1) * groups * fewest_pairs(np.zeros(size, np.int64), groups)
    repeats = meetings.repeats(rounds)
    return {"repeats": repeats, "cost": repeats, "bound": max(again, crowded), "broken": wrong}


def read_spread(claimed: Mapping[str, Any], asked: Distances) -> Ints:
    """(n,) the groups of an answer. Raises BadInput."""
    groups, n, most = whole(claimed.get("groups"), "groups"), len(asked.apart), len(asked.least)
    if groups.shape != (n,):
        raise BadInput(f"groups: {len(groups)} places for n = {n}")
    wrong = (groups < 0) | (groups >= most)
    if wrong.any():
        raise BadInput(f"groups: person {int(wrong.argmax())} has no such group")
    return groups


def read_rounds(claimed: Mapping[str, Any], *, groups: int, size: int, rounds: int) -> Ints:
    """(R, n) the groups of an answer. Raises BadInput."""
    found = whole(claimed.get("groups"), "groups")
    if found.shape != (rounds, groups * size):
        raise BadInput(f"groups: {rounds} rounds of {groups * size} places are expected")
    wrong = (found < 0) | (found >= groups)
    if wrong.any():
        row, person = np.argwhere(wrong)[0].tolist()
        raise BadInput(f"groups: person {person} has no such group in round {row}")
    return found


def differences(claimed: Mapping[str, Any], true: Mapping[str, Any]) -> list[str]:
    """The figures an answer claims and that are not so, a sentence each."""
    return [
        f"{name}: {claimed[name]!r} is claimed, {value!r} is true"
        for name, value in true.items()
        if name in claimed and not _alike(claimed[name], value)
    ]


def _round(instance: Instance, groups: Ints) -> dict[str, Any]:
    found = figures(instance, groups)
    return {
        "cost": found.cost,
        "gap": list(found.gap),
        "repeats": found.repeats,
        "wishes": found.wishes,
        "broken": found.broken,
        "sizes": list(found.sizes),
    }


def _read_prices(instance: Instance, prices: Any) -> moves.Prices:
    found = whole([] if prices is None else prices, "prices")
    if found.size == 0:
        return ()
    if found.ndim != 2 or found.shape[1] != 3:
        raise BadInput("prices: a class, a group and millionths are expected in each")
    classes, groups, micro = found.T
    if not ((classes >= 0) & (groups >= 0) & (groups < instance.G) & (np.abs(micro) < _DEAREST)).all():
        raise BadInput("prices: a class, a group and millionths are expected in each")
    return tuple((int(kind), int(group), int(price)) for kind, group, price in found)


def _point(instance: Instance, plan: Ints, way: Any, k: int) -> tuple[int, int, int]:
    """Moves, gap and broken rules of one way."""
    steps = whole(way, f"ways[{k}]")
    steps = np.empty((0, 2), np.int64) if steps.size == 0 else steps
    known = steps.ndim == 2 and steps.shape[1] == 2 and bool((steps >= 0).all())
    if not known or not (steps < [instance.n, instance.G]).all():
        raise BadInput(f"ways[{k}]: pairs of a person and a group are expected")
    people, to = steps.T
    groups = np.where(instance.here, plan, -1)
    groups[people] = to
    found = figures(instance, groups)
    return moves.count_moves(plan, groups), sum(found.gap), found.broken


def _alike(claimed: Any, true: Any) -> bool:
    if isinstance(true, float):
        return type(claimed) in (int, float) and math.isclose(claimed, true, rel_tol=_CLOSE)
    if isinstance(true, list):
        return isinstance(claimed, list) and len(claimed) == len(true) and all(map(_alike, claimed, true))
    return type(claimed) is type(true) and bool(claimed == true)
