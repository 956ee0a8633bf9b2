from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming import cells, cooling, formation, instances, kernel, meetings, native
from tests.unit.grouping.forming_cast import a_day

needs_c = pytest.mark.skipif(kernel.LIBRARY is None, reason="no C kernel here: " + native.WITHOUT)

needs_narrow = pytest.mark.skipif(np.int16 not in kernel.WALKS, reason="no registers for narrow numbers here")


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


@needs_narrow
def test_narrow_numbers_form_the_same_groups(monkeypatch: Any) -> None:
    instance = instances.read(a_day(132, 12))
    narrow = formation.form(instance, seconds=None, evaluations=60_000, seed=5)
    monkeypatch.delitem(kernel.WALKS, np.int16)
    wide = formation.form(instance, seconds=None, evaluations=60_000, seed=5)

    assert narrow.groups.tolist() == wide.groups.tolist()


@st.composite
def tables(draw: Any) -> dict[str, Any]:
    """Some people who differ, are worth something somewhere, must not meet, stay, stay together; and empty chairs."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**32)))
    groups, size = draw(st.integers(2, 7)), draw(st.integers(2, 12))
    chairs = groups * size
    pull = np.triu(
        numbers.integers(*draw(st.sampled_from([(0, 40), (-90, 1), (-20, 30)])), (chairs, chairs)), 1
    )
    seats = numbers.permutation(np.arange(chairs) % groups)
    empty = draw(st.integers(0, groups // 2))
    pull[:, chairs - empty :] = 0
    unit = np.flatnonzero(seats[2 : chairs - empty] == seats[2])[: draw(st.integers(1, 3))] + 2
    order = np.concatenate([[0, 1], unit, np.setdiff1d(np.arange(2, chairs), unit)]).astype(np.int64)
    seats = seats[order]
    for _ in range(draw(st.integers(0, 4))):
        one, other = numbers.choice(chairs - empty, 2, replace=False)
        if seats[one] != seats[other]:
            pull[min(one, other), max(one, other)] = cells.FORBIDDEN + numbers.integers(0, 2) * 4
    mate = np.arange(chairs)
    mate[2 : 2 + len(unit)] = np.roll(mate[2 : 2 + len(unit)], -1)
    full = np.bincount(seats[: chairs - empty], minlength=groups)
    return {
        "pull": pull + pull.T,
        "call": -3 * numbers.integers(0, 2, (groups, chairs)) * (np.arange(chairs) < chairs - empty),
        "seats": seats,
        "people": chairs - empty,
        "least": np.maximum(0, full - 1),
        "tied": 2,
        "mate": mate,
    }


def steps(told: dict[str, Any], heats: list[float]) -> list[Any]:
    table = kernel.Table.laid(**told, seed=3)
    seen: list[Any] = []
    for heat in heats:
        seen.append((table.walk(heat, 700), table.cost, table.best_cost, table.seats.tolist()))
    return [*seen, table.load.tolist()] if not (told["pull"] >= cells.FORBIDDEN).any() else seen


@needs_narrow
@settings(deadline=None, max_examples=60)
@given(tables(), st.lists(st.sampled_from([0.0, 3.0, 20.0, 300.0]), min_size=2, max_size=4))
def test_narrow_numbers_take_the_same_steps(told: dict[str, Any], heats: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        seen = [steps(told, heats)]
        patched.delitem(kernel.WALKS, np.int16)
        seen.append(steps(told, heats))
        patched.setattr(kernel, "LIBRARY", None)
        seen.append(steps(told, heats))

    assert seen[0] == seen[1] == seen[2]


@needs_narrow
def test_numbers_are_narrow_only_where_every_price_fits() -> None:
    chairs = 12
    seats = np.arange(chairs) % 3
    call = np.zeros((3, chairs), np.int64)
    kinds = []
    for far in (1, 1400, 1500, 10_000):
        pull = far * (1 - np.eye(chairs, dtype=np.int64))
        kinds.append(kernel.Table.laid(pull, call, seats, people=chairs, least=np.full(3, 4)).cells.kind)

    assert kinds == [np.int16, np.int16, np.int32, np.int32]


@needs_narrow
def test_who_starts_beside_somebody_forbidden_is_reckoned_in_wide_numbers() -> None:
    pull = np.zeros((4, 4), np.int64)
    pull[0, 2] = pull[2, 0] = cells.FORBIDDEN
    kinds = [
        kernel.Table.laid(
            pull, np.zeros((2, 4), np.int64), np.array(seats), people=4, least=np.full(2, 2)
        ).cells.kind
        for seats in ([0, 1, 0, 1], [0, 0, 1, 1])
    ]

    assert kinds == [np.int32, np.int16]


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
