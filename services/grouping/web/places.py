"""The wall for everyone, and the place of one person."""

from __future__ import annotations

from flask import request
from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.errors import Forbidden, SignInNeeded
from services.chassis.web import reading
from services.grouping import boards, gatherings, rounds, wording
from services.grouping.web.doors import HALL, blueprint


@blueprint.get("/g/<slug>/mur")
@reading
def wall(session: Session, slug: str) -> str:
    """Where to go: group numbers and topics, for the projector; no names of people."""
    gathering = gatherings.at(session, slug)
    who = auth.participant()
    if who.gathering_id != gathering.id:
        auth.require(session, gathering.id, *HALL)
    wanted = request.args.get("temps", type=int)
    found = [r for r in rounds.of(session, gathering.id) if rounds.in_force(session, r.id)]
    shown = next((r for r in found if r.number == wanted), found[-1] if found else None)
    return pages.render(
        "grouping/wall.html",
        gathering=gathering,
        round=shown,
        groups=boards.wall(session, shown) if shown else [],
    )


@blueprint.get("/g/<slug>/ma-place")
@reading
def my_place(session: Session, slug: str) -> str:
    gathering = gatherings.at(session, slug)
    who = auth.participant()
    if who.kind != "participant" or who.id is None:
        raise SignInNeeded("Open the personal link of your letter: it leads to your place.")
    if who.gathering_id != gathering.id:
        raise Forbidden("This personal link is for another gathering.")
    return pages.render(
        "grouping/my_place.html",
        gathering=gathering,
        places=boards.places(session, gathering.id, who.id),
        why=wording.why,
        asked=wording.asked,
        does=wording.does,
        territories=gatherings.territories(session, gathering.id),
    )
