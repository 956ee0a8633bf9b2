"""Every seat has its place in the drawing, whatever the number."""

from __future__ import annotations

from itertools import combinations
from math import dist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import figures


@given(st.integers(0, 240))
def test_the_tree_has_one_leaf_for_each_seat_inside_its_frame(seats):
    size, leaves = figures.crown(list(range(seats)))

    assert [leaf for _, _, leaf in leaves] == list(range(seats))
    assert all(size - 1 <= x <= 401 - size and 0 < y < 282 for x, y, _ in leaves)


@pytest.mark.parametrize("seats", [2, 11, 40, 132, 240])
def test_leaves_do_not_cover_each_other(seats):
    size, leaves = figures.crown(list(range(seats)))
    spots = [(x, y) for x, y, _ in leaves]

    assert min(dist(a, b) for a, b in combinations(spots, 2)) > 1.5 * size


def test_a_large_gathering_is_thinned_evenly():
    _, leaves = figures.crown(["A"] * 500 + ["B"] * 500)

    assert [leaf for _, _, leaf in leaves] == ["A"] * 120 + ["B"] * 120
    assert figures.people_a_leaf(1000) == 5


@pytest.mark.parametrize("letter", [*"ABCDEFGH", "I", "Z", "", None, "AB"])
def test_every_territory_has_an_outline(letter):
    path = figures.outline(letter, 10, 10, 5)

    assert path.startswith("M")
    assert path.endswith("z")
    assert figures.shape_of(letter) in "ABCDEFGHZ"


@given(st.lists(st.tuples(st.sampled_from([*"ABCDEFGH", "", "<b>"]), st.booleans()), max_size=120))
def test_every_leaf_stands_in_the_page_and_every_free_one_by_itself(seats):
    page = figures.foliage(seats)

    assert page.count("M") == len(seats)
    assert page.count(' free"') == sum(not taken for _, taken in seats)
    assert "<b>" not in page
