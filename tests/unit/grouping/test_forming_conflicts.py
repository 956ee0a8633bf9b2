"""What cannot be kept at once, against every seating there is."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grouping.forming import formation, instances, seating

Rules = Iterable[seating.Rule]


@st.composite
def crowded(draw: st.DrawFn) -> dict[str, Any]:
    """So many rules among so few people that often they cannot all be kept."""
    n, groups = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    person = st.integers(0, n - 1)
    pair = st.tuples(person, person).filter(lambda p: p[0] != p[1]).map(sorted)
    apart = draw(st.lists(pair, max_size=8, unique_by=tuple))
    together = [p for p in draw(st.lists(pair, max_size=4, unique_by=tuple)) if p not in apart]
    locked = draw(st.dictionaries(person, st.integers(0, groups - 1), max_size=4))
    return {
        "n": n,
        "G": groups,
        "attrs": [[0]] * n,
        "bringers": draw(st.lists(person, unique=True, max_size=min(n, groups))),
        "keep_apart": apart,
        "keep_together": together,
        "locked": [list(pair) for pair in locked.items()],
    }


def can_be_kept(n: int, groups: int, rules: Rules) -> bool:
    """By trying every seating of even sizes."""
    kept = {
        "apart": lambda seats, one, other: seats[one] != seats[other],
        "together": lambda seats, one, other: seats[one] == seats[other],
        "locked": lambda seats, person, group: seats[person] == group,
        "carrier": lambda seats, person, group: seats[person] == group,
    }
    rules = tuple(rules)
    sizes = {n // groups, -(-n // groups)}
    return any(
        all(seats.count(group) in sizes for group in range(groups))
        and all(kept[kind](seats, one, other) for kind, one, other in rules)
        for seats in product(range(groups), repeat=n)
    )


def rules_of(asked: dict[str, Any]) -> list[seating.Rule]:
    return [
        *(("apart", a, b) for a, b in asked["keep_apart"]),
        *(("together", a, b) for a, b in asked["keep_together"]),
        *(("locked", p, g) for p, g in asked["locked"]),
        *(("carrier", p, g) for g, p in enumerate(asked["bringers"])),
    ]


@settings(max_examples=400, deadline=None)
@given(asked=crowded())
def test_a_round_is_refused_when_no_seating_keeps_its_rules_and_only_then(asked: dict[str, Any]) -> None:
    possible = can_be_kept(asked["n"], asked["G"], rules_of(asked))

    if possible:
        assert formation.form(instances.read(asked), evaluations=50, seconds=None).figures.broken == 0
    else:
        with pytest.raises(seating.Impossible):
            formation.form(instances.read(asked), evaluations=50, seconds=None)


@settings(max_examples=400, deadline=None)
@given(asked=crowded())
def test_a_conflict_is_one_and_is_none_without_any_of_its_rules(asked: dict[str, Any]) -> None:
    n, groups = asked["n"], asked["G"]
    try:
        formation.form(instances.read(asked), evaluations=50, seconds=None)
    except seating.Impossible as refusal:
        rules = refusal.rules
        assert set(rules) <= set(rules_of(asked))
        assert not can_be_kept(n, groups, rules)
        assert all(can_be_kept(n, groups, [other for other in rules if other != rule]) for rule in rules)


def test_a_rule_said_twice_is_named_once() -> None:
    asked = {"n": 2, "G": 1, "attrs": [[0], [0]], "keep_apart": [[0, 1], [1, 0], [0, 1]]}

    with pytest.raises(seating.Impossible) as refusal:
        formation.form(instances.read(asked))

    assert len(refusal.value.rules) == 1


def test_a_conflict_among_thousands_of_rules_is_found_by_halving() -> None:
    n = 3000
    asked = {
        "n": n,
        "G": 300,
        "attrs": [[0]] * n,
        "keep_apart": [[k, k + 1] for k in range(0, n - 10, 2)],
        "keep_together": [[2990, 2991], [2991, 2992]],
        "locked": [[2990, 7], [2992, 8]],
    }

    with pytest.raises(seating.Impossible) as refusal:
        formation.form(instances.read(asked))

    assert set(refusal.value.rules) == {
        ("together", 2990, 2991), ("together", 2991, 2992), ("locked", 2990, 7), ("locked", 2992, 8),
    }  # fmt: skip
