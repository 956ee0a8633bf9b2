"""Taking a quote back with its code."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis.doorkeeper import CODES, counted
from services.chassis.pages import Form, render
from services.chassis.web import database, reading
from services.feedback import gatherings, quotes
from services.feedback.quotes import UnknownCode
from services.feedback.schemas import Code

pages = Blueprint("words", __name__)


@pages.get("/f/<slug>/parole")
@reading
def ask(session: Session, slug: str) -> ResponseReturnValue:
    return render("feedback/words.html", gathering=gatherings.by_slug(session, slug), form=Form(), gone=False)


@pages.post("/f/<slug>/parole")
@counted(CODES)
def withdraw(slug: str) -> ResponseReturnValue:
    """Not `transacted`: nothing may be kept of who took which sentence back, and twice is as good as once."""
    form = Form(request.form)
    with database().reading() as session:
        gathering = gatherings.by_slug(session, slug)
    try:
        code = form.read(Code)["code"]
        with database().transaction() as session:
            quotes.withdraw(session, gathering.id, code=code)
    except (ValidationError, UnknownCode) as error:
        page = render("feedback/words.html", gathering=gathering, form=form.refuse(error), gone=False)
        return page, 422
    return render("feedback/words.html", gathering=gathering, form=Form(), gone=True)
