"""What nobody can better, proved by CP-SAT: in the background, where OR-Tools is installed, and never needed.

OR-Tools brings a HiGHS of its own, and a process that has loaded one cannot load the other: proofs are made in a
process of their own (forming.proving).
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
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
_LOOK_S = 0.5
"""Between two looks at whether somebody still waits."""

Waits = Callable[[], bool]


class NobodyWaits(Exception):
    """A proof was stopped because nobody waits for it any more."""


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
    instance: Instance,
    plan: Ints,
    *,
    policy: Policy,
    seconds: float,
    hint: Ints | None = None,
    waits: Waits | None = None,
) -> Proof:
    """The fewest moves that restore the hard rules; with "balance", of those that leave the least gap there is.

    `plan` is (n,) published groups, -1 for none; `hint` an answer to begin with; `waits` is asked from time to time
    whether to go on. Raises seating.Impossible, seating.Undecided when the least gap is not settled in the time, and
    NobodyWaits.
    """
    return _asked(instance, seconds, hint, waits, plan=plan.tolist(), policy=policy)


def lowest_cost(
    instance: Instance, *, seconds: float, hint: Ints | None = None, waits: Waits | None = None
) -> Proof:
    """The lowest cost of a round: 10 a gap, times its attribute's weight, 4 a repeated pair, less the points of wishes
    (see weighted_cost). `waits` as for fewest_moves. Raises seating.Impossible, NobodyWaits.
    """
    return _asked(instance, seconds, hint, waits)


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


def _asked(instance: Instance, seconds: float, hint: Ints | None, waits: Waits | None, **about: Any) -> Proof:
    asked = {"instance": question(instance), "seconds": seconds, **about}
    asked["hint"] = None if hint is None else hint.tolist()
    told = json.loads(_answered(json.dumps(asked), 2 * seconds + _START_S, waits))
    if told["state"] == "impossible":
        raise seating.Impossible(seating.conflict(instance))
    if told["state"] == "undecided":
        raise seating.Undecided("prove: the least gap was not settled in time")
    groups = None if told["groups"] is None else np.array(told["groups"], np.int64)
    return Proof(told["value"], told["bound"], told["gap"], groups)


def _answered(asked: str, seconds: float, waits: Waits | None) -> str:
    """What the process says to a question. Raises NobodyWaits, and TimeoutExpired or CalledProcessError of one that
    broke.
    """
    program = [sys.executable, "-m", "services.grouping.forming.aside"]
    until = time.monotonic() + seconds
    left: str | None = asked
    with subprocess.Popen(  # noqa: S603
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            while True:
                try:
                    said, broke = process.communicate(left, timeout=_LOOK_S)
                    break
                except subprocess.TimeoutExpired:
                    left = None  # it was handed over
                    if time.monotonic() > until:
                        raise
                    if waits is not None and not waits():
                        raise NobodyWaits from None
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program, said, broke)
    return said
