"""An organiser's letters: review, send, follow."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from marshmallow import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as Answer

from services.chassis.i18n import gettext as _
from services.chassis.i18n import ngettext
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.notifications import drafts, schemas
from services.notifications import letters as use
from services.notifications.models import Person
from services.notifications.web import words
from services.notifications.web.around import GONE, TROUBLE, around, ours

letters = Blueprint("letters", __name__)

PAGE = 50
# A letter's HTML has its styles in its tags, and may do nothing else.
SANDBOX = "sandbox{may}; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


@letters.get("/c/<slug>")
@reading
def review(session: Session, slug: str) -> str:
    gathering = ours(session, slug)
    found = drafts.waiting(session, gathering.id)
    recent = use.listed(session, gathering.id, states=GONE, limit=8)
    return render("notifications/review.html", drafts=found, recent=recent, **around(session, gathering))


@letters.get("/c/<slug>/envois")
@reading
def sendings(session: Session, slug: str) -> str:
    gathering = ours(session, slug)
    wanted = request.args
    states = (wanted["etat"],) if wanted.get("etat") in words.STATES else (*GONE, "discarded")
    skip = max(0, wanted.get("apres", 0, type=int))
    found = use.listed(
        session,
        gathering.id,
        kind=wanted.get("courrier") or None,
        states=states,
        text=wanted.get("qui", "").strip(),
        after=skip,
        limit=PAGE + 1,
    )
    return render(
        "notifications/sendings.html",
        letters=found[:PAGE],
        further=skip + PAGE if len(found) > PAGE else None,
        wanted=wanted,
        **around(session, gathering),
    )


@letters.get("/c/<slug>/a-voir")
@reading
def trouble(session: Session, slug: str) -> str:
    gathering = ours(session, slug)
    found = use.listed(session, gathering.id, states=TROUBLE, limit=500)
    return render("notifications/trouble.html", letters=found, **around(session, gathering))


@letters.get("/c/<slug>/a-relire/<kind>")
@reading
def of_kind(session: Session, slug: str, kind: str) -> str:
    gathering = ours(session, slug)
    listed = [row for row in drafts.waiting(session, gathering.id) if row[0] == kind]
    found = use.listed(session, gathering.id, kind=kind, states=("draft",), limit=2000)
    return render(
        "notifications/drafts.html",
        kind=kind,
        draft=listed[0] if listed else None,
        letters=sorted(found, key=lambda letter: letter.name.casefold()),
        **around(session, gathering),
    )


@letters.post("/c/<slug>/envoyer")
@transacted
def send(session: Session, slug: str) -> Answer:
    gathering = ours(session, slug)
    wanted = Form(request.form).read(schemas.SendDrafts)
    sent = drafts.send(session, gathering, **wanted, now=now())
    tell(ngettext("One letter is on its way.", "%(num)s letters are on their way.", sent))
    return redirect(url_for(".review", slug=slug), 303)


@letters.post("/c/<slug>/ecarter")
@transacted
def put_aside(session: Session, slug: str) -> Answer:
    gathering = ours(session, slug)
    wanted = Form(request.form).read(schemas.SendDrafts)
    gone = drafts.discard_listed(session, gathering, **wanted)
    tell(ngettext("One letter is put aside.", "%(num)s letters are put aside.", gone))
    return redirect(url_for(".review", slug=slug), 303)


@letters.get("/c/<slug>/<uuid:letter_id>")
@reading
def one(session: Session, slug: str, letter_id: UUID) -> str:
    gathering = ours(session, slug)
    letter = use.one(session, gathering.id, letter_id)
    return render(
        "notifications/letter.html", letter=letter, said=use.shown(letter), **around(session, gathering)
    )


@letters.get("/c/<slug>/<uuid:letter_id>/html")
@reading
def html(session: Session, slug: str, letter_id: UUID) -> Response:
    gathering = ours(session, slug)
    return framed(use.shown(use.one(session, gathering.id, letter_id)).html)


@letters.get("/c/<slug>/<uuid:letter_id>/modifier")
@reading
def editor(session: Session, slug: str, letter_id: UUID) -> str:
    gathering = ours(session, slug)
    letter = use.one(session, gathering.id, letter_id)
    form = Form({"subject": letter.subject, "text": letter.text})
    return render("notifications/edit.html", letter=letter, form=form, **around(session, gathering))


@letters.post("/c/<slug>/<uuid:letter_id>/modifier")
@transacted
def edit(session: Session, slug: str, letter_id: UUID) -> Answer | tuple[str, int]:
    gathering = ours(session, slug)
    letter = use.one(session, gathering.id, letter_id, for_update=True)
    form = Form(request.form)
    try:
        wanted = form.read(schemas.EditDraft)
    except ValidationError as error:
        form.refuse(error)
        return render("notifications/edit.html", letter=letter, form=form, **around(session, gathering)), 422
    drafts.edit(session, letter, **wanted)
    tell(_("This letter is changed, for this person only."))
    return redirect(url_for(".one", slug=slug, letter_id=letter_id), 303)


@letters.post("/c/<slug>/<uuid:letter_id>/ecarter")
@transacted
def discard(session: Session, slug: str, letter_id: UUID) -> Answer:
    gathering = ours(session, slug)
    letter = use.one(session, gathering.id, letter_id, for_update=True)
    drafts.discard(session, letter)
    tell(_("This letter is put aside: it will not leave."))
    return redirect(url_for(".of_kind", slug=slug, kind=letter.kind), 303)


@letters.post("/c/<slug>/<uuid:letter_id>/regler")
@transacted
def settle(session: Session, slug: str, letter_id: UUID) -> Answer:
    gathering = ours(session, slug)
    letter = use.one(session, gathering.id, letter_id, for_update=True)
    arrived = Form(request.form).read(schemas.Settlement)["arrived"]
    use.settle(session, letter, arrived=arrived, now=now())
    tell(_("This letter counts as arrived.") if arrived else _("This letter leaves once more."))
    return redirect(url_for(".one", slug=slug, letter_id=letter_id), 303)


@letters.get("/c/<slug>/personnes/<uuid:participant_id>")
@reading
def person(session: Session, slug: str, participant_id: UUID) -> str:
    gathering = ours(session, slug)
    who = session.get(Person, participant_id)
    found = use.listed(session, gathering.id, participant_id=participant_id, limit=500)
    if (who is None or who.gathering_id != gathering.id) and not found:
        raise use.UnknownLetter("There is no such letter.")
    name = f"{who.given} {who.family}".strip() if who else found[0].name
    return render("notifications/person.html", name=name, letters=found, **around(session, gathering))


def framed(page: str, *, may: str = "") -> Response:
    """A letter's HTML, to be shown inside a frame: it may style itself and nothing else but what `may` says."""
    answer = Response(page, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = SANDBOX.format(may=f" {may}" if may else "")
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer
