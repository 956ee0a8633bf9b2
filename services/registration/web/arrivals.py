"""The door on the day: names, walk-ins, and who did not come."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import keys
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.registration import desk, participants
from services.registration.models import Gathering, State
from services.registration.schemas.people import NewWalkIn
from services.registration.web.doors import DESK, attempt, guarded, links, see_other

web = Blueprint("arrivals", __name__, url_prefix="/o/<slug>/accueil")
worker = Blueprint("desk_worker", __name__)

SHOWN = 400


@web.get("")
@reading
def roll(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug, *DESK)
    return _page(session, gathering, Form())


@worker.get("/api/registration/desk-worker.js")
def desk_worker() -> ResponseReturnValue:
    """The script that keeps the desk's page for when the network is gone; it may stand before the pages under /o/."""
    script = (Path(current_app.root_path) / "static" / "desk-worker.js").read_text(encoding="utf-8")
    headers = {"Service-Worker-Allowed": "/o/", "Cache-Control": "no-cache"}
    return Response(script, content_type="text/javascript; charset=utf-8", headers=headers)


@web.post("/<uuid:participant_id>")
@transacted
def check_in(session: Session, slug: str, participant_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK)
    here = desk.check_in(session, gathering.id, participant_id, by=by, links=links(), now=now())
    tell(_("%(name)s is here.", name=f"{here.given} {here.family}".strip()))
    return see_other(f"/o/{slug}/accueil")


@web.post("/passage")
@transacted
def walk_in(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK)

    def deed(**wanted: Any) -> ResponseReturnValue:
        here = desk.walk_in(
            session, gathering.id, **wanted, entry=keys.given(), by=by, links=links(), now=now()
        )
        tell(_("%(name)s is here.", name=f"{here.given} {here.family}".strip()))
        return see_other(f"/o/{slug}/accueil")

    def again(form: Form) -> str:
        return _page(session, gathering, form)

    return attempt(Form(request.form), NewWalkIn, deed, again, beside=(desk.RoomFull, desk.AnotherArrival))


@web.post("/absences")
@transacted
def note_absences(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK)
    absent = desk.note_absences(session, gathering.id, by=by, now=now())
    tell(
        ngettext(
            "One person is noted as absent. Who comes late can still be checked in.",
            "%(num)s people are noted as absent. Who comes late can still be checked in.",
            absent,
        )
    )
    return see_other(f"/o/{slug}/accueil")


def _page(session: Session, gathering: Gathering, form: Form) -> str:
    q = request.args.get("q", "")
    listing = participants.listing(session, gathering.id, q=q, size=SHOWN)
    expected = (State.registered, State.no_show, State.pending_email, State.offered)
    return render(
        "registration/desk.html",
        gathering=gathering,
        form=form,
        q=q,
        awaited=[one for one in listing.people if one.state in expected],
        here=[one for one in listing.people if one.state == State.present],
        others=[one for one in listing.people if one.state not in (*expected, State.present)] if q else [],
        states=participants.states(session, gathering.id),
    )
