"""The board of a round: its groups as they stand, formed, published, gone back to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.i18n import _, ngettext
from services.chassis.web import now, reading, transacted
from services.grouping import boards, gatherings, plans, rounds, wording
from services.grouping.models import Round
from services.grouping.web.doors import WORKERS, blueprint, may_change, round_at, to_board


@blueprint.get("/g/<slug>/temps/<int:number>")
@reading
def board(session: Session, slug: str, number: int) -> Any:
    gathering, round_ = round_at(session, slug, number, *WORKERS)
    shown = boards.board(session, round_)
    page = pages.render(
        "grouping/board.html",
        gathering=gathering,
        board=shown,
        round=round_,
        territories=gatherings.territories(session, gathering.id),
        why_move=wording.why_move,
        does=wording.does,
        conflict=wording.conflict(shown.ask.problem.get("rules", ()))
        if shown.ask and shown.ask.problem
        else [],
        before=_has_before(session, round_),
        may_change=may_change(session, gathering),
    )
    return (page, HTTPStatus.OK, {"Refresh": "2"}) if shown.is_waiting else page


@blueprint.post("/g/<slug>/temps/<int:number>/former")
@transacted
def form_again(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    rounds.ask_form(session, round_, by=auth.actor().id, now=now())
    pages.tell(_("We are forming the groups again. What is published stays until you publish the new plan."))
    return to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/arreter")
@transacted
def stop(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    rounds.stop(session, round_, now=now())
    pages.tell(_("We have stopped. Nothing has changed."))
    return to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/publier")
@transacted
def publish(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    plan = plans.publish(session, round_, now=now())
    pages.tell(_published_words(plan.version or 0, len(plan.placements)))
    return to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/revenir")
@transacted
def go_back(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = round_at(session, slug, number)
    plans.go_back(session, round_, now=now())
    pages.tell(_("The plan before is in force again. Only people whose group changed are told."))
    return to_board(slug, number)


def _has_before(session: Session, round_: Round) -> bool:
    plan = rounds.in_force(session, round_.id)
    return plan is not None and (plan.version or 0) > 1


def _published_words(version: int, people: int) -> str:
    if version == 1:
        return ngettext(
            "The groups are published. One person is told of their place.",
            "The groups are published. %(num)s people are told of their place.",
            people,
        )
    return _("The groups are published. Only people whose place is new or changed are told.")
