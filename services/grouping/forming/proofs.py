"""What nobody can better, proved by CP-SAT: in the background, where OR-Tools is installed, and never needed.

OR-Tools brings a HiGHS of its own, and a process that has loaded one cannot load the other: proofs are made in a
process of their own (forming.proving).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.grouping.forming import seating
from services.grouping.forming.exchanges import Policy
from services.grouping.forming.figures import GAP, Figures
from services.grouping.forming.instances import Instance, Ints

IS_HERE = importlib.util.find_spec("ortools") is not None
WITHOUT = "prove: OR-Tools is not installed here; the extra `proof` brings it"
_START_S = 60.0
"""What the process may take beyond the time of its search, to begin and to lay the model."""


@dataclass(frozen=True)
class Proof:
    """No seating has fewer moves, or a lower cost, than `bound`; `value` is the best found, with `groups`, None when
    the time was too short for any. With moves, `gap` is the least gap there is, which both have.
    """

    value: int | None
    bound: int
    gap: int
    groups: Ints | None

    @property
    def is_least(self) -> bool:
        return self.value is not None and self.value <= self.bound


def fewest_moves(
    instance: Instance, plan: Ints, *, policy: Policy, seconds: float, hint: Ints | None = None
) -> Proof:
    """The fewest moves that restore the hard rules; with "balance", of those that leave the least gap there is.

    `plan` is (n,) published groups, -1 for none; `hint` an answer to begin with. Raises seating.Impossible, and
    seating.Undecided when the least gap is not settled in the time.
    """
    return _asked(instance, seconds, hint, plan=plan.tolist(), policy=policy)


def lowest_cost(instance: Instance, *, seconds: float, hint: Ints | None = None) -> Proof:
    """The lowest cost of a round: 10 a gap, times its attribute's weight, 4 a repeated pair, less the points of wishes
    (see weighted_cost). Raises seating.Impossible.
    """
    return _asked(instance, seconds, hint)


def weighted_cost(instance: Instance, found: Figures) -> int:
    """The cost of an answer when the gaps of some attributes count more than others."""
    weights = instance.weights or (1,) * len(found.gap)
    return found.cost + GAP * sum(gap * (weight - 1) for gap, weight in zip(found.gap, weights, strict=True))


def question(instance: Instance) -> dict[str, Any]:
    """The plain fields that instances.read(..., absent=True) makes an instance of again, and its weights."""
    return {
        "n": instance.n,
        "G": instance.G,
        "attrs": instance.attrs.tolist(),
        "bringers": list(instance.carriers),
        "pref": instance.pref.tolist() if instance.pref.size else None,
        "keep_together": [list(pair) for pair in instance.together],
        "keep_apart": [list(pair) for pair in instance.apart],
        "history": [earlier.tolist() for earlier in instance.history],
        "noshow": sorted(instance.absent),
        "locked": [list(pair) for pair in instance.locked.items()],
        "weights": list(instance.weights),
    }


def _asked(instance: Instance, seconds: float, hint: Ints | None, **about: Any) -> Proof:
    asked = {"instance": question(instance), "seconds": seconds, **about}
    asked["hint"] = None if hint is None else hint.tolist()
    program = [sys.executable, "-m", "services.grouping.forming.proving"]
    ended = subprocess.run(  # noqa: S603
        program,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=2 * seconds + _START_S,
        check=True,
    )
    told = json.loads(ended.stdout)
    if told["state"] == "impossible":
        raise seating.Impossible(seating.conflict(instance))
    if told["state"] == "undecided":
        raise seating.Undecided("prove: the least gap was not settled in time")
    groups = None if told["groups"] is None else np.array(told["groups"], np.int64)
    return Proof(told["value"], told["bound"], told["gap"], groups)
