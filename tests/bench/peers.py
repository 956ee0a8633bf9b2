"""What others make of the same questions: CP-SAT of the reference day, on one thread, where ortools is installed;
anti-clustering of the outsiders' files, where a Python has it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from services.grouping.forming.distances import Distances, objective
from services.grouping.forming.figures import REPEAT, WISHES
from services.grouping.forming.instances import Instance

HAS_CP_SAT = importlib.util.find_spec("ortools") is not None
ANTI_CLUSTERING = os.environ.get("PALABRE_PEER_PYTHON") or (
    sys.executable if importlib.util.find_spec("anti_clustering") is not None else None
)
"""A Python that has anti-clustering: another one than ours, since it wants an older numpy."""
_ANTI_S = 60
_ANTI = """
import sys
import numpy as np
import pandas as pd
from anti_clustering import SimulatedAnnealingHeuristicAntiClustering

class Told(SimulatedAnnealingHeuristicAntiClustering):
    def _get_distance_matrix(self, df, numerical_columns, categorical_columns):
        return apart

apart = np.load(sys.argv[1])
people = pd.DataFrame({"person": np.arange(len(apart))})
found = Told(random_seed=1, starting_temperature=apart.std() * 2, alpha=0.998).run(
    people, ["person"], [], int(sys.argv[2]), "group"
)
np.save(sys.argv[3], found["group"].to_numpy())
"""


def anti_clustering(asked: Distances) -> float | None:
    """The sum of distances that anti-clustering's annealing reaches with equal groups; None when it did not end in a
    minute.

    It is told the distances of the file, and a temperature and cooling that suit them: its own are for columns from
    0 to 1.
    """
    with tempfile.TemporaryDirectory() as folder:
        apart, groups = Path(folder) / "apart.npy", Path(folder) / "groups.npy"
        np.save(apart, asked.apart)
        program = [str(ANTI_CLUSTERING), "-c", _ANTI, str(apart), str(len(asked.least)), str(groups)]
        try:
            subprocess.run(program, check=True, capture_output=True, timeout=_ANTI_S)
        except subprocess.TimeoutExpired:
            return None
        return objective(asked, np.load(groups))


def cp_sat(instance: Instance, seconds: float) -> tuple[int | None, int]:
    """The least cost CP-SAT finds in `seconds` among rounds without a gap (None: not one round), and its bound.

    In a process of its own: ortools brings a HiGHS along that cannot stand beside the engine's.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        return child.submit(_solve, instance, seconds).result()


def _solve(instance: Instance, seconds: float) -> tuple[int | None, int]:
    cp_model = import_module("ortools.sat.python.cp_model")
    model = cp_model.CpModel()
    sits = [[model.new_bool_var("") for _ in range(instance.G)] for _ in range(instance.n)]
    _keep_rules(model, instance, sits)
    _keep_balance(model, instance, sits)
    model.minimize(sum(_repeats(model, instance, sits)) - sum(_wishes(instance, sits)))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 1
    found = solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return (round(solver.objective_value) if found else None), round(solver.best_objective_bound)


def _keep_rules(model: Any, instance: Instance, sits: list[list[Any]]) -> None:
    for seats in sits:
        model.add_exactly_one(seats)
    for person, group in instance.pinned.items():
        model.add(sits[person][group] == 1)
    for a, b in instance.together:
        for one, other in zip(sits[a], sits[b], strict=True):
            model.add(one == other)
    for a, b in instance.apart:
        for one, other in zip(sits[a], sits[b], strict=True):
            model.add_at_most_one(one, other)


def _keep_balance(model: Any, instance: Instance, sits: list[list[Any]]) -> None:
    """Sizes, and every value of every attribute, as even as counting allows."""
    for column in [[0] * instance.n, *instance.attrs.T.tolist()]:
        for value in set(column):
            alike = [seats for seats, other in zip(sits, column, strict=True) if other == value]
            least, most = len(alike) // instance.G, -(-len(alike) // instance.G)
            for group in range(instance.G):
                model.add_linear_constraint(sum(seats[group] for seats in alike), least, most)


def _repeats(model: Any, instance: Instance, sits: list[list[Any]]) -> list[Any]:
    """The k-th of an earlier group in one group meets k - 1 people again."""
    cost = []
    for earlier in instance.history:
        for old in set(earlier.tolist()) - {-1}:
            met = [seats for seats, group in zip(sits, earlier.tolist(), strict=True) if group == old]
            for group in range(instance.G):
                again = [model.new_bool_var("") for _ in met]
                model.add(sum(seats[group] for seats in met) == sum(again))
                cost += [REPEAT * k * one for k, one in enumerate(again)]
    return cost


def _wishes(instance: Instance, sits: list[list[Any]]) -> list[Any]:
    return [
        points * seats[group]
        for rank, points in enumerate(WISHES[: instance.pref.shape[1]])
        for seats, group in zip(sits, instance.pref[:, rank].tolist(), strict=True)
        if group >= 0
    ]
