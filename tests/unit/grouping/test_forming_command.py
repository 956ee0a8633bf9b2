from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.grouping.forming import kernel
from services.grouping.forming.__main__ import main
from tests.unit.grouping.forming_cast import a_day


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The command with its files: a dict becomes a JSON file. Gives (exit code, answer, stderr)."""

    def call(*words: Any) -> tuple[int, Any, str]:
        argv = []
        for number, word in enumerate(words):
            if isinstance(word, dict):
                place = tmp_path / f"{number}.json"
                place.write_text(json.dumps(word))
                word = place
            argv.append(str(word))
        code = main(argv)
        told = capsys.readouterr()
        return code, json.loads(told.out) if told.out else None, told.err

    return call


BUDGET = ("--evaluations", 20_000, "--seed", 2)


def test_form_tells_everything_a_stranger_needs(run: Any) -> None:
    code, answer, _ = run("form", a_day(), *BUDGET)

    assert code == 0
    assert set(answer) == {
        "groups", "cost", "gap", "repeats", "wishes", "broken", "bound", "sizes",
        "seconds", "evaluations", "seed", "backend",
    }  # fmt: skip
    assert (len(answer["groups"]), answer["broken"], answer["backend"]) == (132, 0, kernel.BACKEND)


def test_a_counted_budget_prints_the_same_bytes_twice(run: Any) -> None:
    assert run("form", a_day(), *BUDGET) == run("form", a_day(), *BUDGET)


def test_rebalance_tells_the_moves_and_the_curve(run: Any) -> None:
    _, plan, _ = run("form", a_day(), *BUDGET)

    code, answer, _ = run("rebalance", a_day(), "--plan", plan, "--policy", "balance", *BUDGET)

    assert code == 0
    assert (
        answer["curve"][-1][0] >= answer["moves"] >= answer["bound"]
        or answer["moves"] == answer["curve"][-1][0]
    )
    assert sum(group == -1 for group in answer["groups"]) == len(a_day()["noshow"])


def test_check_believes_a_true_answer_and_not_a_false_one(run: Any) -> None:
    _, answer, _ = run("form", a_day(), *BUDGET)

    code, told, _ = run("check", a_day(), answer)
    assert (code, told["ok"]) == (0, True)

    code, told, _ = run("check", a_day(), answer | {"wishes": answer["wishes"] + 1})
    assert (code, told["ok"]) == (1, False)
    assert told["differences"] == [f"wishes: {answer['wishes'] + 1} is claimed, {answer['wishes']} is true"]


def test_npz_is_read_like_json(run: Any, tmp_path: Path) -> None:
    day = a_day()
    np.savez(tmp_path / "day.npz", **{name: np.asarray(value) for name, value in day.items()})

    assert run("form", tmp_path / "day.npz", *BUDGET) == run("form", day, *BUDGET)


def test_rounds_of_five_threes_never_repeat_a_pair(run: Any) -> None:
    code, answer, _ = run(
        "rounds", "--groups", 5, "--size", 3, "--rounds", 4, "--evaluations", 200_000, "--seed", 1
    )

    assert (code, answer["repeats"], len(answer["groups"])) == (0, 0, 4)


def test_mdgp_beats_a_random_deal_and_keeps_the_bounds(run: Any, tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    rows = [f"{i} {j} {draw.integers(1, 100)}" for i in range(30) for j in range(i + 1, 30)]
    place = tmp_path / "small.txt"
    place.write_text("\n".join(["30 4 ds 6 9 6 9 6 9 6 9", *rows]))

    code, answer, _ = run("mdgp", place, *BUDGET)

    sizes = np.bincount(answer["groups"])
    assert (code, int(sizes.min()) >= 6, int(sizes.max()) <= 9, int(sizes.sum())) == (0, True, True, 30)
    assert answer["objective"] > 4 * 28 * 50


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"n": -1}, "n: a whole number of at least 0 is expected, not -1"),
        ({"n": 5}, "attrs: 40 rows for n = 5"),
        ({"G": 0}, "G: a whole number of at least 1 is expected, not 0"),
        ({"attrs": None}, "attrs: missing"),
        ({"attrs": [[0, 1]] * 39 + [[0]]}, "attrs: its rows are not equally long"),
        ({"attrs": [[0, 1, float("nan")]] * 40}, "attrs: whole numbers are expected"),
        ({"attrs": [[0, 1, -2]] * 40}, "attrs: row 0 has a negative value"),
        ({"bringers": [1, 2, 3, 4, 5, 6, 7]}, "bringers: 7 carriers for 6 groups"),
        ({"bringers": [1, 1]}, "bringers: 1 carries two topics"),
        ({"pref": [[0, 1, 9]] * 40}, "pref: row 0 names no group"),
        ({"keep_together": [[1, 2]], "keep_apart": [[2, 1]]}, "keep_apart: [1, 2] is in keep_together too"),
        ({"keep_apart": [[1, 1]]}, "keep_apart: pair 0 is not two people of 0 to 39"),
        ({"noshow": [3, 3]}, "noshow: 3 stands twice"),
        ({"history": [[0] * 39]}, "history[0]: one group id for each of 40 people is expected"),
        ({"locked": [[1, 6]]}, "locked: pair 0 is not a person and a group"),
    ],
)
def test_bad_input_is_one_line_that_names_the_field(run: Any, change: dict[str, Any], line: str) -> None:
    assert run("form", a_day(40, 6) | change) == (2, None, line + "\n")


def test_a_truncated_file_is_one_line(run: Any, tmp_path: Path) -> None:
    place = tmp_path / "cut.json"
    place.write_text('{"n": 3, "G": [')

    code, answer, said = run("form", place)

    assert (code, answer, said.count("\n")) == (2, None, 1)
    assert "line 1" in said


def test_people_who_cannot_all_be_kept_apart_are_named(run: Any) -> None:
    asked = {"n": 3, "G": 2, "attrs": [[0], [0], [1]], "keep_apart": [[0, 1], [1, 2], [0, 2]]}

    assert run("form", asked) == (2, None, "rules: these cannot all be kept: apart 0 1; apart 1 2; apart 0 2\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "line 1: people, groups, ss or ds, and two bounds a group are expected"),
        ("3 1 ss 1 2", "line 1: these sizes cannot hold 3 people"),
        ("3 1 ss 3 3\n0 1 5", "line 2: the distance of 0 and 2 is missing"),
        ("3 1 ss 3 3\n0 1 nan", "line 2: nan is no distance"),
        ("3 1 ss 3 3\n0 1 -4", "line 2: -4 is no distance"),
        ("3 1 ss 3 3\n0 1 4\n1 0 4", "line 3: the distance of 1 and 0 is given twice"),
        ("3 1 ss 3 3\n0 7 4", "line 2: 0 and 7 are not two of 3 people"),
    ],
)
def test_a_bad_line_of_distances_is_named(run: Any, tmp_path: Path, text: str, line: str) -> None:
    place = tmp_path / "bad.txt"
    place.write_text(text)

    assert run("mdgp", place) == (2, None, line + "\n")
