"""What organisers have to do before the day, and who of the invited has not answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from services.registration import names
from services.registration.models import HOLDING, Gathering, Invitation, Participant, State

# How many days before the gathering each step is due, in their order.
STEPS: tuple[tuple[str, int], ...] = (
    ("invite", 45), ("nudge", 21), ("stories", 21), ("topics", 14), ("groups", 7), ("roll", 1),
)  # fmt: skip
# Done in another service, so never called late here.
_ELSEWHERE = {"groups"}
_COORDINATES = ("coordination", "coordinator", "coordinateur", "coordinatrice")


@dataclass(frozen=True)
class Step:
    """One thing to do by `due`; `is_late` when that day has gone by and it is not done."""

    name: str
    due: date
    is_done: bool
    is_late: bool


@dataclass(frozen=True)
class Silence:
    """How many people of a territory were invited, how many of them said nothing, and who coordinates it."""

    territory: str
    invited: int
    silent: int
    coordinators: Sequence[Participant]


def steps(gathering: Gathering, *, today: date, done: set[str]) -> list[Step]:
    """What is to be done, counted back from the day in the gathering's zone; `done` names what is."""
    day = gathering.starts_at.astimezone(ZoneInfo(gathering.zone)).date()
    found = []
    for name, before in STEPS:
        due = day - timedelta(days=before)
        found.append(Step(name, due, name in done, due < today and name not in done and name not in _ELSEWHERE))
    return found


def silence(session: Session, gathering_id: UUID) -> list[Silence]:
    """By territory, the most silent first; people who registered under their name and address have answered."""
    came = and_(
        Participant.gathering_id == Invitation.gathering_id,
        Participant.email == Invitation.email,
        Participant.name_key == Invitation.name_key,
    )
    is_silent = and_(Invitation.answered_at.is_(None), Participant.id.is_(None))
    rows = session.execute(
        select(Invitation.territory, func.count(), func.count().filter(is_silent))
        .outerjoin(Participant, came)
        .where(Invitation.gathering_id == gathering_id)
        .group_by(Invitation.territory)
    ).all()
    coordinators = _coordinators(session, gathering_id)
    found = [Silence(letter, invited, silent, coordinators.get(letter, ())) for letter, invited, silent in rows]
    return sorted(found, key=lambda one: (-one.silent, one.territory))


def _coordinators(session: Session, gathering_id: UUID) -> dict[str, list[Participant]]:
    """Who comes and coordinates a territory, by its letter: their trade says so."""
    here = (Participant.gathering_id == gathering_id, Participant.state.in_((*HOLDING, State.waiting)))
    found: dict[str, list[Participant]] = {}
    for one in session.scalars(
        select(Participant).where(*here, Participant.trade != "", Participant.email != "")
    ):
        if any(word in names.fold(one.trade) for word in _COORDINATES):
            found.setdefault(one.territory, []).append(one)
    return found
