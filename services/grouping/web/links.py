"""The private rules between two people."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import redirect, request, url_for
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.errors import Refused
from services.chassis.i18n import _
from services.chassis.web import now, reading, transacted
from services.grouping import links, members, schemas
from services.grouping.models import Gathering
from services.grouping.web.doors import blueprint, gathering_at


@blueprint.get("/g/<slug>/regles")
@reading
def show_links(session: Session, slug: str) -> str:
    return _links_page(session, gathering_at(session, slug), pages.Form())


@blueprint.post("/g/<slug>/regles")
@transacted
def tie(session: Session, slug: str) -> Any:
    gathering = gathering_at(session, slug)
    form = pages.Form(request.form)
    try:
        wanted = form.read(schemas.NewLink)
        links.tie(
            session,
            gathering.id,
            kind=wanted["kind"],
            one=wanted["one_id"],
            other=wanted["other_id"],
            by=auth.actor().id,
            now=now(),
        )
    except (ValidationError, Refused) as error:
        return _links_page(session, gathering, form.refuse(error)), HTTPStatus.UNPROCESSABLE_ENTITY
    pages.tell(_("The rule is kept. It counts from the next time groups are formed or re-balanced."))
    return redirect(url_for("web.show_links", slug=slug), HTTPStatus.SEE_OTHER)


@blueprint.post("/g/<slug>/regles/<uuid:link_id>/retirer")
@transacted
def untie(session: Session, slug: str, link_id: UUID) -> Any:
    gathering = gathering_at(session, slug)
    links.untie(session, gathering.id, link_id)
    pages.tell(_("The rule is removed."))
    return redirect(url_for("web.show_links", slug=slug), HTTPStatus.SEE_OTHER)


def _links_page(session: Session, gathering: Gathering, form: pages.Form) -> str:
    people = [m for m in members.known(session, gathering.id) if m.state != "cancelled"]
    return pages.render(
        "grouping/links.html",
        gathering=gathering,
        form=form,
        rules=links.of(session, gathering.id),
        names={m.participant_id: m.name for m in members.known(session, gathering.id)},
        people=[(m.participant_id, f"{m.family} {m.given}".strip()) for m in people],
    )
