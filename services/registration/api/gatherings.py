"""Gatherings for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from services.chassis import i18n
from services.chassis.doors import Doors, unless_changed
from services.chassis.errors import SignInNeeded
from services.chassis.shapes import PageQuery, page, page_of
from services.chassis.web import now, reading, transacted
from services.registration import gatherings, participants, sign_ins, teams
from services.registration.api.doors import links, may, organiser_id
from services.registration.models import Gathering
from services.registration.schemas.gatherings import FiguresView, GatheringChange, GatheringView, NewGathering
from services.registration.schemas.people import AnotherDay
from services.registration.schemas.sign_ins import MemberView, NewOrganiser

api = Doors("gatherings", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.get("")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, page_of(GatheringView))
def listed(session: Session, wanted: dict[str, Any]) -> dict[str, Any]:
    """The gatherings you may act on."""
    return page(gatherings.of_organiser(session, organiser_id()), **wanted)


@api.post("")
@api.arguments(NewGathering)
@transacted
@api.response(201, GatheringView)
def create(session: Session, wanted: dict[str, Any]) -> Gathering:
    """Make a gathering; it begins as a draft."""
    owner = sign_ins.organiser(session, organiser_id())
    if owner is None:
        raise SignInNeeded("Sign in to open this page.")
    return gatherings.create(session, by=owner, links=links(), now=now(), **wanted)


@api.get("/<uuid:gathering_id>")
@reading
@api.response(200, GatheringView)
def shown(session: Session, gathering_id: UUID) -> Gathering:
    """One gathering."""
    may(session, gathering_id)
    return gatherings.by_id(session, gathering_id)


@api.patch("/<uuid:gathering_id>")
@api.arguments(GatheringChange(partial=True))
@transacted
@unless_changed(shown)
@api.response(200, GatheringView)
def change(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Gathering:
    """Describe a gathering anew, unless somebody else did since the `version` you read, or the `ETag` in `If-Match`.

    With `If-Match`, the answer to a conflict is 412; without, 409.
    """
    by = may(session, gathering_id)
    if "If-Match" in request.headers:
        wanted = {**wanted, "version": gatherings.by_id(session, gathering_id).version}
    about = {"version": 0, **wanted}
    return gatherings.change(session, gathering_id, by=by, links=links(), now=now(), **about)


@api.post("/<uuid:gathering_id>/open")
@transacted
@api.response(200, GatheringView)
def open_door(session: Session, gathering_id: UUID) -> Gathering:
    """Let people register."""
    by = may(session, gathering_id)
    return gatherings.open_door(session, gathering_id, by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/close")
@transacted
@api.response(200, GatheringView)
def close_door(session: Session, gathering_id: UUID) -> Gathering:
    """Take no more registrations."""
    by = may(session, gathering_id)
    return gatherings.close_door(session, gathering_id, by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/cancel")
@transacted
@api.response(200, GatheringView)
def call_off(session: Session, gathering_id: UUID) -> Gathering:
    """Cancel the whole gathering, for good."""
    by = may(session, gathering_id, "owner")
    return gatherings.call_off(session, gathering_id, by=by, links=links(), now=now())


@api.post("/<uuid:gathering_id>/clone")
@api.arguments(AnotherDay)
@transacted
@api.response(201, GatheringView)
def clone(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Gathering:
    """Make a gathering like this one on another day, without its people; it begins as a draft."""
    owner = sign_ins.organiser(session, may(session, gathering_id))
    if owner is None:
        raise SignInNeeded("Sign in to open this page.")
    return gatherings.again(session, gathering_id, by=owner, links=links(), now=now(), **wanted)


@api.get("/<uuid:gathering_id>/team")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, page_of(MemberView))
def team(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Who may act on this gathering, and as what."""
    may(session, gathering_id)
    return page(teams.members(session, gathering_id), **wanted)


@api.post("/<uuid:gathering_id>/team")
@api.arguments(NewOrganiser)
@transacted
@api.response(201, MemberView)
def invite(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Any:
    """Ask somebody to help; they receive a link to come in."""
    by = may(session, gathering_id, "owner")
    gathering = gatherings.by_id(session, gathering_id)
    teams.invite(session, gathering, **wanted, language=i18n.language(), links=links(), by=by, now=now())
    email, role = wanted["email"], wanted["role"]
    return next(one for one in teams.members(session, gathering_id) if (one.email, one.role) == (email, role))


@api.delete("/<uuid:gathering_id>/team/<uuid:role_id>")
@transacted
@api.response(204)
def revoke(session: Session, gathering_id: UUID, role_id: UUID) -> None:
    """Take a role back; the owner's stays."""
    by = may(session, gathering_id, "owner")
    teams.revoke(session, gathering_id, role_id, by=by, now=now())


@api.get("/<uuid:gathering_id>/figures")
@reading
@api.response(200, FiguresView)
def figures(session: Session, gathering_id: UUID) -> dict[str, Any]:
    """Seats, and people by state."""
    may(session, gathering_id)
    gathering = gatherings.by_id(session, gathering_id)
    view = participants.overview(session, gathering)
    return {
        "seats": gathering.seats,
        "taken": view.room.taken,
        "states": view.states,
        "held": view.room.held,
        "invited": view.invited,
        "stories": view.stories,
        "topics": view.topics,
    }
