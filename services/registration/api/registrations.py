"""Seats for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from services.chassis.doorkeeper import REGISTRATIONS, counted
from services.chassis.web import now, transacted
from services.registration import cancellations, participants, parties, registrations, transfers
from services.registration.api.doors import links, may
from services.registration.models import Participant
from services.registration.schemas.people import (
    AnswerView,
    AskedView,
    Heir,
    NewParty,
    NewRegistration,
    ParticipantView,
)

api = Blueprint("registrations", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.post("/<uuid:gathering_id>/registrations")
@counted(REGISTRATIONS)
@api.arguments(NewRegistration)
@transacted
@api.response(202, AnswerView)
def ask(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> registrations.Answer:
    """Ask for a seat. It is held until the address is confirmed by the letter we send; or the person waits."""
    return registrations.ask(session, gathering_id, **wanted, links=links(), now=now())


@api.post("/<uuid:gathering_id>/registrations/together")
@counted(REGISTRATIONS)
@api.arguments(NewParty)
@transacted
@api.response(202, AskedView(many=True))
def ask_together(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> list[parties.Asked]:
    """Ask for seats for several people of one structure; each is written to and confirms their own."""
    return parties.ask(session, gathering_id, **wanted, links=links(), now=now())


@api.post("/<uuid:gathering_id>/participants/<uuid:participant_id>/cancel")
@transacted
@api.response(200, ParticipantView)
def cancel(session: Session, gathering_id: UUID, participant_id: UUID) -> Participant:
    """Give somebody's seat back for them."""
    by = may(session, gathering_id)
    participants.find(session, gathering_id, participant_id)
    return cancellations.cancel(session, participant_id, by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/participants/<uuid:participant_id>/hand-over")
@api.arguments(Heir)
@transacted
@api.response(202, ParticipantView)
def hand_over(
    session: Session, wanted: dict[str, Any], gathering_id: UUID, participant_id: UUID
) -> Participant:
    """Hand somebody's seat to a colleague of theirs, who is asked to confirm it."""
    by = may(session, gathering_id)
    participants.find(session, gathering_id, participant_id)
    return transfers.hand_over(session, participant_id, **wanted, by=by, links=links(), now=now())
