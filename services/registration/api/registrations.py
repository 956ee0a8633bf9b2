"""Seats for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from marshmallow import fields
from sqlalchemy.orm import Session

from services.chassis.doorkeeper import REGISTRATIONS, counted
from services.chassis.doors import Doors, to_anybody
from services.chassis.shapes import PageQuery, a_page, page, page_of
from services.chassis.web import now, reading, transacted
from services.registration import (
    cancellations,
    gatherings,
    merges,
    participants,
    parties,
    registrations,
    transfers,
    waiting_list,
)
from services.registration.api.doors import DESK, links, may
from services.registration.models import Participant
from services.registration.schemas.people import (
    AnswerView,
    Heir,
    Joining,
    ListingQuery,
    NewParty,
    NewRegistration,
    ParticipantView,
    PartyView,
    WaiterView,
)

PEOPLE = page_of(ParticipantView, total=fields.Integer(required=True))

api = Doors("registrations", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.post("/<uuid:gathering_id>/registrations")
@to_anybody
@counted(REGISTRATIONS)
@api.arguments(NewRegistration)
@transacted
@api.response(202, AnswerView)
def ask(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> registrations.Answer:
    """Ask for a seat. It is held until the address is confirmed by the letter we send; or the person waits."""
    return registrations.ask(session, gathering_id, **wanted, links=links(), now=now())


@api.post("/<uuid:gathering_id>/registrations/together")
@to_anybody
@counted(REGISTRATIONS)
@api.arguments(NewParty)
@transacted
@api.response(202, PartyView)
def ask_together(
    session: Session, wanted: dict[str, Any], gathering_id: UUID
) -> dict[str, list[parties.Asked]]:
    """Ask for seats for several people of one structure; each is written to and confirms their own."""
    return {"people": parties.ask(session, gathering_id, **wanted, links=links(), now=now())}


@api.get("/<uuid:gathering_id>/participants")
@api.arguments(ListingQuery, location="query")
@reading
@api.response(200, PEOPLE)
def people(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """People, by name; `q` looks through names and structures without accents."""
    may(session, gathering_id, *DESK)
    after, limit = wanted.pop("after"), wanted.pop("limit")
    found, total = participants.part(session, gathering_id, **wanted, after=after, limit=limit + 1)
    return a_page(found, after=after, limit=limit, total=total)


@api.get("/<uuid:gathering_id>/participants/<uuid:participant_id>")
@reading
@api.response(200, ParticipantView)
def person(session: Session, gathering_id: UUID, participant_id: UUID) -> Participant:
    """One person."""
    may(session, gathering_id, *DESK)
    return participants.find(session, gathering_id, participant_id)


@api.get("/<uuid:gathering_id>/waiting-list")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, page_of(WaiterView))
def waiting(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Who waits, in their order, with true ranks and the reason of each."""
    may(session, gathering_id)
    gathering = gatherings.by_id(session, gathering_id)
    room = waiting_list.count(session, gathering).room
    return page(participants.waiters(session, gathering, room), **wanted)


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


@api.get("/<uuid:gathering_id>/participants/<uuid:participant_id>/akin")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, PEOPLE)
def akin(session: Session, wanted: dict[str, Any], gathering_id: UUID, participant_id: UUID) -> dict[str, Any]:
    """Who may be the same person: of the same name, or of the same address. Nothing is joined by itself."""
    may(session, gathering_id)
    participant = participants.find(session, gathering_id, participant_id)
    found, after = participants.akin(session, participant), wanted["after"]
    some = found[after : after + wanted["limit"] + 1]
    return a_page(some, after=after, limit=wanted["limit"], total=len(found))


@api.post("/<uuid:gathering_id>/participants/<uuid:participant_id>/join")
@api.arguments(Joining)
@transacted
@api.response(200, ParticipantView)
def join(session: Session, wanted: dict[str, Any], gathering_id: UUID, participant_id: UUID) -> Participant:
    """Join the row `goes` to this one, which keeps the better place; it can be taken back."""
    by = may(session, gathering_id)
    goes = wanted["goes"]
    return merges.merge(session, gathering_id, participant_id, goes, by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/participants/<uuid:participant_id>/part")
@transacted
@api.response(200, ParticipantView)
def part(session: Session, gathering_id: UUID, participant_id: UUID) -> Participant:
    """Take back that this row was joined to another. Whose seat has gone meanwhile waits."""
    by = may(session, gathering_id)
    return merges.part(session, gathering_id, participant_id, by=by, links=links(), now=now())
