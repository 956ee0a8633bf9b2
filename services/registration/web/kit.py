"""The kit to print: badges and the roll, and the way to what the groups print."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import auth, printing
from services.chassis.i18n import force_locale
from services.chassis.i18n import gettext as _
from services.chassis.pages import paper, render
from services.chassis.web import database, now, reading
from services.registration import kit
from services.registration.web.doors import CHANGES, DESK, guarded

web = Blueprint("kit", __name__, url_prefix="/o/<slug>/kit")

PRINT = Path(__file__).parent.parent / "print"


@web.get("")
@reading
def listed(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug, *DESK)
    held = auth.roles_held(session, gathering.id, by)
    return render(
        "registration/kit.html",
        gathering=gathering,
        people=kit.people(session, gathering.id),
        not_printable=kit.not_printable(session, gathering.id),
        may_change=bool(held & CHANGES),
    )


@web.get("/badges.pdf")
def badges(slug: str) -> ResponseReturnValue:
    with database().reading() as session:
        gathering, _by = guarded(session, slug, *DESK)
        only = request.args.get("personne", type=UUID)
        with force_locale(gathering.language):
            said = kit.badges(session, gathering, large=_is_large(), only=only, say=_)
    return paper(printing.sheets(PRINT / "badges.typ", said), f"{slug}-badges.pdf")


@web.get("/liste.pdf")
def roll(slug: str) -> ResponseReturnValue:
    with database().reading() as session:
        gathering, _by = guarded(session, slug, *DESK)
        with force_locale(gathering.language):
            said = kit.roll(session, gathering, large=_is_large(), now=now(), say=_)
    return paper(printing.sheets(PRINT / "roll.typ", said), f"{slug}-liste.pdf")


def _is_large() -> bool:
    return request.args.get("grand") == "1"
