"""Asking for a re-balance, and what becomes of the proposal."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.i18n import _, ngettext
from services.chassis.web import now, transacted
from services.grouping import rebalances, rounds, schemas
from services.grouping.web.doors import blueprint, round_at, to_board


@blueprint.post("/g/<slug>/temps/<int:number>/reequilibrer")
@transacted
def ask_rebalance(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    wanted = pages.Form(request.form).read(schemas.NewRebalance)
    rounds.ask_rebalance(session, round_, policy=wanted["policy"], by=auth.actor().id, now=now())
    pages.tell(_("We are looking for the fewest moves. Nothing changes before you apply them."))
    return to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/reequilibrer/appliquer")
@transacted
def apply_rebalance(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    moved = len(rebalances.apply(session, round_, now=now()))
    said = ngettext(
        "One place has changed. Only this person is told.",
        "%(num)s places have changed. Only these people are told.",
        moved,
    )
    pages.tell(said, undo=url_for("web.go_back", slug=slug, number=number))
    return to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/reequilibrer/laisser")
@transacted
def discard_rebalance(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    rebalances.leave(session, round_)
    pages.tell(_("The proposal is left aside. Nothing has changed."))
    return to_board(slug, number)
