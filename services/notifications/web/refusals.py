"""The door in a letter that solicits: one click of a mail program, or a page with a button, and no login."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, request
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.pages import open_to_robots, render
from services.chassis.web import now, reading, settings, transacted
from services.notifications import refusals as use
from services.notifications.doors import Doors
from services.notifications.models import Gathering, Letter

refusals = Blueprint("refusals", __name__)


class NoOneClick(Refused):
    code, status = "no-one-click", HTTPStatus.UNPROCESSABLE_ENTITY


@refusals.get("/refus/<token>")
@reading
def page(session: Session, token: str) -> str:
    """Shows where things stand, and changes nothing: scanners open every link of a letter."""
    return _page(session, token)


@refusals.post("/refus/<token>")
@open_to_robots
@transacted
def refuse(session: Session, token: str) -> str:
    """What a mail program sends when its reader clicks once (RFC 8058, 3.2), and what the page's button sends."""
    letter = _letter(session, token)
    if request.form.get("List-Unsubscribe") != "One-Click":
        raise NoOneClick("This address takes List-Unsubscribe=One-Click alone. Open it in a browser instead.")
    use.refuse(session, letter, now())
    return _page(session, token)


@refusals.post("/refus/<token>/de-nouveau")
@open_to_robots
@transacted
def take_back(session: Session, token: str) -> str:
    """Who refused wants to be asked again."""
    use.take_back(session, _letter(session, token))
    return _page(session, token)


def _page(session: Session, token: str) -> str:
    letter = _letter(session, token)
    gathering = session.get(Gathering, letter.gathering_id)
    if gathering is None:
        raise NotFound("There is nothing at this address.")
    return render(
        "notifications/refusal.html",
        token=token,
        gathering=gathering,
        is_refused=use.is_refused(session, letter),
        is_forgotten=not letter.email,
    )


def _letter(session: Session, token: str) -> Letter:
    letter_id = Doors.of(settings()).letter(token)
    letter = session.get(Letter, letter_id) if letter_id is not None else None
    if letter is None or letter.gathering_id is None:
        raise NotFound("There is nothing at this address.")
    return letter
