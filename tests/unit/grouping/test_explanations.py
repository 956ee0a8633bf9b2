from __future__ import annotations

import inspect
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from services.grouping import explanations
from services.grouping.explanations import Fairness, Mix, Seated, fairness, mix, move_reason, reasons


def ada(territory: str = "A", trade: str = "direction", structure: str = "La Fabrique") -> Seated:
    return Seated(uuid4(), territory, trade, structure)


def test_reasons_come_strongest_first() -> None:
    me, bo, cy = ada(), ada("B", structure="Les Ateliers"), ada("C", "coordination", "L'Escale")

    codes = reasons(me, [me, bo, cy], role="carrier", wish=1, met={bo.participant_id}, earlier_rounds=True)

    assert codes == ["carrier", "wish:1", "alone_of_structure", "territories:3", "trades:2", "new_people:1"]


def test_a_colleague_under_another_spelling_is_a_colleague() -> None:
    me, bo = ada(), ada(structure="la  fabrique")

    assert reasons(me, [me, bo], role="member", wish=None) == []
    assert mix([me, bo]) == Mix(size=2, territories=1, trades=1, structures=1, colleagues=2)


def test_no_explanation_can_know_of_private_rules() -> None:
    taken = {
        name: set(inspect.signature(rule).parameters)
        for name, rule in inspect.getmembers(explanations, inspect.isfunction)
    }

    assert not any({"link", "links", "together", "apart", "rules"} & names for names in taken.values())


def test_a_move_tells_the_size_before_the_mix() -> None:
    assert move_reason(had_seat=False, left=0, joined=9, least=10, most=11) == "new_seat"
    assert move_reason(had_seat=True, left=11, joined=9, least=10, most=11, wish=1) == "table_too_small:9"
    assert move_reason(had_seat=True, left=12, joined=10, least=10, most=11, wish=1) == "table_too_large:12"
    assert (
        move_reason(had_seat=True, left=11, joined=10, least=10, most=11, brings="territory:F")
        == "brings_territory:F"
    )
    assert move_reason(had_seat=True, left=11, joined=10, least=10, most=11) == "evened_mix"


@given(
    groups=st.dictionaries(st.uuids(), st.integers(1, 4)),
    wishes=st.lists(st.lists(st.integers(1, 4), unique=True, max_size=3)),
)
def test_everyone_is_counted_once_in_the_fairness_summary(
    groups: dict[UUID, int], wishes: list[list[int]]
) -> None:
    told = fairness(groups, dict(zip(groups, wishes, strict=False)))

    assert told.people == len(groups)
    assert min(told.first, told.second, told.third, told.none, told.silent) >= 0


def test_fairness_counts_wishes_by_rank() -> None:
    a, b, c, d = (uuid4() for _ in range(4))

    assert fairness({a: 1, b: 1, c: 1, d: 1}, {a: [1, 2], b: [2, 1], c: [3, 4, 2]}) == Fairness(1, 1, 0, 1, 1)
