from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming import formation, instances, meetings, schedules, series
from tests.unit.grouping.forming_cast import a_day


def plain(groups: int, size: int, history: list[list[int]]) -> dict[str, Any]:
    """People of whom nothing is known but whom they met."""
    n = groups * size
    return {"n": n, "G": groups, "attrs": [[0]] * n, "history": history}


@pytest.mark.parametrize(("groups", "size", "rounds"), [(5, 3, 7), (8, 4, 10), (12, 11, 6), (7, 7, 8)])
def test_rounds_asked_for_one_by_one_never_repeat_a_pair_as_long_as_a_construction_goes_on(
    groups: int, size: int, rounds: int
) -> None:
    history: list[list[int]] = []
    for _ in range(rounds):
        answer = formation.form(
            instances.read(plain(groups, size, history)), seconds=None, evaluations=2000, seed=len(history)
        )
        history.append(answer.groups.tolist())

    assert answer.figures.repeats == 0
    assert answer.figures.sizes == (size, size)


@settings(max_examples=40, deadline=None)
@given(groups=st.integers(2, 9), size=st.integers(2, 6), seed=st.integers(0, 99))
def test_a_series_goes_on_to_its_end_whoever_began_it_and_whatever_its_groups_are_called(
    groups: int, size: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    history = [draw.permutation(np.repeat(np.arange(groups), size)).tolist()]
    while (found := series.next_round(instances.read(plain(groups, size, history)))) is not None:
        history.append(draw.permutation(groups)[found].tolist())

    assert meetings.repeats(np.array(history)) == 0
    assert len(history) == max(1, len(schedules.longest(groups, size)))


@pytest.mark.parametrize(
    "other",
    [
        {"history": []},
        {"history": [[0, 0, 0, 0, 1, 1, 2, 2, 2]]},
        {"history": [[0, 0, 0, 1, 1, 1, 2, 2, -1]]},
        {"history": [[0, 0, 0, 1, 1, 1, 2, 2, 2]] * 2},
        {"bringers": [4]},
        {"n": 8, "attrs": [[0]] * 8, "history": [[0, 0, 0, 1, 1, 1, 2, 2]]},
    ],
)
def test_rounds_that_no_construction_goes_on_from_are_searched_for(other: dict[str, Any]) -> None:
    asked = instances.read(plain(3, 3, [[0, 0, 0, 1, 1, 1, 2, 2, 2]]) | other)

    assert series.next_round(asked) is None
    assert formation.form(asked, seconds=None, evaluations=5000).figures.sizes[1] == 3


def test_a_day_with_wishes_is_searched_for_though_a_construction_goes_on() -> None:
    asked = a_day(40, 5) | {"bringers": [], "keep_together": [], "keep_apart": []}
    asked |= {"history": [[k % 5 for k in range(40)]]}
    instance = instances.read(asked)

    answer = formation.form(instance, seconds=None, evaluations=200_000)

    assert series.next_round(instance) is None or answer.figures.cost < 0
