"""A hidden count stays hidden, also from somebody who knows the rule by heart."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback.counting.cells import Run, join_scale, mean_of, veil_any_of, veil_one_of

COUNTS = st.lists(st.integers(0, 60), min_size=2, max_size=8)
MINIMA = st.integers(2, 8)


def named(counts):
    return {f"c{place}": count for place, count in enumerate(counts)}


def test_enough_answers_everywhere_are_all_shown():
    assert veil_one_of({"slow": 5, "right": 70, "fast": 12}, minimum=5) == {"slow": 5, "right": 70, "fast": 12}


def test_a_small_count_is_hidden_together_with_the_next_smallest():
    assert veil_one_of({"slow": 3, "right": 80, "fast": 7}, minimum=5) == {
        "slow": None,
        "right": 80,
        "fast": None,
    }


def test_equals_of_the_next_smallest_are_hidden_too():
    assert set(veil_one_of({"a": 4, "b": 20, "c": 20}, minimum=5).values()) == {None}


def test_under_the_minimum_nothing_is_shown():
    assert veil_one_of({"a": 4, "b": 0}, minimum=5) == {"a": None, "b": None}
    assert veil_any_of({"a": 4, "b": 0}, answers=4, minimum=5) == {"a": None, "b": None}
    assert join_scale([0, 0, 0, 2, 2], minimum=5) == []


def test_a_tick_nearly_everybody_made_is_hidden():
    assert veil_any_of({"a": 38, "b": 20, "c": 12}, answers=40, minimum=5) == {"a": None, "b": 20, "c": None}


def test_low_values_of_a_scale_are_joined_until_there_are_enough():
    assert join_scale([0, 3, 9, 30, 48], minimum=5) == [Run(1, 3, 12), Run(4, 4, 30), Run(5, 5, 48)]


def test_what_is_left_at_the_top_joins_the_run_below():
    assert join_scale([6, 7, 8, 9, 2], minimum=5) == [Run(1, 1, 6), Run(2, 2, 7), Run(3, 3, 8), Run(4, 5, 11)]


def test_no_mean_stands_beside_joined_values():
    assert mean_of([0, 5, 9, 30, 48], minimum=5) is None
    assert mean_of([5, 5, 5, 5, 5], minimum=5) == pytest.approx(3.0)


@pytest.mark.parametrize("counts", [{"a": -1, "b": 9}])
def test_a_negative_count_is_our_own_mistake(counts):
    with pytest.raises(ValueError, match="negative"):
        veil_one_of(counts, minimum=5)
    with pytest.raises(ValueError, match="negative"):
        join_scale(list(counts.values()), minimum=5)
    with pytest.raises(ValueError, match="more ticks"):
        veil_any_of({"a": 9}, answers=8, minimum=5)


@given(counts=COUNTS, minimum=MINIMA)
def test_no_shown_count_is_under_the_minimum(counts, minimum):
    shown = veil_one_of(named(counts), minimum=minimum)

    assert all(count is None or count >= minimum for count in shown.values())


@given(counts=COUNTS, minimum=MINIMA)
def test_what_is_hidden_together_never_adds_up_to_less_than_the_minimum(counts, minimum):
    shown = veil_one_of(named(counts), minimum=minimum)

    hidden = [count for key, count in named(counts).items() if shown[key] is None]
    assert hidden == [] or sum(counts) < minimum or (len(hidden) >= 2 and sum(hidden) >= minimum)


@given(counts=COUNTS, minimum=MINIMA, data=st.data())
def test_hidden_counts_could_be_dealt_out_in_any_order(counts, minimum, data):
    told = veil_one_of(named(counts), minimum=minimum)
    places = [place for place in range(len(counts)) if told[f"c{place}"] is None]
    dealt = data.draw(st.permutations([counts[place] for place in places]))

    other = list(counts)
    for place, count in zip(places, dealt, strict=True):
        other[place] = count

    assert veil_one_of(named(other), minimum=minimum) == told


@given(counts=COUNTS, more=st.integers(0, 40), minimum=MINIMA, data=st.data())
def test_hidden_ticks_could_be_dealt_out_in_any_order(counts, more, minimum, data):
    answers = max(counts) + more
    told = veil_any_of(named(counts), answers=answers, minimum=minimum)
    places = [place for place in range(len(counts)) if told[f"c{place}"] is None]
    dealt = data.draw(st.permutations([counts[place] for place in places]))

    other = list(counts)
    for place, count in zip(places, dealt, strict=True):
        other[place] = count

    assert veil_any_of(named(other), answers=answers, minimum=minimum) == told


@pytest.mark.parametrize(("cells", "minimum", "most"), [(2, 5, 14), (3, 4, 13), (3, 5, 16), (4, 3, 10)])
def test_every_hidden_count_may_be_small_or_large_for_all_a_reader_can_tell(cells, minimum, most):
    """Every possible set of answers, sorted by what the page says of it: no page gives a hidden count away."""
    told = defaultdict(list)
    for counts in product(range(most + 1), repeat=cells):
        if minimum <= sum(counts) <= most:
            shown = veil_one_of(named(counts), minimum=minimum)
            told[sum(counts), tuple(shown.values())].append(counts)

    for (_, shown), possible in told.items():
        for place, count in enumerate(shown):
            if count is None:
                values = {counts[place] for counts in possible}
                assert min(values) < minimum <= max(values), (shown, possible)


@given(counts=COUNTS, minimum=MINIMA)
def test_runs_cover_the_scale_and_each_holds_enough(counts, minimum):
    runs = join_scale(counts, minimum=minimum)

    if sum(counts) >= minimum:
        assert [value for run in runs for value in range(run.first, run.last + 1)] == list(
            range(1, len(counts) + 1)
        )
        assert sum(run.people for run in runs) == sum(counts)
    assert all(run.people >= minimum for run in runs)


@pytest.mark.parametrize(("values", "minimum", "most"), [(3, 5, 14), (4, 3, 11), (5, 2, 8)])
def test_no_run_gives_a_joined_value_away(values, minimum, most):
    told = defaultdict(list)
    for counts in product(range(most + 1), repeat=values):
        if minimum <= sum(counts) <= most:
            told[tuple(join_scale(counts, minimum=minimum))].append(counts)

    for runs, possible in told.items():
        for run in runs:
            for value in range(run.first, run.last + 1) if run.first < run.last else ():
                assert len({counts[value - 1] for counts in possible}) > 1, (runs, possible)
