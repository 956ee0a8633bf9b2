"""Grouping for people: the rounds, the board, private rules, syntheses, the wall, and my place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from marshmallow import ValidationError
from sqlalchemy.orm import Session

from services.chassis import auth, pages
from services.chassis.errors import Forbidden, Refused, SignInNeeded
from services.chassis.i18n import _, ngettext
from services.chassis.web import now, reading, transacted
from services.grouping import (
    boards,
    gatherings,
    links,
    members,
    plans,
    rebalances,
    rounds,
    schemas,
    syntheses,
    wording,
)
from services.grouping.models import Gathering, Plan, Round

blueprint = Blueprint("web", __name__)
WORKERS = ("owner", "organiser", "facilitator")
HALL = (*WORKERS, "desk", "reader")


@blueprint.get("/g/<slug>")
@reading
def overview(session: Session, slug: str) -> str:
    gathering = _gathering(session, slug)
    return _overview(session, gathering, pages.Form())


@blueprint.post("/g/<slug>/temps")
@transacted
def open_round(session: Session, slug: str) -> Any:
    gathering = _gathering(session, slug)
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
    return _to_board(slug, round_.number)


@blueprint.get("/g/<slug>/temps/<int:number>")
@reading
def board(session: Session, slug: str, number: int) -> Any:
    gathering, round_ = _round(session, slug, number, *WORKERS)
    shown = boards.board(session, round_)
    page = pages.render(
        "grouping/board.html",
        gathering=gathering,
        board=shown,
        round=round_,
        territories=gatherings.territories(session, gathering.id),
        why_move=wording.why_move,
        conflict=wording.conflict(shown.ask.problem.get("rules", ()))
        if shown.ask and shown.ask.problem
        else [],
        before=_has_before(session, round_),
        may_change=_may_change(session, gathering),
    )
    return (page, HTTPStatus.OK, {"Refresh": "2"}) if shown.is_waiting else page


@blueprint.post("/g/<slug>/temps/<int:number>/former")
@transacted
def form_again(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    rounds.ask_form(session, round_, by=auth.actor().id, now=now())
    pages.tell(_("We are forming the groups again. What is published stays until you publish the new plan."))
    return _to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/publier")
@transacted
def publish(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    plan = plans.publish(session, round_, now=now())
    pages.tell(_published_words(plan.version or 0, len(plan.placements)))
    return _to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/revenir")
@transacted
def go_back(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    plans.go_back(session, round_, now=now())
    pages.tell(_("The plan before is in force again. Only people whose group changed are told."))
    return _to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/reequilibrer")
@transacted
def ask_rebalance(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    wanted = pages.Form(request.form).read(schemas.NewRebalance)
    rounds.ask_rebalance(session, round_, policy=wanted["policy"], by=auth.actor().id, now=now())
    pages.tell(_("We are looking for the fewest moves. Nothing changes before you apply them."))
    return _to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/reequilibrer/appliquer")
@transacted
def apply_rebalance(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    moved = len(rebalances.apply(session, round_, now=now()))
    said = ngettext(
        "One place has changed. Only this person is told.",
        "%(num)s places have changed. Only these people are told.",
        moved,
    )
    pages.tell(said, undo=url_for("web.go_back", slug=slug, number=number))
    return _to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/reequilibrer/laisser")
@transacted
def discard_rebalance(session: Session, slug: str, number: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    rebalances.leave(session, round_)
    pages.tell(_("The proposal is left aside. Nothing has changed."))
    return _to_board(slug, number)


@blueprint.get("/g/<slug>/temps/<int:number>/deplacer/<uuid:participant_id>")
@reading
def show_move(session: Session, slug: str, number: int, participant_id: UUID) -> str:
    gathering, round_ = _round(session, slug, number)
    return _move_page(session, gathering, round_, participant_id, pages.Form())


@blueprint.post("/g/<slug>/temps/<int:number>/deplacer/<uuid:participant_id>")
@transacted
def move(session: Session, slug: str, number: int, participant_id: UUID) -> Any:
    return _move(session, slug, number, participant_id)


def _move(session: Session, slug: str, number: int, participant_id: UUID) -> Any:
    gathering, round_ = _round(session, slug, number)
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
    return _to_board(slug, number)


@blueprint.post("/g/<slug>/temps/<int:number>/deplacer")
@transacted
def move_anyone(session: Session, slug: str, number: int) -> Any:
    """The board's dialog, where the person is a field of the form."""
    _round(session, slug, number)
    person = pages.Form(request.form).read(schemas.ChosenPerson)["person"]
    return _move(session, slug, number, person)


@blueprint.post("/g/<slug>/temps/<int:number>/deplacer/<uuid:participant_id>/vers/<int:to>")
@transacted
def move_back(session: Session, slug: str, number: int, participant_id: UUID, to: int) -> Any:
    _gathering_here, round_ = _round(session, slug, number)
    plans.move(session, round_, participant_id, to, now=now())
    pages.tell(_("The move is undone."))
    return _to_board(slug, number)


@blueprint.get("/g/<slug>/regles")
@reading
def show_links(session: Session, slug: str) -> str:
    return _links_page(session, _gathering(session, slug), pages.Form())


@blueprint.post("/g/<slug>/regles")
@transacted
def tie(session: Session, slug: str) -> Any:
    gathering = _gathering(session, slug)
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
    gathering = _gathering(session, slug)
    links.untie(session, gathering.id, link_id)
    pages.tell(_("The rule is removed."))
    return redirect(url_for("web.show_links", slug=slug), HTTPStatus.SEE_OTHER)


@blueprint.get("/g/<slug>/syntheses")
@reading
def show_syntheses(session: Session, slug: str) -> str:
    gathering = _gathering(session, slug, *WORKERS)
    return pages.render(
        "grouping/syntheses.html",
        gathering=gathering,
        circles=syntheses.circles(session, gathering.id),
        written=syntheses.written(session, gathering.id),
    )


@blueprint.get("/g/<slug>/syntheses/<int:number>")
@reading
def show_synthesis(session: Session, slug: str, number: int) -> str:
    gathering = _gathering(session, slug, *WORKERS)
    circle = syntheses.circle(session, gathering.id, number)
    known = syntheses.written(session, gathering.id).get(circle.id)
    form = pages.Form({"modalities": "\n".join(known.modalities)} if known else None)
    return pages.render("grouping/synthesis.html", gathering=gathering, circle=circle, form=form, known=known)


@blueprint.post("/g/<slug>/syntheses/<int:number>")
@transacted
def write_synthesis(session: Session, slug: str, number: int) -> Any:
    gathering = _gathering(session, slug, *WORKERS)
    circle = syntheses.circle(session, gathering.id, number)
    form = pages.Form(request.form)
    try:
        lines = form.read(schemas.SynthesisForm)["modalities"].splitlines()
        syntheses.write(session, gathering.id, number, modalities=lines, by=auth.actor().id, now=now())
    except (ValidationError, Refused) as error:
        page = pages.render(
            "grouping/synthesis.html", gathering=gathering, circle=circle, form=form.refuse(error), known=None
        )
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    pages.tell(_("The synthesis of circle %(number)s is kept.", number=number))
    return redirect(url_for("web.show_syntheses", slug=slug), HTTPStatus.SEE_OTHER)


@blueprint.get("/g/<slug>/mur")
@reading
def wall(session: Session, slug: str) -> str:
    """Where to go: group numbers and topics, for the projector; no names of people."""
    gathering = gatherings.at(session, slug)
    who = auth.participant()
    if who.gathering_id != gathering.id:
        auth.require(session, gathering.id, *HALL)
    wanted = request.args.get("temps", type=int)
    found = [r for r in rounds.of(session, gathering.id) if rounds.in_force(session, r.id)]
    shown = next((r for r in found if r.number == wanted), found[-1] if found else None)
    return pages.render(
        "grouping/wall.html",
        gathering=gathering,
        round=shown,
        groups=boards.wall(session, shown) if shown else [],
    )


@blueprint.get("/g/<slug>/ma-place")
@reading
def my_place(session: Session, slug: str) -> str:
    gathering = gatherings.at(session, slug)
    who = auth.participant()
    if who.kind != "participant" or who.id is None:
        raise SignInNeeded("Open the personal link of your letter: it leads to your place.")
    if who.gathering_id != gathering.id:
        raise Forbidden("This personal link is for another gathering.")
    return pages.render(
        "grouping/my_place.html",
        gathering=gathering,
        places=boards.places(session, gathering.id, who.id),
        why=wording.why,
        territories=gatherings.territories(session, gathering.id),
    )


def _gathering(session: Session, slug: str, *wanted: str) -> Gathering:
    gathering = gatherings.at(session, slug)
    auth.require(session, gathering.id, *wanted)
    return gathering


def _round(session: Session, slug: str, number: int, *wanted: str) -> tuple[Gathering, Round]:
    gathering = _gathering(session, slug, *wanted)
    return gathering, rounds.numbered(session, gathering.id, number)


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


def _has_before(session: Session, round_: Round) -> bool:
    plan = rounds.in_force(session, round_.id)
    return plan is not None and (plan.version or 0) > 1


def _may_change(session: Session, gathering: Gathering) -> bool:
    who = auth.actor()
    return who.id is not None and bool(auth.roles_held(session, gathering.id, who.id) & {"owner", "organiser"})


def _tell_move(slug: str, number: int, participant_id: UUID, name: str, before: int | None, after: int) -> None:
    if before is None:
        pages.tell(_("%(name)s has a seat in group %(after)s.", name=name, after=after))
        return
    undo = url_for("web.move_back", slug=slug, number=number, participant_id=participant_id, to=before)
    said = _("%(name)s went from group %(before)s to group %(after)s.", name=name, before=before, after=after)
    pages.tell(said, undo=undo)


def _published_words(version: int, people: int) -> str:
    if version == 1:
        return ngettext(
            "The groups are published. One person is told of their place.",
            "The groups are published. %(num)s people are told of their place.",
            people,
        )
    return _("The groups are published. Only people whose place is new or changed are told.")


def _to_board(slug: str, number: int) -> Any:
    return redirect(url_for("web.board", slug=slug, number=number), HTTPStatus.SEE_OTHER)
