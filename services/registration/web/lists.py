"""Lists of people to invite: choose a file, look at what was understood, apply."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.registration import invitations
from services.registration.web import words
from services.registration.web.doors import guarded, links, see_other

web = Blueprint("lists", __name__, url_prefix="/o/<slug>/import")

SHOWN = 200


@web.get("")
@reading
def before_choosing(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    return render("registration/list_choose.html", gathering=gathering, form=Form())


@web.post("")
@transacted
def stage(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    chosen = request.files.get("file")
    try:
        if chosen is None or not chosen.filename:
            raise Misshapen({"file": ["Choose a file."]})
        staged = invitations.stage(
            session, gathering.id, content=chosen.read(), file_name=chosen.filename, by=by, now=now()
        )
    except Misshapen as error:
        return render("registration/list_choose.html", gathering=gathering, form=Form().refuse(error)), 422
    return see_other(f"/o/{slug}/import/{staged.id}")


@web.get("/<uuid:import_id>")
@reading
def look(session: Session, slug: str, import_id: UUID) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    staged = invitations.find(session, gathering.id, import_id)
    remarks = [remark for row in staged.rows for remark in _remarks(row)]
    page = render(
        "registration/list_look.html",
        gathering=gathering,
        staged=staged,
        counts=invitations.counts(staged.rows),
        remarks=remarks[:SHOWN],
        more=max(0, len(remarks) - SHOWN),
    )
    response = make_response(page)
    if staged.begun_at is not None and staged.applied_at is None:
        response.headers["Refresh"] = "2"
    return response


@web.post("/<uuid:import_id>")
@transacted
def apply(session: Session, slug: str, import_id: UUID) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    fix_typos = request.form.get("fix_typos") == "on"
    staged = invitations.apply(
        session, gathering.id, import_id, fix_typos=fix_typos, by=by, links=links(), now=now()
    )
    if staged.applied_at is None:
        return see_other(f"/o/{slug}/import/{import_id}")
    tell(
        ngettext(
            "One person is invited: their letter is a draft that waits for you.",
            "%(num)s people are invited: their letters are drafts that wait for you.",
            staged.invited or 0,
        )
    )
    return see_other(f"/o/{slug}")


def _remarks(row: dict[str, Any]) -> list[dict[str, Any]]:
    """What there is to look at on one line of the list."""
    codes = [*row["notes"], *([("typo", row["meant"])] if row["status"] == "typo" else [])]
    written = f"{row['given']} {row['family']}".strip()
    dress = {"error": "bad", "typo": "new", "known": "off", "new": "wait"}
    return [
        {
            "line": row["line"],
            "written": f"{written} · {row['email']}".strip(" ·"),
            "why": _(words.NOTES[code][0], word=word),
            "then": _(words.NOTES[code][1], word=word),
            "dress": dress[row["status"]],
        }
        for code, word in codes
    ]
