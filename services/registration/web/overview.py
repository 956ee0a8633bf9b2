"""A gathering for its organisers: the dashboard, the people, one person."""

from __future__ import annotations

import csv
import io
from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.i18n import gettext as _
from services.chassis.pages import render, tell
from services.chassis.web import now, reading, transacted
from services.registration import cancellations, participants
from services.registration.models import State
from services.registration.web import words
from services.registration.web.doors import DESK, guarded, links, see_other

web = Blueprint("overview", __name__, url_prefix="/o")

_HEADINGS = (
    N_("First name"), N_("Last name"), N_("E-mail address"), N_("Territory"), N_("Trade"), N_("Structure"),
    N_("State"),
)  # fmt: skip


@web.get("/<slug>")
@reading
def dashboard(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    return render(
        "registration/dashboard.html",
        gathering=gathering,
        view=participants.overview(session, gathering),
        now=now(),
        days=(gathering.starts_at.date() - now().date()).days,
    )


@web.get("/<slug>/personnes")
@reading
def people(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug, *DESK)
    wanted = {name: request.args.get(name, "") for name in ("q", "territory", "state")}
    q, territory, state = wanted.values()
    page = request.args.get("page", 1, type=int)
    listing = participants.listing(session, gathering.id, q=q, territory=territory, state=state, page=page)
    return render(
        "registration/people.html",
        gathering=gathering,
        wanted=wanted,
        listing=listing,
        states=participants.states(session, gathering.id),
        all_states=list(State),
    )


@web.get("/<slug>/personnes/<uuid:participant_id>")
@reading
def person(session: Session, slug: str, participant_id: UUID) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug, *DESK)
    participant = participants.find(session, gathering.id, participant_id)
    return render(
        "registration/person.html",
        gathering=gathering,
        participant=participant,
        akin=participants.akin(session, participant),
        deeds=participants.deeds(session, gathering.id, participant_id),
    )


@web.post("/<slug>/personnes/<uuid:participant_id>/annuler")
@transacted
def cancel(session: Session, slug: str, participant_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    participants.find(session, gathering.id, participant_id)
    cancellations.cancel(session, participant_id, by=by, links=links(), now=now())
    tell(_("The seat is given back and the person is told."))
    return see_other(f"/o/{slug}/personnes/{participant_id}")


@web.get("/<slug>/personnes.csv")
@reading
def export(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    text = io.StringIO()
    # A spreadsheet takes the separator and the encoding from these two habits of French offices.
    text.write("\ufeff")
    table = csv.writer(text, delimiter=";", lineterminator="\r\n")
    table.writerow([_(name) for name in _HEADINGS])
    named = {one["letter"]: one["name"] for one in gathering.territories}
    for one in participants.everybody(session, gathering.id):
        cells = (
            one.given,
            one.family,
            one.email,
            named.get(one.territory, one.territory),
            one.trade,
            one.structure,
            _(words.STATES[one.state][0]),
        )
        table.writerow([_harmless(cell) for cell in cells])
    disposition = f'attachment; filename="{gathering.slug}.csv"'
    return Response(text.getvalue(), mimetype="text/csv", headers={"Content-Disposition": disposition})


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet shows and never runs."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
