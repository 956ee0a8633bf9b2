"""How good a plan can be at all: asked when it is kept, worked out in the background, shown beside it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.settings import Settings
from services.grouping.forming import instances, proofs, seating
from services.grouping.models import Plan, Proof

log = structlog.get_logger()

SECONDS = 20.0
# Whoever looks at one plan after another has each at once: what is left aside within that time is never proved.
REST = timedelta(seconds=3)
# A claim outlives the search, the start of its process and a slow machine.
CLAIM = timedelta(seconds=120)
TRIES = 3

_one_at_a_time = threading.Lock()


def ask(session: Session, plan: Plan, question: dict[str, Any] | None, *, now: datetime) -> None:
    """Wonder how good a plan can be, where something here can tell."""
    if question is not None and proofs.IS_HERE:
        session.add(Proof(plan_id=plan.id, question=question, claimed_until=now))


def find(session: Session, now: datetime) -> list[list[str]]:
    """Claim the newest question that nobody works on, when nothing is worked on; a plan rests first."""
    if not proofs.IS_HERE:
        return []
    mine = (
        select(Proof)
        .join(Plan, Plan.id == Proof.plan_id)
        .where(Proof.found.is_(None), Proof.tries < TRIES, Plan.made_at <= now - REST)
        .order_by(Proof.claimed_until.desc())
    )
    waiting = session.scalars(mine.with_for_update(of=Proof, skip_locked=True)).all()
    if not waiting or any(proof.claimed_until > now for proof in waiting):
        return []
    newest = waiting[0]
    newest.claimed_until, newest.tries = now + CLAIM, newest.tries + 1
    return [[str(newest.plan_id)]]


def begin(database: Database, settings: Settings, plan_id: str) -> None:
    """The Celery task `grouping.prove`: it begins and returns, so that facts are heard meanwhile."""
    threading.Thread(target=_in_turn, args=(database, UUID(plan_id)), daemon=True).start()


def prove(database: Database, plan_id: UUID) -> None:
    """Answer the question of one plan. The search runs in a process of its own; nothing is held meanwhile."""
    with database.reading() as session:
        waiting = session.get(Proof, plan_id)
        question = waiting.question if waiting is not None and waiting.found is None else None
    if not question:
        return

    def waits() -> bool:
        with database.reading() as session:
            return session.get(Proof, plan_id) is not None

    try:
        found = _found(question, waits)
    except proofs.NobodyWaits:
        return
    with database.transaction() as session:
        proof = session.get(Proof, plan_id, with_for_update=True)
        if proof is not None:
            # The private rules are in the question; nobody needs them any more.
            proof.found, proof.question = found, {}
    log.info("plan_proved", plan=str(plan_id), proved=found["proved"], at=datetime.now(UTC).isoformat())


def of(session: Session, plan: Plan | None) -> dict[str, Any] | None:
    """What is known of a plan: `what` (moves or cost), `value`, `bound`, `proved`; None while nothing is."""
    proof = session.get(Proof, plan.id) if plan is not None else None
    return proof.found if proof is not None else None


def _in_turn(database: Database, plan_id: UUID) -> None:
    with _one_at_a_time:
        try:
            prove(database, plan_id)
        except (
            Exception
        ) as error:  # whatever it was: the claim ends, and the question is asked again or given up
            log.error("proof_broke", plan=str(plan_id), error=type(error).__name__)


def _found(question: dict[str, Any], waits: proofs.Waits) -> dict[str, Any]:
    instance = instances.read(question["instance"], absent=True)
    hint, value = np.array(question["groups"], np.int64), int(question["value"])
    what = "moves" if question.get("plan") is not None else "cost"
    try:
        if what == "moves":
            plan = np.array(question["plan"], np.int64)
            policy = question["policy"]
            proof = proofs.fewest_moves(instance, plan, policy=policy, seconds=SECONDS, hint=hint, waits=waits)
        else:
            proof = proofs.lowest_cost(instance, seconds=SECONDS, hint=hint, waits=waits)
    except seating.Undecided:
        return {"what": what, "value": value, "bound": None, "proved": False}
    return {"what": what, "value": value, "bound": proof.bound, "proved": value <= proof.bound}
