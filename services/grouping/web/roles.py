"""Who facilitates, takes notes and keeps time in one group: changed by hand."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import request
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import pages
from services.chassis.errors import Refused
from services.chassis.i18n import _
from services.chassis.web import now, reading, transacted
from services.grouping import boards, plans, schemas, wording
from services.grouping.models import Gathering, Round
from services.grouping.web.doors import blueprint, round_at, to_board


@blueprint.get("/g/<slug>/temps/<int:number>/roles/<int:group>")
@reading
def show_roles(session: Session, slug: str, number: int, group: int) -> str:
    gathering, round_ = round_at(session, slug, number)
    return _roles_page(session, gathering, round_, group, None)


@blueprint.post("/g/<slug>/temps/<int:number>/roles/<int:group>")
@transacted
def assign(session: Session, slug: str, number: int, group: int) -> Any:
    gathering, round_ = round_at(session, slug, number)
    form = pages.Form(request.form)
    try:
        plans.assign(session, round_, group, form.read(schemas.RolesForm), now=now())
    except (ValidationError, Refused) as error:
        page = _roles_page(session, gathering, round_, group, form.refuse(error))
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    pages.tell(
        _("The roles of group %(group)s are kept. They are told once you publish the plan.", group=group)
    )
    return to_board(slug, number)


def _roles_page(
    session: Session, gathering: Gathering, round_: Round, group: int, form: pages.Form | None
) -> str:
    table = boards.table(session, round_, group)
    if form is None:
        form = pages.Form({seat.duty: str(seat.participant_id) for seat in table.members if seat.duty})
    return pages.render(
        "grouping/roles.html",
        gathering=gathering,
        round=round_,
        table=table,
        roles=wording.duties(),
        people=[(seat.participant_id, seat.name) for seat in table.members if not seat.is_gone],
        form=form,
    )
