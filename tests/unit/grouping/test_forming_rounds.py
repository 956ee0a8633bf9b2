from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming import golfers, meetings


@pytest.mark.parametrize(
    ("groups", "size", "rounds"),
    [
        (2, 2, 3), (4, 4, 5), (5, 2, 9), (5, 3, 7), (5, 5, 6), (6, 6, 3), (7, 7, 8), (8, 5, 8), (8, 4, 8), (8, 4, 9),
        (8, 8, 9), (9, 3, 13), (9, 9, 10), (10, 10, 4), (12, 11, 6), (12, 12, 7), (15, 3, 4), (16, 5, 16),
        (1, 4, 1), (6, 1, 3),
    ],
)  # fmt: skip
def test_what_algebra_gives_is_even_and_nobody_meets_twice(groups: int, size: int, rounds: int) -> None:
    answer = golfers.schedule(groups, size, rounds, seconds=0)

    assert answer.repeats == meetings.repeats(answer.rounds) == 0
    assert answer.rounds.shape == (rounds, groups * size)
    assert {tuple(np.bincount(row, minlength=groups)) for row in answer.rounds} == {(size,) * groups}


@pytest.mark.parametrize("groups", [3, *range(5, 19)])
def test_threes_meet_as_often_as_counting_allows(groups: int) -> None:
    """Kirkman triple systems, and nearly Kirkman ones, which 12 people have not."""
    rounds = (groups * 3 - 1) // 2

    assert golfers.schedule(groups, 3, rounds, seconds=0).repeats == 0


@pytest.mark.parametrize("groups", [4, *range(6, 12)])
def test_fours_meet_as_often_as_counting_allows(groups: int) -> None:
    """Resolvable designs with fours, with a pair or a three of people left who never meet; 20 people have none."""
    rounds = (groups * 4 - 1) // 3

    assert golfers.schedule(groups, 4, rounds, seconds=0).repeats == 0


@settings(max_examples=60, deadline=None)
@given(rounds=st.lists(st.lists(st.integers(0, 4), min_size=9, max_size=9), min_size=1, max_size=6))
def test_every_meeting_after_the_first_is_a_repeat_whatever_the_sizes(rounds: list[list[int]]) -> None:
    met = Counter(pair for row in rounds for pair in combinations(range(9), 2) if row[pair[0]] == row[pair[1]])

    assert meetings.repeats(np.array(rounds)) == sum(times - 1 for times in met.values())


def test_where_algebra_has_no_answer_the_search_keeps_sizes_and_counts_repeats() -> None:
    answer = golfers.schedule(6, 4, 7, seconds=None, evaluations=30_000, seed=2)

    assert answer.repeats == meetings.repeats(answer.rounds)
    assert {tuple(np.bincount(row, minlength=6)) for row in answer.rounds} == {(4,) * 6}
