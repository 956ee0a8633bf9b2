"""How good a plan can be at all, worked out beside it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from services.grouping import proving, questions, rounds
from services.grouping.forming import formation, proofs
from services.grouping.models import Plan, Proof, Round
from tests.unit.grouping.conftest import GATHERING, NOON, ORGANISER, Browser, Day

BOARD = "/g/chemins-croises/temps/1"
needs_or_tools = pytest.mark.skipif(not proofs.IS_HERE, reason="OR-Tools is not installed here")


@pytest.fixture
def draft(day: Day, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A draft of two groups of three, small enough to be proved on any machine in the time given here."""
    monkeypatch.setattr(proving, "SECONDS", 120.0)
    day.crowd(6, topics=2)
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind="topics", name="", by=ORGANISER, now=NOON)
    day.settle()
    with day.database.reading() as session:
        plan = rounds.on_the_table(session, round_.id, "draft")
        assert plan is not None
        return plan.id


def ask(day: Day, plan_id: UUID, **changed: Any) -> None:
    """Ask what plans.keep would ask of a plan that is not the best for sure."""
    with day.database.transaction() as session:
        plan = session.get_one(Plan, plan_id)
        asked = questions.put(session, session.get_one(Round, plan.round_id))
        answer = formation.form(asked.instance, seconds=None, evaluations=200_000)
        question = {
            "instance": proofs.question(asked.instance),
            "groups": answer.groups.tolist(),
            "value": proofs.weighted_cost(asked.instance, answer.figures),
        }
        for old in (session.get(Proof, plan_id),):
            if old is not None:
                session.delete(old)
        session.flush()
        proving.ask(session, plan, question | changed, now=NOON)


def proof_of(day: Day, plan_id: UUID) -> Proof:
    with day.database.reading() as session:
        return session.get_one(Proof, plan_id)


@needs_or_tools
def test_a_question_is_claimed_once_and_again_when_nobody_answers(day: Day, draft: UUID) -> None:
    ask(day, draft)

    def find(minutes: int) -> list[list[str]]:
        with day.database.transaction() as session:
            return proving.find(session, NOON + timedelta(minutes=minutes))

    assert [find(0), find(1), find(3), find(6), find(9)] == [
        [[str(draft)]],
        [],
        [[str(draft)]],
        [[str(draft)]],
        [],
    ]


@needs_or_tools
def test_a_plan_rests_before_anybody_wonders_how_good_it_is(day: Day, draft: UUID) -> None:
    ask(day, draft)

    with day.database.transaction() as session:
        session.get_one(Plan, draft).made_at = NOON
        session.flush()

        assert proving.find(session, NOON + proving.REST / 2) == []
        assert proving.find(session, NOON + proving.REST) == [[str(draft)]]


@needs_or_tools
def test_nobody_wonders_about_a_plan_that_another_one_replaced(day: Day, draft: UUID) -> None:
    ask(day, draft)

    with day.database.transaction() as session:
        round_ = session.get_one(Round, session.get_one(Plan, draft).round_id)
        rounds.ask_form(session, round_, by=ORGANISER, now=NOON)
    day.settle()

    with day.database.reading() as session:
        assert session.get_one(Plan, draft).state == "dropped"
        assert session.get(Proof, draft) is None


@needs_or_tools
def test_a_proof_that_nobody_waits_for_any_more_is_stopped(day: Day) -> None:
    day.crowd(60, topics=6)
    with day.database.transaction() as session:
        round_ = rounds.open_round(session, GATHERING, kind="topics", name="", by=ORGANISER, now=NOON)
    with day.database.reading() as session:
        asked = questions.put(session, session.get_one(Round, round_.id))

    with pytest.raises(proofs.NobodyWaits):
        proofs.lowest_cost(asked.instance, seconds=3600, waits=lambda: False)


@needs_or_tools
def test_a_plan_that_nobody_can_better_is_said_to_be_and_its_question_is_forgotten(
    day: Day, draft: UUID, browse: Callable[..., Browser]
) -> None:
    ask(day, draft)

    proving.prove(day.database, draft)

    proof = proof_of(day, draft)
    assert proof.found is not None
    assert (proof.question, proof.found) == (
        {},
        {"what": "cost", "value": proof.found["bound"], "bound": proof.found["bound"], "proved": True},
    )
    page = browse(ORGANISER).get(BOARD).get_data(as_text=True)
    assert "Aucun groupe ne peut faire mieux que ceux-ci." in page


@needs_or_tools
def test_a_dearer_plan_is_shown_beside_what_is_possible(
    day: Day, draft: UUID, browse: Callable[..., Browser]
) -> None:
    ask(day, draft, value=500)

    proving.prove(day.database, draft)

    found = proof_of(day, draft).found
    assert found is not None
    assert (found["proved"], found["value"]) == (False, 500)
    assert "ceux-ci coûtent 500" in browse(ORGANISER).get(BOARD).get_data(as_text=True)


def test_without_or_tools_nothing_is_asked_nor_looked_for(
    day: Day, draft: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "IS_HERE", False)
    before = np.zeros(0)
    with day.database.transaction() as session:
        plan = session.get_one(Plan, draft)
        was = session.get(Proof, draft)
        if was is not None:
            session.delete(was)
            session.flush()

        proving.ask(session, plan, {"groups": before.tolist()}, now=NOON)
        session.flush()

        assert session.get(Proof, draft) is None
        assert proving.find(session, NOON) == []
