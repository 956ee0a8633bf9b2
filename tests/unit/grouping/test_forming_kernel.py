from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.grouping.forming import cooling, formation, instances, kernel, meetings, native
from tests.unit.grouping.forming_cast import a_day

needs_c = pytest.mark.skipif(kernel.LIBRARY is None, reason="no C kernel here: " + native.WITHOUT)


def told(backend: str, *words: object) -> str:
    """What the command prints with one backend, but for the backend's name."""
    program = [sys.executable, "-m", "services.grouping.forming", *map(str, words)]
    environ = os.environ | {"PALABRE_KERNEL": backend}
    ended = subprocess.run(program, env=environ, capture_output=True, text=True, check=True)
    return ended.stdout.replace(f'"backend":"{backend}"', '"backend":""')


@pytest.fixture
def a_file(tmp_path: Path) -> Any:
    def write(name: str, text: str) -> Path:
        place = tmp_path / name
        place.write_text(text)
        return place

    return write


@needs_c
@pytest.mark.parametrize(("n", "groups"), [(131, 6), (40, 6), (141, 20)])
def test_both_kernels_form_the_same_groups(a_file: Any, n: int, groups: int) -> None:
    day = a_file("day.json", json.dumps(a_day(n, groups)))
    words = ("form", day, "--evaluations", 60_000, "--seed", 5)

    assert told("c", *words) == told("numpy", *words)


@needs_c
def test_both_kernels_wait_alike_where_there_is_time(monkeypatch: Any) -> None:
    instance = instances.read(a_day(40, 6))
    hurried = formation.form(instance, seconds=None, evaluations=60_000, seed=5)
    monkeypatch.setattr(cooling, "_PLENTY", 1)
    in_c = formation.form(instance, seconds=None, evaluations=60_000, seed=5)
    monkeypatch.setattr(kernel, "LIBRARY", None)
    in_numpy = formation.form(instance, seconds=None, evaluations=60_000, seed=5)

    assert in_c.groups.tolist() == in_numpy.groups.tolist() != hurried.groups.tolist()


@needs_c
def test_both_kernels_move_the_same_people(a_file: Any) -> None:
    day = a_file("day.json", json.dumps(a_day()))
    plan = a_file("plan.json", told("c", "form", day, "--evaluations", 40_000))
    words = ("rebalance", day, "--plan", plan, "--policy", "balance", "--evaluations", 60_000)

    assert told("c", *words) == told("numpy", *words)


@needs_c
def test_both_kernels_spread_and_schedule_alike(a_file: Any) -> None:
    draw = np.random.default_rng(4)
    rows = [f"{i} {j} {draw.integers(1, 10_000) / 1000}" for i in range(40) for j in range(i + 1, 40)]
    far = a_file("far.txt", "\n".join(["40 4 ds 8 14 6 12 8 12 6 14", *rows]))
    for words in (("mdgp", far), ("rounds", "--groups", 5, "--size", 4, "--rounds", 4)):
        budget = ("--evaluations", 40_000, "--seed", 9)

        assert told("c", *words, *budget) == told("numpy", *words, *budget)


@needs_c
def test_both_kernels_exchange_copies_alike(a_file: Any) -> None:
    draw = np.random.default_rng(4)
    rows = [f"{i} {j} {draw.integers(1, 100)}" for i in range(10) for j in range(i + 1, 10)]
    words = ("mdgp", a_file("far.txt", "\n".join(["10 3 ds 2 4 3 4 2 4", *rows])), "--evaluations", 450_000)

    assert told("c", *words) == told("numpy", *words)


def test_a_table_keeps_count_of_its_cost() -> None:
    room = formation.Room.opened(instances.read(a_day(131)))
    table = room.table(room.full, room.wishes, 3)

    for heat in (20.0, 2.0, 0.0):
        table.walk(heat, 4000)
        kept = (table.cost, *(a.tolist() for a in (table.load, table.own, table.place, table.spare)))
        table.seat(table.seats.copy())

        assert (table.cost, *(a.tolist() for a in (table.load, table.own, table.place, table.spare))) == kept


def test_a_walk_judges_as_many_as_it_was_asked_for() -> None:
    room = formation.Room.opened(instances.read(a_day(131)))
    table = room.table(room.full, room.wishes, 3)

    judged = [table.walk(2.0, count) for count in (1, 7, 1000)]

    assert judged == [1, 7, 1000]


def test_meetings_keep_count_of_repeats() -> None:
    draw = np.random.default_rng(1)
    rows = np.stack([draw.permutation(np.arange(20) % 5) for _ in range(4)])
    game = meetings.Meetings.of(rows, 5, seed=2)

    game.walk(0.7, 5000)

    assert game.cost == meetings.repeats(game.seats.astype(np.int64))
    assert game.best_cost == meetings.repeats(game.best_seats.astype(np.int64))


def test_a_machine_without_a_compiler_is_told_so_and_goes_on(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(native, "_place", lambda: Path("/nowhere/kernel.so"))
    monkeypatch.setattr(native, "_compiler", lambda: None)

    native.main()

    assert capsys.readouterr().out == native.WITHOUT + "\n"
    assert native.load() is None


def test_a_compiler_that_fails_is_no_failure(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(native, "_place", lambda: tmp_path / "made" / "kernel.so")
    monkeypatch.setattr(native, "_compiler", lambda: ["false"])

    assert native.build() is None
