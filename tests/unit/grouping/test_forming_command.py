from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.grouping.forming import kernel, proofs
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
    assert answer["moves"] == answer["curve"][-1][0]
    assert [sum(a_day()["n"] > p >= 0 for p, _ in way) for way in answer["ways"]] == [
        m for m, _ in answer["curve"]
    ]
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
        ({"attrs": [[0, 1, float("nan")]] * 40}, "attrs: whole numbers are expected, not nan"),
        ({"attrs": [[0, 1, -2]] * 40}, "attrs: row 0 has a negative value"),
        ({"bringers": [1, 2, 3, 4, 5, 6, 7]}, "bringers: 7 carriers for 6 groups"),
        ({"bringers": [1, 1]}, "bringers: 1 carries two topics"),
        ({"pref": [[0, 1, 9]] * 40}, "pref: row 0 names no group"),
        ({"keep_together": [[1, 2]], "keep_apart": [[2, 1]]}, "keep_apart: [1, 2] is in keep_together too"),
        ({"keep_apart": [[1, 1]]}, "keep_apart: pair 0 is not two people of 0 to 39"),
        ({"noshow": [3, 3]}, "noshow: 3 stands twice"),
        ({"history": [[0] * 39]}, "history[0]: one group id for each of 40 people is expected"),
        ({"locked": [[1, 6]]}, "locked: pair 0 is not a person and a group"),
        ({"locked": [[1, 2], [1, 3]]}, "locked: 1 is locked in two groups"),
        ({"n": 40.0}, "n: a whole number of at least 0 is expected, not 40.0"),
        ({"n": True}, "n: a whole number of at least 0 is expected, not True"),
        ({"G": 10**12}, "G: a whole number of at least 1 is expected, not 1000000000000"),
        ({"G": 10**6}, "G: 1000000 groups for 40 people; at most 4000 are expected"),
        ({"noshow": [3.0]}, "noshow: whole numbers are expected, not 3.0"),
        ({"noshow": [True]}, "noshow: whole numbers are expected, not True"),
        ({"noshow": 3}, "noshow: a list is expected, not 3"),
        ({"keep_apart": [[0, 2**70]]}, f"keep_apart: whole numbers are expected, not {2**70}"),
        ({"history": 5}, "history: a list of earlier rounds is expected"),
        ({"attr_names": ["a", "a", "b"]}, "attr_names: 'a' stands twice"),
        ({"attr_names": 7}, "attr_names: a list of words is expected"),
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
        ("900000000 1 ss 1 900000000", "line 1: 900000000 people have more distances than this file has lines"),
        (f"3 1 ss 3 {10**30}", "line 1: people, groups, ss or ds, and two bounds a group are expected"),
    ],
)
def test_a_bad_line_of_distances_is_named(run: Any, tmp_path: Path, text: str, line: str) -> None:
    place = tmp_path / "bad.txt"
    place.write_text(text)

    assert run("mdgp", place) == (2, None, line + "\n")


@pytest.mark.parametrize("policy", ["sizes", "balance"])
def test_check_believes_a_rebalance_and_each_point_of_its_curve(run: Any, policy: str) -> None:
    _, plan, _ = run("form", a_day(), *BUDGET)
    _, answer, _ = run("rebalance", a_day(), "--plan", plan, "--policy", policy, *BUDGET)

    assert run("check", a_day(), answer)[0] == 0
    assert run("check", a_day(), answer, "--plan", plan)[0] == 0
    code, told, _ = run("check", a_day(), answer | {"curve": [[m, 0] for m, _ in answer["curve"]]})
    assert (code, [said.split(":")[0] for said in told["differences"]]) == (1, ["curve"])


def test_check_refuses_a_plan_that_the_answer_was_not_made_from(run: Any) -> None:
    _, plan, _ = run("form", a_day(), *BUDGET)
    _, other, _ = run("form", a_day(), "--evaluations", 20_000, "--seed", 3)
    _, answer, _ = run("rebalance", a_day(), "--plan", plan, *BUDGET)

    assert run("check", a_day(), answer, "--plan", other) == (
        2,
        None,
        "plan: the answer was made from another one\n",
    )


def test_check_believes_rounds_from_the_answer_alone(run: Any) -> None:
    shape = ("--groups", 5, "--size", 3, "--rounds", 6)
    _, answer, _ = run("rounds", *shape, *BUDGET)

    assert run("check", answer)[0] == run("check", answer, *shape)[0] == 0
    assert run("check", answer | {"repeats": 1})[0] == 1
    assert run("check", answer | {"groups": answer["groups"][:5] + [[0] * 15]})[1]["broken"] == 5
    assert run("check", answer, "--rounds", 7)[2] == "rounds: 6 in the answer, 7 asked\n"


def test_check_believes_distances_and_no_wrong_objective(run: Any, tmp_path: Path) -> None:
    place = tmp_path / "small.txt"
    place.write_text("\n".join(["4 2 ss 2 2 2 2", "0 1 1.5", "0 2 2", "0 3 3.25", "1 2 1", "1 3 1", "2 3 0.5"]))
    _, answer, _ = run("mdgp", place, *BUDGET)

    assert (answer["objective"], answer["sizes"], answer["broken"]) == (4.25, [2, 2], 0)
    assert run("check", place, answer)[0] == 0
    assert run("check", place, answer | {"objective": 4.5})[0] == 1
    assert run("check", place, answer | {"groups": [0, 0, 0, 1]})[1]["broken"] == 2


@pytest.mark.parametrize("words", [["form"], ["rounds", "--groups", "x"], ["what"], ["check"], []])
def test_a_wrong_word_is_one_line(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words)

    assert (end.value.code, capsys.readouterr().err.count("\n")) == (2, 1)


@pytest.mark.skipif(not proofs.IS_HERE, reason="OR-Tools is not installed here")
def test_prove_says_how_good_an_answer_can_be(run: Any) -> None:
    day = a_day(24, 3) | {"noshow": [3, 9], "keep_apart": [], "keep_together": []}
    _, plan, _ = run("form", day, *BUDGET)
    _, answer, _ = run("rebalance", day, "--plan", plan, "--policy", "sizes", *BUDGET)

    code, told, _ = run("prove", day, answer, "--seconds", 20)

    assert (code, told["what"], told["proved"]) == (0, "moves", True)
    assert told["value"] == told["bound"] == answer["moves"]


def test_prove_without_or_tools_is_one_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "IS_HERE", False)

    assert run("prove", a_day(), a_day()) == (2, None, proofs.WITHOUT + "\n")
