"""Gatherings for programs."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import request
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from services.chassis import i18n
from services.chassis.errors import Refused, SignInNeeded
from services.chassis.web import now, reading, transacted
from services.registration import gatherings, participants, sign_ins, teams
from services.registration.api.doors import links, may, organiser_id
from services.registration.models import Gathering
from services.registration.schemas.gatherings import FiguresView, GatheringChange, GatheringView, NewGathering
from services.registration.schemas.people import AnotherDay, ListingQuery, ListingView
from services.registration.schemas.sign_ins import MemberView, NewOrganiser


class NotAsRead(Refused):
    code, status = "changed-meanwhile", HTTPStatus.PRECONDITION_FAILED


api = Blueprint("gatherings", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.get("")
@reading
@api.response(200, GatheringView(many=True))
def listed(session: Session) -> Sequence[Gathering]:
    """The gatherings you may act on."""
    return gatherings.of_organiser(session, organiser_id())


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
def shown(session: Session, gathering_id: UUID) -> tuple[Gathering, dict[str, str]]:
    """One gathering. Its `ETag` is what `If-Match` wants before it is changed."""
    may(session, gathering_id)
    return _tagged(gatherings.by_id(session, gathering_id))


@api.patch("/<uuid:gathering_id>")
@api.arguments(GatheringChange(partial=True))
@transacted
@api.response(200, GatheringView)
def change(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> tuple[Gathering, dict[str, str]]:
    """Describe a gathering anew, unless somebody else did since the `version` you read, or the `ETag` in `If-Match`.

    With `If-Match`, the answer to a conflict is 412; without, 409.
    """
    by = may(session, gathering_id)
    if "If-Match" in request.headers:
        gathering = gatherings.by_id(session, gathering_id)
        if not request.if_match.contains(_tag(gathering)):
            raise NotAsRead(
                "Somebody else has changed this gathering since you read it.", version=gathering.version
            )
        wanted = {**wanted, "version": gathering.version}
    about = {"version": 0, **wanted}
    return _tagged(gatherings.change(session, gathering_id, by=by, links=links(), now=now(), **about))


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
@reading
@api.response(200, MemberView(many=True))
def team(session: Session, gathering_id: UUID) -> Sequence[Any]:
    """Who may act on this gathering, and as what."""
    may(session, gathering_id)
    return teams.members(session, gathering_id)


@api.post("/<uuid:gathering_id>/team")
@api.arguments(NewOrganiser)
@transacted
@api.response(200, MemberView(many=True))
def invite(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Sequence[Any]:
    """Ask somebody to help; they receive a link to come in."""
    by = may(session, gathering_id, "owner")
    gathering = gatherings.by_id(session, gathering_id)
    teams.invite(session, gathering, **wanted, language=i18n.language(), links=links(), by=by, now=now())
    return teams.members(session, gathering_id)


@api.delete("/<uuid:gathering_id>/team/<uuid:role_id>")
@transacted
@api.response(204)
def revoke(session: Session, gathering_id: UUID, role_id: UUID) -> None:
    """Take a role back; the owner's stays."""
    by = may(session, gathering_id, "owner")
    teams.revoke(session, gathering_id, role_id, by=by, now=now())


@api.get("/<uuid:gathering_id>/participants")
@api.arguments(ListingQuery, location="query")
@reading
@api.response(200, ListingView)
def people(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> participants.Listing:
    """People, by name; `q` looks through names and structures without accents."""
    may(session, gathering_id, "owner", "organiser", "desk")
    return participants.listing(session, gathering_id, **wanted)


@api.get("/<uuid:gathering_id>/figures")
@reading
@api.response(200, FiguresView)
def figures(session: Session, gathering_id: UUID) -> dict[str, Any]:
    """Seats, states, and the waiting line with true ranks and reasons."""
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
        "waiting": view.waiters,
    }


def _tag(gathering: Gathering) -> str:
    return str(gathering.version)


def _tagged(gathering: Gathering) -> tuple[Gathering, dict[str, str]]:
    return gathering, {"ETag": f'"{_tag(gathering)}"'}
