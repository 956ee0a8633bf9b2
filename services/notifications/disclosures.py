"""Everything this service holds about a person, told to them when they ask."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from services.chassis.outbox import publish
from services.notifications import refusals
from services.notifications.events import PersonDisclosed
from services.notifications.models import Letter, Person, Plan, Suppression


def tell(session: Session, participant_id: UUID, gathering_id: UUID, *, now: datetime) -> None:
    """Tell somebody what is held about them here."""
    about = {
        "participant_id": participant_id,
        "gathering_id": gathering_id,
        "holdings": held(session, participant_id),
        "told_at": now,
    }
    publish(session, PersonDisclosed, about=about, now=now)


def held(session: Session, participant_id: UUID) -> list[dict[str, Any]]:
    """Whom we write to, every letter with its text, and each attempt to deliver it with the server's words."""
    person = session.get(Person, participant_id)
    names = ("given", "family", "email", "language", "standing")
    letters = session.scalars(
        select(Letter)
        .where(Letter.participant_id == participant_id)
        .order_by(Letter.created_at)
        .options(selectinload(Letter.deliveries))
    ).all()
    on_list: Sequence[Suppression] = ()
    if person is not None and person.email:
        mine = select(Suppression).where(Suppression.email == person.email.lower())
        on_list = session.scalars(mine.order_by(Suppression.since)).all()
    answers = [refusals.of(session, one) for one in letters if one.is_solicitation and one.email]
    refused = {(row.email, row.name): row for row in answers if row is not None}
    return [
        {"what": "person", "rows": [{name: getattr(person, name) for name in names}] if person else []},
        {
            "what": "plans",
            "rows": [
                {"plan": plan}
                for plan in session.scalars(
                    select(Plan.plan).where(Plan.participant_id == participant_id, Plan.plan != "")
                )
            ],
        },
        {
            "what": "letters",
            "rows": [
                {
                    "at": (one.sent_at or one.created_at).isoformat(),
                    "state": one.state,
                    "email": one.email,
                    "subject": one.subject,
                    "text": one.text,
                }
                for one in letters
            ],
        },
        {
            "what": "deliveries",
            "rows": [
                {
                    "at": tried.at.isoformat(),
                    "subject": one.subject,
                    "outcome": tried.outcome,
                    "reply": tried.reply,
                }
                for one in letters
                for tried in one.deliveries
            ],
        },
        {
            "what": "suppressions",
            "rows": [
                {
                    "at": row.since.isoformat(),
                    "email": row.email,
                    "said": row.said,
                    "released_at": row.released_at.isoformat() if row.released_at else "",
                    "released_why": row.released_why,
                }
                for row in on_list
            ],
        },
        {
            "what": "refusals",
            "rows": [{"at": row.since.isoformat(), "email": row.email} for row in refused.values()],
        },
    ]
