"""Moving one person by hand, or keeping them where they are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import request, url_for
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import pages
from services.chassis.errors import Refused
from services.chassis.i18n import _
from services.chassis.web import now, reading, transacted
from services.grouping import boards, gatherings, members, plans, schemas, wording
from services.grouping.models import Gathering, Round
from services.grouping.web.doors import blueprint, round_at, to_board


@blueprint.get("/g/<slug>/temps/<int:number>/deplacer/<uuid:participant_id>")
@reading
def show_move(session: Session, slug: str, number: int, participant_id: UUID) -> str:
    gathering, round_ = round_at(session, slug, number)
    return _move_page(session, gathering, round_, participant_id, pages.Form())


@blueprint.post("/g/<slug>/temps/<int:number>/deplacer/<uuid:participant_id>")
@transacted
def move(session: Session, slug: str, number: int, participant_id: UUID) -> Any:
    return _move(session, slug, number, participant_id)


def _move(session: Session, slug: str, number: int, participant_id: UUID) -> Any:
    gathering, round_ = round_at(session, slug, number)
    form = pages.Form(request.form)
    member = members.one(session, gathering.id, participant_id)
    try:
        if "lock" in request.form:
            group = plans.lock(session, round_, participant_id)
            pages.tell(
                _(
                    "%(name)s stays in group %(group)s, whatever we work out later.",
                    name=member.name,
                    group=group,
                )
            )
        elif "unlock" in request.form:
            plans.unlock(session, round_, participant_id)
            pages.tell(_("%(name)s may be moved again.", name=member.name))
        else:
            wanted = form.read(schemas.MoveForm)
            before, after = plans.move(session, round_, participant_id, wanted["to"], now=now())
            _tell_move(slug, number, participant_id, member.name, before, after)
    except (ValidationError, Refused) as error:
        page = _move_page(session, gathering, round_, participant_id, form.refuse(error))
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    return to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/deplacer")
@transacted
def move_anyone(session: Session, slug: str, number: int) -> Any:
    """The board's dialog, where the person is a field of the form."""
    round_at(session, slug, number)
    person = pages.Form(request.form).read(schemas.ChosenPerson)["person"]
    return _move(session, slug, number, person)


@blueprint.post("/g/<slug>/temps/<int:number>/deplacer/<uuid:participant_id>/vers/<int:to>")
@transacted
def move_back(session: Session, slug: str, number: int, participant_id: UUID, to: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    plans.move(session, round_, participant_id, to, now=now())
    pages.tell(_("The move is undone."))
    return to_board(slug, number)


def _move_page(
    session: Session, gathering: Gathering, round_: Round, participant_id: UUID, form: pages.Form
) -> str:
    member = members.one(session, gathering.id, participant_id)
    shown = boards.board(session, round_)
    territories = gatherings.territories(session, gathering.id)
    options = []
    for table, codes in boards.move_choices(session, shown, member):
        words = wording.choice(codes, territories)
        name = _("Group %(group)s, %(topic)s", group=table.number, topic=table.name)
        options.append((table.number, f"{name} – {words}" if words else name))
    here = next((t for t in shown.tables if any(s.participant_id == participant_id for s in t.members)), None)
    seat = next((s for s in here.members if s.participant_id == participant_id), None) if here else None
    return pages.render(
        "grouping/move.html",
        gathering=gathering,
        round=round_,
        member=member,
        table=here,
        seat=seat,
        options=options,
        form=form,
    )


def _tell_move(slug: str, number: int, participant_id: UUID, name: str, before: int | None, after: int) -> None:
    if before is None:
        pages.tell(_("%(name)s has a seat in group %(after)s.", name=name, after=after))
        return
    undo = url_for("web.move_back", slug=slug, number=number, participant_id=participant_id, to=before)
    said = _("%(name)s went from group %(before)s to group %(after)s.", name=name, before=before, after=after)
    pages.tell(said, undo=undo)
