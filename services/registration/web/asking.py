"""The form builder: what a gathering asks beside a name."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from services.chassis.errors import Misshapen
from services.chassis.i18n import gettext as _
from services.chassis.i18n import language
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.registration import gatherings, questions
from services.registration.asking.questions import LEADING, Kind, Question, asked, of
from services.registration.models import Gathering
from services.registration.schemas.questions import QuestionForm
from services.registration.schemas.shapes import LANGUAGES
from services.registration.web.asked import words
from services.registration.web.doors import attempt, guarded, see_other

web = Blueprint("asking", __name__, url_prefix="/o/<slug>/questions")

BLANK = {"kind": str(Kind.short_text), "keep_days": 30}


@web.get("")
@reading
def listed(session: Session, slug: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    return _page(session, gathering, Form(BLANK))


@web.post("")
@transacted
def add(session: Session, slug: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)

    def deed(**wanted: Any) -> ResponseReturnValue:
        questions.add(session, gathering.id, **wanted, by=by, now=now())
        tell(_("The question is in the form."))
        return see_other(f"/o/{slug}/questions")

    def again(form: Form) -> str:
        return _page(session, gathering, form)

    try:
        return attempt(Form(request.form), QuestionForm, _renamed(deed, gathering), again)
    except gatherings.ChangedMeanwhile as conflict:
        return again(Form(request.form).refuse(conflict)), 409


@web.get("/<key>")
@reading
def before_changing(session: Session, slug: str, key: str) -> ResponseReturnValue:
    gathering, _by = guarded(session, slug)
    question = questions.find(gathering, key)
    return _one(session, gathering, question, Form(_written(question)))


@web.post("/<key>")
@transacted
def change(session: Session, slug: str, key: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    question = questions.find(gathering, key)

    def deed(**wanted: Any) -> ResponseReturnValue:
        questions.change(session, gathering.id, key, **wanted, by=by, now=now())
        tell(_("The question is changed. Answers already given are kept."))
        return see_other(f"/o/{slug}/questions")

    def again(form: Form) -> str:
        return _one(session, gathering, questions.find(gathering, key), form)

    try:
        return attempt(Form(request.form), QuestionForm, _renamed(deed, gathering), again)
    except gatherings.ChangedMeanwhile as conflict:
        return _one(session, gathering, question, Form(request.form).refuse(conflict)), 409


@web.post("/<key>/monter")
@transacted
def move_up(session: Session, slug: str, key: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    questions.move(session, gathering.id, key, earlier=True, by=by, now=now())
    return see_other(f"/o/{slug}/questions#{key}")


@web.post("/<key>/descendre")
@transacted
def move_down(session: Session, slug: str, key: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    questions.move(session, gathering.id, key, earlier=False, by=by, now=now())
    return see_other(f"/o/{slug}/questions#{key}")


@web.post("/<key>/retirer")
@transacted
def remove(session: Session, slug: str, key: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    questions.remove(session, gathering.id, key, by=by, now=now())
    if any(one["key"] == key for one in gathering.questions):
        undo = f"/o/{slug}/questions/{key}/reprendre"
        tell(_("The question is asked no more. Answers already given are kept."), undo=undo)
    else:
        tell(_("The question is removed. Nobody had answered it."))
    return see_other(f"/o/{slug}/questions")


@web.post("/<key>/reprendre")
@transacted
def ask_again(session: Session, slug: str, key: str) -> ResponseReturnValue:
    gathering, by = guarded(session, slug)
    questions.ask_again(session, gathering.id, key, by=by, now=now())
    tell(_("The question is asked again, with the answers it had."))
    return see_other(f"/o/{slug}/questions#{key}")


def _page(session: Session, gathering: Gathering, form: Form) -> str:
    every = of(gathering.questions)
    return render(
        "registration/questions.html",
        gathering=gathering,
        form=form,
        asked=asked(every),
        lost=[one for one in every if not one.removed_at and one not in asked(every)],
        removed=[one for one in every if one.removed_at],
        leads=_leads(every),
        conditions=dict(_leads(every)),
        counts=questions.answered(session, gathering.id),
        languages_of=_languages(gathering),
    )


def _one(session: Session, gathering: Gathering, question: Question, form: Form) -> str:
    others = [one for one in of(gathering.questions) if one.key != question.key]
    return render(
        "registration/question.html",
        gathering=gathering,
        question=question,
        form=form,
        leads=_leads(others),
        answers=questions.answered(session, gathering.id)[question.key],
        languages_of=_languages(gathering),
    )


def _languages(gathering: Gathering) -> tuple[str, ...]:
    """The languages one writes in, the gathering's first."""
    return (gathering.language, *(one for one in LANGUAGES if one != gathering.language))


def _leads(every: list[Question]) -> list[tuple[str, str]]:
    """What a question may depend on: the answers of the others, as (key=answer, words)."""
    return [
        (f"{one.key}={answer}", _condition(one, answer))
        for one in asked(every)
        if one.kind in LEADING
        for answer in one.choices
    ]


def _condition(leading: Question, answer: str) -> str:
    asks = leading.wording.get(language()) or next(iter(leading.wording.values()), "")
    return _("If “%(question)s” is answered “%(answer)s”", question=asks, answer=words(leading, answer))


def _written(question: Question) -> dict[str, Any]:
    """A question as its form shows it."""
    options = [one for one in question.options if not one.gone]
    texts = {
        f"{name}_{language}": said.get(language, "")
        for name, said in (("wording", question.wording), ("purpose", question.purpose))
        for language in LANGUAGES
    }
    lists = {
        f"options_{language}": "\n".join(one.words.get(language, "") for one in options).strip()
        for language in LANGUAGES
    }
    only_if = question.only_if
    return {
        "kind": str(question.kind),
        "keep_days": question.keep_days,
        "required": question.required,
        "only_if": f"{only_if.key}={only_if.answer}" if only_if else "",
        **texts,
        **lists,
    }


def _renamed(deed: Any, gathering: Gathering) -> Any:
    """The same deed, whose refusals name the fields of the form."""

    def done(**wanted: Any) -> ResponseReturnValue:
        try:
            answer: ResponseReturnValue = deed(**wanted)
        except Misshapen as error:
            spoken = {name: f"{name}_{gathering.language}" for name in ("wording", "purpose", "options")}
            raise Misshapen({spoken.get(name, name): said for name, said in error.errors.items()}) from error
        return answer

    return done
