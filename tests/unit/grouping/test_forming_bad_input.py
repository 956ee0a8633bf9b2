"""Whatever is done to a good question: one line and exit 2, or an answer that `check` believes."""

from __future__ import annotations

import copy
import gzip
import io
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming.__main__ import main
from tests.unit.grouping.forming_cast import a_day

BUDGET = ("--evaluations", "500")
DAY = a_day(20, 3) | {
    "keep_together": [[0, 1]],
    "keep_apart": [[2, 3], [4, 5]],
    "locked": [[6, 1]],
    "late": [7],
}
ODD = st.sampled_from(
    [None, -1, 0, 1, 2, 19, 20, 10**6, 2**31, 2**63, 10**30, 0.5, 1.0, float("nan"), float("inf"), True, "7", "", [],
     [[]], {}, [0], [[0, 1]], [[0, 1], [1, 0]], [[0, 1, 2]], [[19, 2]], [[3, 2]]]
)  # fmt: skip


def asked(*words: object) -> tuple[int, Any, str]:
    """(exit status, answer, what was said on stderr) of the command."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:
            code = int(str(end.code))
    return code, json.loads(out.getvalue()) if out.getvalue() else None, err.getvalue()


@contextmanager
def a_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def is_refused_or_believed(place: Path, verb: str, *words: object) -> None:
    code, answer, said = asked(verb, place, *words, *BUDGET)

    if code == 2:
        assert (answer, said.count("\n"), said.strip() != "") == (None, 1, True)
        return
    told = place.with_name("answer.json")
    told.write_text(json.dumps(answer))
    assert (code, asked("check", place, told)[0]) == (0, 0)


@st.composite
def changed(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """A field, a row or one number of the question replaced by something odd, or a field left out."""
    found = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, min(2, len(found))))):
        name = draw(st.sampled_from(sorted(found)))
        if draw(st.integers(0, 9)) == 0:
            del found[name]
            continue
        holder: Any = found
        key: Any = name
        for _ in range(draw(st.integers(0, 2))):
            if isinstance(holder[key], list) and holder[key]:
                holder, key = holder[key], draw(st.integers(0, len(holder[key]) - 1))
        holder[key] = copy.deepcopy(draw(ODD))
    return found


@settings(max_examples=150, deadline=None)
@given(question=changed(DAY))
def test_a_changed_question_is_refused_in_one_line_or_answered_truly(question: dict[str, Any]) -> None:
    with a_folder() as folder:
        place = folder / "day.json"
        place.write_text(json.dumps(question))

        is_refused_or_believed(place, "form")


@settings(max_examples=200, deadline=None)
@given(question=changed(DAY), plan=changed({"groups": [k % 3 for k in range(20)]}))
def test_a_changed_plan_is_refused_in_one_line_or_answered_truly(
    question: dict[str, Any], plan: dict[str, Any]
) -> None:
    with a_folder() as folder:
        (folder / "day.json").write_text(json.dumps(question))
        (folder / "plan.json").write_text(json.dumps(plan))

        is_refused_or_believed(folder / "day.json", "rebalance", "--plan", folder / "plan.json")


@settings(max_examples=200, deadline=None)
@given(data=st.data(), suffix=st.sampled_from([".json", ".json.gz", ".npz"]))
def test_a_damaged_file_is_refused_in_one_line_or_answered_truly(data: st.DataObject, suffix: str) -> None:
    with a_folder() as folder:
        place = folder / f"day{suffix}"
        if suffix == ".npz":
            np.savez_compressed(place, **{name: np.asarray(value) for name, value in DAY.items()})
        else:
            text = json.dumps(DAY).encode()
            place.write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
        written = place.read_bytes()
        at = data.draw(st.integers(0, len(written) - 1))
        place.write_bytes(
            written[:at] + data.draw(st.binary(max_size=2)) + written[data.draw(st.integers(at, at + 3)) :]
        )

        is_refused_or_believed(place, "form")

        place.write_bytes(written[:at])
        code, answer, said = asked("form", place, *BUDGET)
        assert (code, answer, said.count("\n")) == (2, None, 1)


LINES = ["6 2 ds 2 4 2 4", *(f"{i} {j} {i + j}.5" for i in range(6) for j in range(i + 1, 6))]


@settings(max_examples=200, deadline=None)
@given(
    row=st.integers(0, len(LINES) - 1),
    word=st.integers(0, 6),
    odd=st.sampled_from(["", "-1", "0", "1", "7", "2.5", "nan", "inf", "1e400", "x", "9" * 40, "é", "0 1 2"]),
    cut=st.booleans(),
)
def test_a_changed_table_of_distances_is_refused_in_one_line_or_answered_truly(
    row: int, word: int, odd: str, cut: bool
) -> None:
    lines = list(LINES)
    words = lines[row].split()
    words[min(word, len(words) - 1)] = odd
    lines[row] = " ".join(words)
    with a_folder() as folder:
        place = folder / "far.txt.gz"
        place.write_bytes(gzip.compress("\n".join(lines).encode())[: -9 if cut else None])

        is_refused_or_believed(place, "mdgp")


@settings(max_examples=200, deadline=None)
@given(question=st.just(DAY), claim=st.data())
def test_a_changed_answer_is_refused_in_one_line_or_found_wrong_unless_it_says_the_same(
    question: dict[str, Any], claim: st.DataObject
) -> None:
    answer = _formed()
    told = {"groups": answer["groups"]} | claim.draw(
        changed({name: answer[name] for name in ("cost", "gap", "wishes", "sizes", "bound")})
    )
    with a_folder() as folder:
        (folder / "day.json").write_text(json.dumps(question))
        (folder / "answer.json").write_text(json.dumps(told))

        code, found, said = asked("check", folder / "day.json", folder / "answer.json")

    if code == 2:
        assert (found, said.count("\n")) == (None, 1)
    else:
        is_true = all(json.dumps(told[name]) == json.dumps(answer[name]) for name in told)
        assert (code, found["ok"]) == ((0, True) if is_true else (1, False))


def _formed() -> dict[str, Any]:
    with a_folder() as folder:
        (folder / "day.json").write_text(json.dumps(DAY))
        return dict(asked("form", folder / "day.json", *BUDGET)[1])
