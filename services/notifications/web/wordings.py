"""The words of letters: read, changed, tried on a real person, sent to oneself, and given back to the house."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis.auth import Actor, actor
from services.chassis.db import roles
from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.notifications import schemas
from services.notifications import wordings as use
from services.notifications.models import Gathering
from services.notifications.web.around import around, ours
from services.notifications.writing import composing, placeholders
from services.notifications.writing.composing import LANGUAGES, Words

wordings = Blueprint("wordings", __name__)


@wordings.get("/c/<slug>/textes")
@reading
def listed(session: Session, slug: str) -> str:
    gathering = ours(session, slug)
    return render(
        "notifications/wordings.html",
        kinds_of_all=use.KINDS_OF_A_GATHERING,
        languages=_languages(gathering),
        own=use.listed(session, gathering.id),
        **around(session, gathering),
    )


@wordings.get("/c/<slug>/textes/<kind>/<language>")
@reading
def editor(session: Session, slug: str, kind: str, language: str) -> str:
    gathering = ours(session, slug)
    words = use.of(session, gathering.id, kind, language)
    form = Form({"subject": words.subject, "text": words.text})
    return _page(session, gathering, kind, language, form, shown=words)


@wordings.post("/c/<slug>/textes/<kind>/<language>")
@transacted
def keep(session: Session, slug: str, kind: str, language: str) -> Answer | tuple[str, int]:
    gathering = ours(session, slug)
    form, words = _read(kind, language)
    if words is None:
        return _page(session, gathering, kind, language, form), 422
    by = actor().id or UUID(int=0)
    drafts = use.keep(
        session, gathering, kind, language, subject=words.subject, text=words.text, by=by, now=now()
    )
    tell(_("These words are kept: letters written from now on say it so.") + _anew(drafts))
    return redirect(url_for(".editor", slug=slug, kind=kind, language=language), 303)


@wordings.post("/c/<slug>/textes/<kind>/<language>/apercu")
@reading
def preview(session: Session, slug: str, kind: str, language: str) -> str | tuple[str, int]:
    """Show what was typed as a person would read it; nothing is kept."""
    gathering = ours(session, slug)
    form, words = _read(kind, language)
    page = _page(session, gathering, kind, language, form, shown=words)
    return page if words is not None else (page, 422)


@wordings.post("/c/<slug>/textes/<kind>/<language>/essai")
@transacted
def send_to_me(session: Session, slug: str, kind: str, language: str) -> Answer | tuple[str, int] | str:
    gathering = ours(session, slug)
    form, words = _read(kind, language)
    if words is None:
        return _page(session, gathering, kind, language, form), 422
    email, name = _mine(session, gathering, actor())
    use.send_to_me(
        session, gathering, kind, language, words, person_id=_who(), email=email, name=name, now=now()
    )
    tell(_("A test is on its way to %(email)s.", email=email))
    return _page(session, gathering, kind, language, form, shown=words)


@wordings.post("/c/<slug>/textes/<kind>/<language>/maison")
@transacted
def forget(session: Session, slug: str, kind: str, language: str) -> Answer:
    gathering = ours(session, slug)
    drafts = use.forget(session, gathering, kind, language)
    tell(_("The house’s words are back.") + _anew(drafts))
    return redirect(url_for(".editor", slug=slug, kind=kind, language=language), 303)


def _read(kind: str, language: str) -> tuple[Form, Words | None]:
    """What was typed, and its words when nothing is wrong with them; what is wrong stands in the form."""
    form = Form(request.form)
    try:
        wanted = form.read(schemas.NewWords)
    except ValidationError as error:
        return form.refuse(error), None
    problems = use.problems(kind, language, **wanted)
    for problem in problems:
        form.refuse(problem)
    return form, None if problems else Words(wanted["subject"], wanted["text"])


def _page(
    session: Session, gathering: Gathering, kind: str, language: str, form: Form, *, shown: Words | None = None
) -> str:
    house = composing.house(kind, language)
    who = _who()
    return render(
        "notifications/wording.html",
        kind=kind,
        tongue=language,
        tongues=_languages(gathering),
        form=form,
        own=(kind, language) in use.listed(session, gathering.id),
        house=house,
        known=[(one.name(language), one.says) for one in placeholders.of(kind)],
        people=[(row.id, f"{row.given} {row.family}".strip()) for row in use.people(session, gathering.id)],
        who=who,
        shown=use.preview(session, gathering, kind, language, shown, person_id=who) if shown else None,
        **around(session, gathering),
    )


def _who() -> UUID | None:
    try:
        return UUID(request.values.get("personne", ""))
    except ValueError:
        return None


def _mine(session: Session, gathering: Gathering, who: Actor) -> tuple[str, str]:
    """The organiser's own address, as registration told it."""
    mine = select(roles.c.email, roles.c.name).where(
        roles.c.gathering_id == gathering.id, roles.c.organiser_id == who.id
    )
    row = session.execute(mine.limit(1)).first()
    return (who.email or (row.email if row else ""), who.name or (row.name if row else ""))


def _languages(gathering: Gathering) -> list[str]:
    """The gathering's own language first."""
    return sorted(LANGUAGES, key=lambda language: language != gathering.language)


def _anew(drafts: int) -> str:
    if not drafts:
        return ""
    return " " + ngettext("One draft is written anew.", "%(num)s drafts are written anew.", drafts)
