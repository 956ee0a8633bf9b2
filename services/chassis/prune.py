"""What the house forgets, and when: old facts, answers nobody asks for again, what a person never decided about.

A fact that comes once more after its inbox row is gone is still known by its subject's version, so pruning never makes
anything happen twice. Versions (`told`, `seen`) are kept for good: a hundred bytes a subject and hearer. So is, of each
subject, the newest fact of each type, without its secrets: a hearer can be told it again (see memories.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from services.chassis import ledger
from services.chassis.db import delivery, drifts, inbox, once, outbox
from services.chassis.outbox import Event
from services.chassis.service import Chore, Service

KEEP_FACTS = timedelta(days=14)
KEEP_ANSWERS = timedelta(days=2)
# A dead fact holds an envelope, and so people; who has not decided by then has decided to leave it.
KEEP_DEAD = timedelta(days=60)
KEEP_DRIFTS = timedelta(days=60)
AT_ONCE = 1000


def prune(session: Session, now: datetime, events: Sequence[type[Event]] = ()) -> None:
    """Delete up to a thousand old rows of each kind; `events` are what the service tells."""
    _prune_told(session, now, events)
    _strike_secrets(session, now, events)
    _prune_heard(session, now)
    session.execute(delete(once).where(once.c.answered_at < now - KEEP_ANSWERS))
    session.execute(delete(drifts).where(drifts.c.found_at < now - KEEP_DRIFTS))


def _prune_told(session: Session, now: datetime, events: Sequence[type[Event]]) -> None:
    """Forget facts that everybody has and nobody needs to be told again."""
    newer = outbox.alias()
    is_due = exists().where(delivery.c.event_id == outbox.c.event_id, delivery.c.acked_at.is_(None))
    newer_is_due = exists().where(delivery.c.event_id == newer.c.event_id, delivery.c.acked_at.is_(None))
    is_void = exists().where(
        newer.c.subject == outbox.c.subject,
        newer.c.type == outbox.c.type,
        newer.c.sequence > outbox.c.sequence,
        ~newer_is_due,
    )
    has_hearers = exists().where(delivery.c.event_id == outbox.c.event_id)
    transient = [event.type for event in events if event.transient]
    old = (
        select(outbox.c.event_id)
        .where(outbox.c.happened_at < now - KEEP_FACTS, ~is_due)
        .where(or_(outbox.c.type.in_(transient), is_void, ~has_hearers))
        .limit(AT_ONCE)
    )
    gone = session.scalars(old).all()
    session.execute(delete(delivery).where(delivery.c.event_id.in_(gone)))
    session.execute(delete(outbox).where(outbox.c.event_id.in_(gone)))


def _strike_secrets(session: Session, now: datetime, events: Sequence[type[Event]]) -> None:
    """Take links and codes out of facts that everybody has; a fact that is told again gets new ones.

    What a transient fact carries in secret goes at once: nobody is told it again.
    """
    is_due = exists().where(delivery.c.event_id == outbox.c.event_id, delivery.c.acked_at.is_(None))
    for event in events:
        if not event.secrets:
            continue
        telling = or_(*(outbox.c.body[name].as_string() != "" for name in event.secrets))
        since = now if event.transient else now - KEEP_FACTS
        rows = session.execute(
            select(outbox.c.sequence, outbox.c.body)
            .where(outbox.c.type == event.type, outbox.c.happened_at < since, telling, ~is_due)
            .limit(AT_ONCE)
        ).all()
        for row in rows:
            struck = {**row.body, **dict.fromkeys(event.secrets, "")}
            session.execute(update(outbox).where(outbox.c.sequence == row.sequence).values(body=struck))


def _prune_heard(session: Session, now: datetime) -> None:
    old = (
        select(inbox.c.event_id)
        .where(inbox.c.status == "heard", inbox.c.heard_at < now - KEEP_FACTS)
        .limit(AT_ONCE)
    )
    session.execute(delete(inbox).where(inbox.c.event_id.in_(session.scalars(old).all())))
    dead = session.execute(
        select(inbox).where(inbox.c.status == "dead", inbox.c.heard_at < now - KEEP_DEAD).limit(AT_ONCE)
    ).all()
    for row in dead:
        # What is parked behind it is sent again by its teller, and then applied.
        ledger.lock(session, [(row.source, row.subject)])
        ledger.remember(session, {(row.source, row.subject): row.version})
        session.execute(
            update(inbox)
            .where(inbox.c.event_id == row.event_id)
            .values(status="discarded", envelope=None, error=None, heard_at=now)
        )


def chores(service: Service) -> tuple[Chore, ...]:
    """The regular forgetting of one service."""
    return (Chore("prune", 3600, lambda session, now: prune(session, now, service.events)),)
