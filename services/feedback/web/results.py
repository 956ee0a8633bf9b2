"""The results, and the button that opens the questionnaire."""

from __future__ import annotations

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.i18n import language, ngettext
from services.chassis.pages import render, tell
from services.chassis.web import now, reading, transacted
from services.feedback import gatherings, questionnaires, results

pages = Blueprint("results", __name__)


@pages.get("/f/<slug>")
def first(slug: str) -> ResponseReturnValue:
    return redirect(f"/f/{slug}/resultats")


@pages.get("/f/<slug>/resultats")
@reading
def show(session: Session, slug: str) -> ResponseReturnValue:
    gathering = gatherings.by_slug(session, slug)
    auth.require(session, gathering.id, "owner", "organiser", "reader")
    return render(
        "feedback/results.html",
        gathering=gathering,
        questionnaire=questionnaires.of(session, gathering.id),
        results=results.of(session, gathering.id, language=language()),
    )


@pages.post("/f/<slug>/questionnaire/ouvrir")
@transacted
def open_questionnaire(session: Session, slug: str) -> ResponseReturnValue:
    gathering = gatherings.by_slug(session, slug)
    auth.require(session, gathering.id)
    told = questionnaires.address(session, gathering.id, now=now())
    tell(
        ngettext(
            "The questionnaire is open: %(num)s letter leaves.",
            "The questionnaire is open: %(num)s letters leave.",
            told,
        )
    )
    return redirect(f"/f/{slug}/resultats", 303)
