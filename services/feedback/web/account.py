"""The account: its draft with the evidence, its paragraphs one by one, and the page everybody may read."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form, render, tell
from services.chassis.web import now, reading, transacted
from services.feedback import accounts, attendances, gatherings, questionnaires
from services.feedback.accounts import EditedMeanwhile, NamesToConfirm, NoAccount
from services.feedback.models import Gathering
from services.feedback.schemas import NewTitle
from services.feedback.telling.markdown import markdown

pages = Blueprint("account", __name__)


@pages.get("/f/<slug>/retour")
@reading
def draft(session: Session, slug: str) -> ResponseReturnValue:
    gathering = gatherings.by_slug(session, slug)
    auth.require(session, gathering.id, "owner", "organiser", "reader")
    return _draft(session, gathering, Form())


@pages.post("/f/<slug>/retour/ecrire")
@transacted
def write(session: Session, slug: str) -> ResponseReturnValue:
    gathering = _edited_by_organiser(session, slug)
    accounts.write(session, gathering.id, now=now())
    tell(_("The draft is written from what is known now. Paragraphs you had edited were left as they are."))
    return redirect(f"/f/{slug}/retour", 303)


@pages.post("/f/<slug>/retour/titre")
@transacted
def retitle(session: Session, slug: str) -> ResponseReturnValue:
    gathering, form = _edited_by_organiser(session, slug), Form(request.form)
    try:
        accounts.retitle(session, gathering.id, title=form.read(NewTitle)["title"])
    except ValidationError as error:
        return _draft(session, gathering, form.refuse(error)), 422
    tell(_("The title is changed."))
    return redirect(f"/f/{slug}/retour", 303)


@pages.get("/f/<slug>/retour/<uuid:paragraph_id>")
@reading
def edit(session: Session, slug: str, paragraph_id: UUID) -> ResponseReturnValue:
    gathering = _edited_by_organiser(session, slug)
    return _paragraph(session, gathering, paragraph_id, Form())


@pages.post("/f/<slug>/retour/<uuid:paragraph_id>")
@transacted
def save(session: Session, slug: str, paragraph_id: UUID) -> ResponseReturnValue:
    gathering, form = _edited_by_organiser(session, slug), Form(request.form)
    kind = accounts.paragraph(session, gathering.id, paragraph_id).kind
    try:
        accounts.edit(
            session,
            gathering.id,
            paragraph_id,
            heading=str(form.value("heading")).strip()[:200],
            lines=form.all("chosen") if kind == "words" else str(form.value("text")).splitlines(),
            version=request.form.get("version", 0, type=int),
        )
    except EditedMeanwhile as refusal:
        return _paragraph(session, gathering, paragraph_id, form.refuse(refusal)), 409
    tell(_("The paragraph is changed. It is read by everybody once you publish."))
    return redirect(f"/f/{slug}/retour#p-{paragraph_id}", 303)


@pages.post("/f/<slug>/retour/publier")
@transacted
def publish(session: Session, slug: str) -> ResponseReturnValue:
    gathering, form = _edited_by_organiser(session, slug), Form(request.form)
    try:
        accounts.publish(session, gathering.id, confirmed=set(form.all("confirmed")), now=now())
    except NamesToConfirm as refusal:
        form.errors = {"confirmed": [_(refusal.message)]}
        return _draft(session, gathering, form), 409
    tell(_("The account is published."))
    return redirect(f"/retour/{slug}", 303)


@pages.get("/retour/<slug>")
@reading
def read(session: Session, slug: str) -> ResponseReturnValue:
    gathering = gatherings.by_slug(session, slug)
    title, parts = accounts.published(session, gathering.id)
    return render(
        "feedback/account.html",
        gathering=gathering,
        title=title,
        parts=parts,
        leaves=_leaves(gathering, attendances.present(session, gathering.id)),
    )


@pages.get("/retour/<slug>.md")
@reading
def take_along(session: Session, slug: str) -> ResponseReturnValue:
    gathering = gatherings.by_slug(session, slug)
    title, parts = accounts.published(session, gathering.id)
    answer = Response(markdown(title, parts), content_type="text/markdown; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{gathering.slug}.md"'
    return answer


def _edited_by_organiser(session: Session, slug: str) -> Gathering:
    gathering = gatherings.by_slug(session, slug)
    auth.require(session, gathering.id)
    return gathering


def _draft(session: Session, gathering: Gathering, form: Form) -> str:
    try:
        account = accounts.of(session, gathering.id)
    except NoAccount:
        return render("feedback/no_account.html", gathering=gathering)
    return render(
        "feedback/draft.html",
        gathering=gathering,
        account=account,
        parts=accounts.shown(session, gathering.id),
        marks=accounts.marks(session, gathering.id),
        minimum=questionnaires.of(session, gathering.id).minimum,
        form=form,
        leaves=_leaves(gathering, attendances.present(session, gathering.id)),
    )


def _paragraph(session: Session, gathering: Gathering, paragraph_id: UUID, form: Form) -> str:
    paragraph = accounts.paragraph(session, gathering.id, paragraph_id)
    return render(
        "feedback/paragraph.html",
        gathering=gathering,
        paragraph=paragraph,
        lines=next(p.lines for p in accounts.shown(session, gathering.id) if p.paragraph.id == paragraph_id),
        form=form,
    )


def _leaves(gathering: Gathering, present: int) -> list[tuple[str, bool]]:
    """One leaf for each person there, in wedges as wide as the territories' quotas."""
    shares = [(territory["letter"], territory.get("quota") or 0) for territory in gathering.territories]
    total = sum(share for _letter, share in shares)
    if not total:
        shares, total = [(letter, 1) for letter, _share in shares] or [("", 1)], len(shares) or 1
    leaves: list[tuple[str, bool]] = []
    passed = 0
    for letter, share in shares:
        passed += share
        leaves += [(letter, True)] * (present * passed // total - len(leaves))
    return leaves
