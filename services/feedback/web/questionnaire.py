"""The questionnaire as its link shows it.

These doors do not use `transacted`: it keeps a copy of each answered request beside an hour and the link's
digest, which is exactly what nobody may have. Sending twice is harmless all the same, because a link is used
up once.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import doorkeeper
from services.chassis.pages import Form, form_errors, render
from services.chassis.web import database, now, reading
from services.feedback import answers, questionnaires
from services.feedback.answers import AlreadyAnswered, Receipt
from services.feedback.schemas import read_sheet

pages = Blueprint("questionnaire", __name__)
doorkeeper.guard(pages)


@pages.get("/q/<link>")
@reading
def ask(session: Session, link: str) -> ResponseReturnValue:
    try:
        asked = answers.sheet(session, link, now=now())
    except AlreadyAnswered:
        return _received([], again=True)
    return _sheet(asked, Form(), seed=answers.new_seed())


@pages.post("/q/<link>")
def give(link: str) -> ResponseReturnValue:
    seed = request.form.get("seed", "")
    form = request.form.to_dict(flat=False)
    try:
        with database().reading() as session:
            asked = answers.sheet(session, link, now=now())
            try:
                given, quoted = read_sheet(asked.questions, form)
            except ValidationError as error:
                return _sheet(asked, Form(request.form, errors=form_errors(error)), seed=seed), 422
        with database().transaction() as session:
            receipts = answers.give(session, link, given=given, quoted=quoted, seed=seed, now=now())
    except AlreadyAnswered:
        names = [name.removesuffix("-quote") for name in form if name.endswith("-quote")]
        with database().reading() as session:
            again = answers.receipts_again(session, link, names=names, seed=seed)
        return _received(again, again=True), 409
    return _received(receipts, gathering=asked.gathering, again=False)


def _sheet(asked: answers.Sheet, form: Form, *, seed: str) -> str:
    return render(
        "feedback/questionnaire.html",
        asked=asked,
        form=form,
        seed=seed,
        worded=questionnaires.worded,
        choice_words=questionnaires.choice_words,
    )


def _received(receipts: list[Receipt], *, again: bool, **about: object) -> str:
    return render("feedback/received.html", receipts=receipts, again=again, **about)
