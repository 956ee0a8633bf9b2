"""The rounds of a gathering, and beginning one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.errors import Refused
from services.chassis.i18n import _
from services.chassis.web import now, reading, transacted
from services.grouping import boards, gatherings, links, rounds, schemas, wording
from services.grouping.models import Gathering, Plan, Round
from services.grouping.web.doors import blueprint, gathering_at, to_board


@blueprint.get("/g/<slug>")
@reading
def overview(session: Session, slug: str) -> str:
    gathering = gathering_at(session, slug)
    return _overview(session, gathering, pages.Form())


@blueprint.post("/g/<slug>/temps")
@transacted
def open_round(session: Session, slug: str) -> Any:
    gathering = gathering_at(session, slug)
    form = pages.Form(request.form)
    try:
        wanted = form.read(schemas.NewRound)
        round_ = rounds.open_round(
            session,
            gathering.id,
            kind=wanted["kind"],
            name=wanted["name"] or wording.usual_name(wanted["kind"], gathering.language),
            by=auth.actor().id,
            now=now(),
        )
    except (ValidationError, Refused) as error:
        return _overview(session, gathering, form.refuse(error)), HTTPStatus.UNPROCESSABLE_ENTITY
    pages.tell(_("We are forming the groups. Nothing is published, nobody is told."))
    return to_board(slug, round_.number)


def _overview(session: Session, gathering: Gathering, form: pages.Form) -> str:
    found = rounds.of(session, gathering.id)
    return pages.render(
        "grouping/overview.html",
        gathering=gathering,
        form=form,
        rounds=[_standing(session, round_) for round_ in found],
        counts=boards.counts(session, gathering.id),
        topics=gatherings.topics(session, gathering.id),
        tellers=gatherings.tellers(session, gathering.id),
        links=len(links.of(session, gathering.id)),
        has_angles=any(r.kind == "angles" for r in found),
        names={kind: wording.usual_name(kind, gathering.language) for kind in ("angles", "topics")},
    )


def _standing(session: Session, round_: Round) -> tuple[Round, Plan | None, Plan | None, bool]:
    """A round, its plan in force, its draft, and whether rules stand against forming it."""
    ask = rounds.last_ask(session, round_.id)
    draft = rounds.on_the_table(session, round_.id, "draft")
    return round_, rounds.in_force(session, round_.id), draft, ask is not None and ask.state == "refused"
