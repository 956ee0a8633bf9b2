"""The door on the day, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import keys
from services.chassis.doors import Doors
from services.chassis.web import now, transacted
from services.registration import desk
from services.registration.api.doors import DESK, links, may
from services.registration.models import Participant
from services.registration.schemas.people import AbsencesView, NewWalkIn, ParticipantView

api = Doors("desk", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.post("/<uuid:gathering_id>/participants/<uuid:participant_id>/check-in")
@transacted
@api.response(200, ParticipantView)
def check_in(session: Session, gathering_id: UUID, participant_id: UUID) -> Participant:
    """Note that someone is here; twice is as good as once."""
    by = may(session, gathering_id, *DESK)
    return desk.check_in(session, gathering_id, participant_id, by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/walk-ins")
@api.arguments(NewWalkIn)
@transacted
@api.response(201, ParticipantView)
def walk_in(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Participant:
    """Register and check in someone who came unannounced."""
    by = may(session, gathering_id, *DESK)
    return desk.walk_in(session, gathering_id, **wanted, entry=keys.given(), by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/absences")
@transacted
@api.response(200, AbsencesView)
def note_absences(session: Session, gathering_id: UUID) -> dict[str, int]:
    """Note as absent everybody who holds a seat and is not here."""
    by = may(session, gathering_id, *DESK)
    return {"absent": desk.note_absences(session, gathering_id, by=by, now=now())}
