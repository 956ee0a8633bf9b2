"""One question of forming.proofs, read from stdin and answered on stdout by CP-SAT, in a process of its own."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from services.grouping.forming import instances
from services.grouping.forming.figures import GAP, REPEAT, WISHES, figures
from services.grouping.forming.instances import Instance, Ints
from services.grouping.forming.proofs import weighted_cost

_STEPS = 3
"""How far over or under its due a cell's price is followed; beyond, it is cheaper than it should be, which keeps a
bound true.
"""


def main() -> None:
    """The states are proved (as far as the time reached), impossible, and undecided."""
    asked = json.load(sys.stdin)
    instance = instances.read(asked["instance"], absent=True)
    instance = replace(instance, weights=tuple(asked["instance"].get("weights", ())))
    hint = None if asked["hint"] is None else np.array(asked["hint"], np.int64)
    model = _Model(instance, hint)
    try:
        if "plan" in asked:
            told = _fewest_moves(model, np.array(asked["plan"], np.int64), asked["policy"], asked["seconds"])
        else:
            told = _lowest_cost(model, asked["seconds"])
    except _Impossible:
        told = {"state": "impossible"}
    json.dump(told, sys.stdout)


class _Impossible(Exception):
    pass


def _fewest_moves(model: _Model, plan: Ints, policy: str, seconds: float) -> dict[str, Any]:
    gap = 0
    if policy == "balance":
        even = _Model(model.instance, model.hint)
        even.keep_even()
        try:
            value, bound, groups = even.least(even.moved(plan), seconds)
            return {"state": "proved", "value": value, "bound": bound, "gap": 0, "groups": groups}
        except _Impossible:
            pass
        least, bound, _groups = model.least(model.gap(), seconds / 2)
        if least is None or least > bound:
            return {"state": "undecided"}
        gap = least
        model.model.add(model.gap() <= gap)
    value, bound, groups = model.least(model.moved(plan), seconds)
    return {"state": "proved", "value": value, "bound": bound, "gap": gap, "groups": groups}


def _lowest_cost(model: _Model, seconds: float) -> dict[str, Any]:
    cost = GAP * model.gap(weighted=True) + REPEAT * model.repeats() - model.wishes()
    value, bound, groups = model.least(cost, seconds)
    told = None if groups is None else figures(model.instance, np.array(groups, np.int64))
    return {
        "state": "proved",
        "value": None if told is None else weighted_cost(model.instance, told),
        "bound": bound,
        "gap": 0 if told is None else sum(told.gap),
        "groups": groups,
    }


class _Model:
    """x[p, g]: person p sits in group g; the hard rules are kept."""

    def __init__(self, instance: Instance, hint: Ints | None = None) -> None:
        self.instance, self.hint = instance, hint
        self.model = cp_model.CpModel()
        self.people = np.flatnonzero(instance.here).tolist()
        self.x = {(p, g): self.model.new_bool_var(f"{p} {g}") for p in self.people for g in range(instance.G)}
        for p in self.people:
            self.model.add_exactly_one(self.x[p, g] for g in range(instance.G))
        for g in range(instance.G):
            self.model.add_linear_constraint(self._count(self.people, g), *instance.bounds)
        for p, g in instance.pinned.items():
            self.model.add(self.x[p, g] == 1)
        for a, b in self._both(instance.together):
            for g in range(instance.G):
                self.model.add(self.x[a, g] == self.x[b, g])
        for a, b in self._both(instance.apart):
            for g in range(instance.G):
                self.model.add_at_most_one([self.x[a, g], self.x[b, g]])
        if hint is not None:
            for (p, g), seat in self.x.items():
                self.model.add_hint(seat, int(hint[p] == g))

    def keep_even(self) -> None:
        """No gap at all."""
        for column in self.instance.attrs.T:
            for who in self._alike(column):
                q, r = divmod(len(who), self.instance.G)
                for g in range(self.instance.G):
                    self.model.add_linear_constraint(self._count(who, g), q, q + (r > 0))

    def moved(self, plan: Ints) -> Any:
        """People who were seated and sit elsewhere."""
        return sum(1 - self.x[p, int(plan[p])] for p in self.people if plan[p] >= 0)

    def gap(self, *, weighted: bool = False) -> Any:
        """Of all attributes; a cell of a value that may hold q or one more costs 1, 3, 6 when it is 1, 2, 3 off."""
        terms: list[Any] = []
        for column, weight in self.instance.weighted:
            times = weight if weighted else 1
            for who in self._alike(column):
                q = len(who) // self.instance.G
                for g in range(self.instance.G):
                    count = self._count(who, g)
                    terms += [
                        times * self._over(count - q - k, len(who))
                        for k in range(1, _STEPS + 1)
                        if len(who) > q + k
                    ]
                    terms += [times * self._over(q - count - k, q) for k in range(min(q, _STEPS))]
        return sum(terms)

    def repeats(self) -> Any:
        """Pairs of earlier rounds that meet again."""
        terms: list[Any] = []
        for earlier in self.instance.history:
            for who in self._alike(earlier):
                for g in range(self.instance.G):
                    count = self._count(who, g)
                    terms += [self._over(count - k, len(who)) for k in range(1, min(len(who), _STEPS + 1))]
        return sum(terms)

    def wishes(self) -> Any:
        """Points of wishes that are granted."""
        return sum(
            points * self.x[p, int(self.instance.pref[p, rank])]
            for rank, points in enumerate(WISHES[: self.instance.pref.shape[1]])
            for p in self.people
            if self.instance.pref[p, rank] >= 0
        )

    def least(self, goal: Any, seconds: float) -> tuple[int | None, int, list[int] | None]:
        """The least of a sum as far as the time reaches: the best found, what nothing is below, and its groups."""
        self.model.minimize(goal)
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = seconds
        solver.parameters.num_workers = 1
        status = solver.solve(self.model)
        if status == cp_model.INFEASIBLE:
            raise _Impossible
        bound = math.ceil(solver.best_objective_bound - 1e-6)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, bound, None
        groups = [-1] * self.instance.n
        for (p, g), seat in self.x.items():
            if solver.value(seat):
                groups[p] = g
        return round(solver.objective_value), bound, groups

    def _count(self, who: Iterable[int], group: int) -> Any:
        return sum(self.x[p, group] for p in who)

    def _over(self, excess: Any, most: int) -> Any:
        """A number that is at least `excess`, and 0."""
        over = self.model.new_int_var(0, most, "")
        self.model.add(over >= excess)
        return over

    def _alike(self, column: Ints) -> list[list[int]]:
        """People who are here and share a value, two or more."""
        found: dict[int, list[int]] = {}
        for p in self.people:
            if column[p] >= 0:
                found.setdefault(int(column[p]), []).append(p)
        return [who for who in found.values() if len(who) > 1]

    def _both(self, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        here = set(self.people)
        return [(a, b) for a, b in pairs if a in here and b in here]
