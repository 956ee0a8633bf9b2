"""What the circles wrote."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import redirect, request, url_for
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.errors import Refused
from services.chassis.i18n import _
from services.chassis.web import now, reading, transacted
from services.grouping import schemas, syntheses
from services.grouping.web.doors import WORKERS, blueprint, gathering_at


@blueprint.get("/g/<slug>/syntheses")
@reading
def show_syntheses(session: Session, slug: str) -> str:
    gathering = gathering_at(session, slug, *WORKERS)
    return pages.render(
        "grouping/syntheses.html",
        gathering=gathering,
        circles=syntheses.circles(session, gathering.id),
        written=syntheses.written(session, gathering.id),
    )


@blueprint.get("/g/<slug>/syntheses/<int:number>")
@reading
def show_synthesis(session: Session, slug: str, number: int) -> str:
    gathering = gathering_at(session, slug, *WORKERS)
    circle = syntheses.circle(session, gathering.id, number)
    known = syntheses.written(session, gathering.id).get(circle.id)
    form = pages.Form({"modalities": "\n".join(known.modalities)} if known else None)
    return pages.render("grouping/synthesis.html", gathering=gathering, circle=circle, form=form, known=known)


@blueprint.post("/g/<slug>/syntheses/<int:number>")
@transacted
def write_synthesis(session: Session, slug: str, number: int) -> Any:
    gathering = gathering_at(session, slug, *WORKERS)
    circle = syntheses.circle(session, gathering.id, number)
    form = pages.Form(request.form)
    try:
        lines = form.read(schemas.SynthesisForm)["modalities"].splitlines()
        syntheses.write(session, gathering.id, number, modalities=lines, by=auth.actor().id, now=now())
    except (ValidationError, Refused) as error:
        page = pages.render(
            "grouping/synthesis.html", gathering=gathering, circle=circle, form=form.refuse(error), known=None
        )
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    pages.tell(_("The synthesis of circle %(number)s is kept.", number=number))
    return redirect(url_for("web.show_syntheses", slug=slug), HTTPStatus.SEE_OTHER)
