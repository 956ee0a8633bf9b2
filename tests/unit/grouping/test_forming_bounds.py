from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.grouping.forming import bounds, formation, instances
from services.grouping.forming.figures import figures, pairs_of_each, same_value_pairs
from services.grouping.forming.instances import Instance
from tests.unit.grouping.forming_cast import a_day


@st.composite
def small_rounds(draw: st.DrawFn) -> dict[str, Any]:
    n, groups = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    group = st.integers(0, groups - 1)
    return {
        "n": n,
        "G": groups,
        "attrs": [[draw(st.integers(0, 2)), draw(st.integers(0, 1))] for _ in range(n)],
        "pref": [[draw(st.integers(-1, groups - 1)) for _ in range(2)] for _ in range(n)],
        "bringers": draw(st.lists(st.integers(0, n - 1), unique=True, max_size=min(groups, n))),
        "history": [
            [draw(st.integers(-1, groups - 1)) for _ in range(n)] for _ in range(draw(st.integers(0, 2)))
        ],
        "keep_together": [[0, n - 1]] if n > 1 and draw(st.booleans()) else [],
        "locked": [
            [person, draw(group)] for person in draw(st.lists(st.integers(0, n - 1), unique=True, max_size=1))
        ],
    }


def least_cost(instance: Instance) -> int | None:
    """Over every way to seat them that keeps the hard rules; None when there is none."""
    ways = (figures(instance, np.array(way)) for way in product(range(instance.G), repeat=instance.n))
    return min((found.cost for found in ways if not found.broken), default=None)


@settings(max_examples=120, deadline=None)
@given(asked=small_rounds())
def test_no_round_costs_less_than_the_bound(asked: dict[str, Any]) -> None:
    instance = instances.read(asked)

    least = least_cost(instance)

    assert least is None or bounds.cost_bound(instance) <= least


@settings(max_examples=60, deadline=None)
@given(asked=small_rounds())
def test_the_bound_is_the_least_cost_where_only_wishes_and_one_attribute_count(asked: dict[str, Any]) -> None:
    groups = 2
    asked |= {"n": 6, "G": groups, "bringers": [], "history": [], "locked": [], "keep_together": []}
    asked["attrs"] = [[k % 3 if k < 4 else 0] for k in range(6)]
    asked["pref"] = [[min(wish, 1) for wish in row] for row in (asked["pref"] * 6)[:6]]
    instance = instances.read(asked)

    assert bounds.cost_bound(instance) == least_cost(instance)


def test_rules_that_nobody_can_keep_have_a_bound_too() -> None:
    torn = a_day(60, 6, rounds=0) | {"keep_together": [[0, 1]], "locked": [[0, 0], [1, 1]], "bringers": []}
    instance = instances.read(torn)

    assert bounds.cost_bound(instance) == -bounds.wish_bound(instance)


def test_on_the_day_the_bound_sees_all_attributes_at_once() -> None:
    instance = instances.read(a_day())
    one = [replace(instance, attrs=instance.attrs[:, [k]]) for k in range(3)]

    assert bounds.cost_bound(instance) > max(bounds.cost_bound(day) for day in one)


def test_too_many_people_for_the_exact_bound_have_one_that_holds() -> None:
    instance = instances.read(a_day(500, 100))

    answer = formation.form(instance, seconds=0)

    assert instance.n * instance.G > bounds.LARGE
    assert answer.bound <= answer.figures.cost


def test_on_the_day_the_bound_is_nearer_than_counting_wishes() -> None:
    instance = instances.read(a_day())

    assert bounds.cost_bound(instance) > -bounds.wish_bound(instance)


@given(
    arrays(np.int64, st.tuples(st.integers(0, 4), st.integers(0, 9)), elements=st.integers(-1, 3)), st.data()
)
def test_several_answers_counted_at_once_are_counted_as_each_alone(seatings: Any, data: st.DataObject) -> None:
    values = data.draw(arrays(np.int64, seatings.shape[1], elements=st.integers(-1, 3)))

    assert pairs_of_each(seatings, values).tolist() == [same_value_pairs(groups, values) for groups in seatings]
