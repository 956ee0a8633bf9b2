"""The judge is judged: what was lost, repeated or moved on purpose is found, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.history import Verdict, compare


@dataclass(frozen=True)
class Fact:
    event_id: str
    subject: str
    version: int


SUBJECTS = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def history(lengths: Sequence[int]) -> list[Fact]:
    """Facts about several subjects, one after the other in each."""
    return [
        Fact(f"{subject}x{version}", f"s{subject}", version)
        for subject, length in enumerate(lengths)
        for version in range(1, length + 1)
    ]


def judged(told: Sequence[Fact], applied: Sequence[Fact]) -> tuple[int, int, int]:
    found = Verdict()
    compare("here to there", {fact.event_id: fact for fact in told}, applied, found)
    return found.lost, found.twice, found.disorder


@given(lengths=SUBJECTS, data=st.data())
def test_what_is_applied_once_and_in_order_is_right_whatever_comes_between(lengths, data):
    told = history(lengths)
    turns = data.draw(st.permutations([fact.subject for fact in told]))
    waiting = {subject: [fact for fact in told if fact.subject == subject] for subject in turns}

    assert judged(told, [waiting[subject].pop(0) for subject in turns]) == (0, 0, 0)


@given(lengths=SUBJECTS, data=st.data())
def test_a_fact_that_was_never_applied_is_lost(lengths, data):
    told = history(lengths)
    last = data.draw(st.sampled_from([fact for fact in told if fact.version == lengths[int(fact.subject[1:])]]))

    assert judged(told, [fact for fact in told if fact != last]) == (1, 0, 0)


@given(lengths=SUBJECTS, data=st.data())
def test_a_fact_that_was_applied_again_is_twice(lengths, data):
    told = history(lengths)
    again = data.draw(st.sampled_from(told))

    assert judged(told, [*told, again]) == (0, 1, 0)


def test_a_fact_that_was_applied_before_its_elder_is_out_of_order():
    first, second, third = history([3])

    assert judged([first, second, third], [first, third, second]) == (0, 0, 2)


def test_a_fact_that_nobody_told_counts_as_twice():
    assert judged(history([1]), [*history([1]), Fact("stranger", "s9", 1)]) == (0, 1, 0)
