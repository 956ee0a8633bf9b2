"""The first page, and words for everybody."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.pages import render
from services.chassis.web import now, reading
from services.registration import gatherings, participants

web = Blueprint("portal", __name__)


@web.get("/")
@reading
def home(session: Session) -> ResponseReturnValue:
    who = auth.actor()
    if who.kind != "organiser" or who.id is None:
        return render("registration/welcome.html")
    mine = gatherings.of_organiser(session, who.id)
    counts = [(gathering, participants.states(session, gathering.id)) for gathering in mine[:40]]
    return render("registration/portal.html", gatherings=counts, now=now())


@web.get("/donnees")
def data() -> ResponseReturnValue:
    return render("registration/data.html")


@web.get("/accessibilite")
def accessibility() -> ResponseReturnValue:
    return render("registration/accessibility.html")
