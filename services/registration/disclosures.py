"""Everything the four services hold about a person, in one copy that the person reads and takes away.

Each service tells what it holds; the copy is kept a week, for the person alone, and goes when they are erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.chassis.outbox import publish
from services.registration import telling, waiting_list
from services.registration.asking import answers
from services.registration.asking.questions import of
from services.registration.events import DisclosureAsked
from services.registration.models import (
    Deed,
    Disclosure,
    Gathering,
    Invitation,
    Participant,
    State,
    Story,
    Topic,
)

KEPT = timedelta(days=7)
SERVICES = ("registration", "grouping", "feedback", "notifications")
# What is held, as (what it is, rows of field and value).
Holdings = list[dict[str, Any]]


def ask(session: Session, participant_id: UUID, *, now: datetime) -> None:
    """Begin a new copy: this service tells what it holds at once, the others as soon as they hear of it.

    Raises NotFound (also for somebody who was erased).
    """
    participant = session.get(Participant, participant_id, with_for_update=True)
    if participant is None or participant.state == State.erased:
        raise NotFound("There is no such place.")
    for row in (participant, *waiting_list.joined(session, participant_id)):
        session.execute(delete(Disclosure).where(Disclosure.participant_id == row.id))
        about = {"participant_id": row.id, "gathering_id": row.gathering_id, "asked_at": now}
        publish(session, DisclosureAsked, about=about, now=now)
        keep(session, row.id, "registration", _held(session, row), now=now)
    gathering_id = participant.gathering_id
    telling.note(session, "copy asked", participant_id, gathering_id=gathering_id, by=None, now=now)


def keep(session: Session, participant_id: UUID, service: str, holdings: Holdings, *, now: datetime) -> None:
    """Keep what a service holds, for the person to read; the newest copy counts. Nothing is kept of the erased."""
    participant = session.get(Participant, participant_id)
    if participant is None or participant.state == State.erased:
        return
    copy = session.get(Disclosure, (participant_id, service))
    if copy is None:
        copy = Disclosure(participant_id=participant_id, service=service)
        session.add(copy)
    copy.holdings, copy.told_at = holdings, now
    session.flush()


def of_person(session: Session, participant_id: UUID) -> dict[str, Disclosure | None]:
    """What each service has told so far; None for those that have not, and for all when no copy was asked for."""
    rows = [participant_id, *(one.id for one in waiting_list.joined(session, participant_id))]
    mine = select(Disclosure).where(Disclosure.participant_id.in_(rows))
    told = {(one.participant_id, one.service): one for one in session.scalars(mine)}
    return {name: _together([told.get((row, name)) for row in rows]) for name in SERVICES}


def _together(parts: Sequence[Disclosure | None]) -> Disclosure | None:
    """One copy of what a service told of somebody's rows; None until it has told of all of them."""
    told = [one for one in parts if one is not None]
    if len(told) < len(parts):
        return None
    rows: dict[str, list[Any]] = {}
    for one in told:
        for held in one.holdings:
            rows.setdefault(held["what"], []).extend(held["rows"])
    first = told[0]
    holdings = [{"what": what, "rows": several} for what, several in rows.items()]
    return Disclosure(
        participant_id=first.participant_id,
        service=first.service,
        holdings=holdings,
        told_at=max(one.told_at for one in told),
    )


def forget(session: Session, now: datetime) -> int:
    """Drop copies older than a week; return how many parts went."""
    old = delete(Disclosure).where(Disclosure.told_at < now - KEPT).returning(Disclosure.service)
    return len(session.execute(old).all())


def _held(session: Session, participant: Participant) -> Holdings:
    gathering = session.get_one(Gathering, participant.gathering_id)
    mine = {
        name: getattr(participant, name)
        for name in (
            "given",
            "family",
            "email",
            "territory",
            "trade",
            "structure",
            "language",
            "state",
            "walk_in",
        )
    }
    hours = ("asked_at", "registered_at", "cancelled_at", "still_comes_at", "checked_in_at")
    mine |= {name: _hour(getattr(participant, name)) for name in hours if getattr(participant, name)}
    return [
        {"what": "person", "rows": [mine]},
        {"what": "answers", "rows": _answers(gathering, participant)},
        {"what": "invitations", "rows": _invitations(session, participant)},
        {
            "what": "stories",
            "rows": [
                {"title": one.title, "state": one.state, "proposed_at": _hour(one.proposed_at)}
                for one in session.scalars(select(Story).where(Story.participant_id == participant.id))
            ],
        },
        {
            "what": "topics",
            "rows": [
                {
                    "question": one.question,
                    "plan": one.plan,
                    "state": one.state,
                    "proposed_at": _hour(one.proposed_at),
                }
                for one in session.scalars(select(Topic).where(Topic.participant_id == participant.id))
            ],
        },
        {
            "what": "deeds",
            "rows": [
                {"at": _hour(one.at), "deed": one.deed}
                for one in session.scalars(select(Deed).where(Deed.about == participant.id).order_by(Deed.at))
            ],
        },
    ]


def _answers(gathering: Gathering, participant: Participant) -> Sequence[dict[str, Any]]:
    language = participant.language
    return [
        {
            "question": answers.in_words(one.asked_as(participant.answers[one.key]["version"]), language),
            "answer": answers.words(one, participant.answers[one.key]["said"], language),
        }
        for one in of(gathering.questions)
        if one.key in participant.answers
    ]


def _invitations(session: Session, participant: Participant) -> Sequence[dict[str, Any]]:
    same = (Invitation.email == participant.email) & (Invitation.name_key == participant.name_key)
    here = select(Invitation).where(Invitation.gathering_id == participant.gathering_id, same)
    names = ("given", "family", "email", "territory", "trade", "structure")
    return [
        {**{name: getattr(one, name) for name in names}, "invited_at": _hour(one.invited_at)}
        for one in session.scalars(here)
    ]


def _hour(at: datetime) -> str:
    return at.isoformat()
