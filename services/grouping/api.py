"""Grouping for programs: rounds, plans, re-balances, private rules, syntheses."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis import auth
from services.chassis.doors import Doors, to_participants
from services.chassis.errors import SignInNeeded
from services.chassis.shapes import PageQuery, page, page_of
from services.chassis.web import now, reading, transacted
from services.grouping import boards, gatherings, links, members, plans, rebalances, rounds, schemas, syntheses
from services.grouping.models import Link, Plan, Round, Synthesis
from services.grouping.wording import usual_name

blueprint = Doors("grouping", __name__, url_prefix="/api/grouping", description=__doc__)
WORKERS = ("owner", "organiser", "facilitator")
DESKS = (*WORKERS, "desk")


@blueprint.get("/gatherings/<uuid:gathering_id>/people")
@blueprint.arguments(PageQuery, location="query")
@reading
@blueprint.response(HTTPStatus.OK, page_of(schemas.PersonView))
def people(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Everyone who ever held a seat here, as grouping knows them."""
    auth.require(session, gathering_id)
    return page(members.known(session, gathering_id), **wanted)


@blueprint.get("/gatherings/<uuid:gathering_id>/whereabouts")
@blueprint.arguments(schemas.WhoseWhereabouts, location="query")
@reading
@blueprint.response(HTTPStatus.OK, page_of(schemas.WhereaboutsView))
def whereabouts(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Who sits where, in the rounds whose groups are published; the welcome desk tells those who have just come."""
    auth.require(session, gathering_id, *DESKS)
    found = boards.whereabouts(session, gathering_id, wanted.pop("participant_id"))
    return page(found, **wanted)


@blueprint.get("/gatherings/<uuid:gathering_id>/rounds")
@blueprint.arguments(PageQuery, location="query")
@reading
@blueprint.response(HTTPStatus.OK, page_of(schemas.RoundView))
def list_rounds(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """The rounds of a gathering, in their order."""
    auth.require(session, gathering_id, *WORKERS)
    return page(rounds.of(session, gathering_id), **wanted)


@blueprint.post("/gatherings/<uuid:gathering_id>/rounds")
@blueprint.arguments(schemas.NewRound)
@transacted
@blueprint.response(HTTPStatus.ACCEPTED, schemas.RoundView)
def open_round(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Round:
    """Begin a round; its groups are worked out in the background, and GET of the round says when they stand."""
    who = auth.require(session, gathering_id)
    gathering = gatherings.by_id(session, gathering_id)
    name = wanted["name"] or usual_name(wanted["kind"], gathering.language)
    return rounds.open_round(session, gathering_id, kind=wanted["kind"], name=name, by=who.id, now=now())


@blueprint.get("/rounds/<uuid:round_id>")
@reading
@blueprint.response(HTTPStatus.OK, schemas.BoardView)
def show_round(session: Session, round_id: UUID) -> dict[str, Any]:
    """A round and what is on its board."""
    return _shown(session, _round(session, round_id, *WORKERS))


@blueprint.post("/rounds/<uuid:round_id>/form")
@transacted
@blueprint.response(HTTPStatus.ACCEPTED, schemas.AskView)
def ask_form(session: Session, round_id: UUID) -> Any:
    """Work the groups out again; what is published stays until the new plan is."""
    round_ = _round(session, round_id)
    return rounds.ask_form(session, round_, by=auth.actor().id, now=now())


@blueprint.post("/rounds/<uuid:round_id>/stop")
@transacted
@blueprint.response(HTTPStatus.NO_CONTENT)
def stop(session: Session, round_id: UUID) -> None:
    """Wait no longer for groups or a re-balance that were asked for; what is on the board stays."""
    rounds.stop(session, _round(session, round_id), now=now())


@blueprint.post("/rounds/<uuid:round_id>/publish")
@transacted
@blueprint.response(HTTPStatus.OK, schemas.BoardView)
def publish(session: Session, round_id: UUID) -> dict[str, Any]:
    """Put the draft in force; each person whose place is new or changed is told."""
    round_ = _round(session, round_id)
    plans.publish(session, round_, now=now())
    return _shown(session, round_)


@blueprint.post("/rounds/<uuid:round_id>/moves")
@blueprint.arguments(schemas.NewMove)
@transacted
@blueprint.response(HTTPStatus.OK, schemas.BoardView)
def move(session: Session, wanted: dict[str, Any], round_id: UUID) -> dict[str, Any]:
    """Give one person another group on the board."""
    round_ = _round(session, round_id)
    plans.move(session, round_, wanted["participant_id"], wanted["to"], now=now())
    session.flush()
    return _shown(session, round_)


@blueprint.put("/rounds/<uuid:round_id>/groups/<int:number>/roles")
@blueprint.arguments(schemas.NewRoles)
@transacted
@blueprint.response(HTTPStatus.OK, schemas.BoardView)
def assign(session: Session, wanted: dict[str, Any], round_id: UUID, number: int) -> dict[str, Any]:
    """Say who facilitates, takes notes and keeps time in one group, on the board."""
    round_ = _round(session, round_id)
    plans.assign(session, round_, number, wanted, now=now())
    return _shown(session, round_)


@blueprint.post("/rounds/<uuid:round_id>/locks")
@blueprint.arguments(schemas.NewLock)
@transacted
@blueprint.response(HTTPStatus.NO_CONTENT)
def lock(session: Session, wanted: dict[str, Any], round_id: UUID) -> None:
    """Keep somebody where they sit."""
    plans.lock(session, _round(session, round_id), wanted["participant_id"])


@blueprint.delete("/rounds/<uuid:round_id>/locks/<uuid:participant_id>")
@transacted
@blueprint.response(HTTPStatus.NO_CONTENT)
def unlock(session: Session, round_id: UUID, participant_id: UUID) -> None:
    """Let somebody be moved again."""
    plans.unlock(session, _round(session, round_id), participant_id)


@blueprint.post("/rounds/<uuid:round_id>/rebalance")
@blueprint.arguments(schemas.NewRebalance)
@transacted
@blueprint.response(HTTPStatus.ACCEPTED, schemas.AskView)
def ask_rebalance(session: Session, wanted: dict[str, Any], round_id: UUID) -> Any:
    """Ask which few people should move; nothing changes before the proposal is applied."""
    round_ = _round(session, round_id)
    return rounds.ask_rebalance(session, round_, policy=wanted["policy"], by=auth.actor().id, now=now())


@blueprint.get("/rounds/<uuid:round_id>/rebalance")
@reading
@blueprint.response(HTTPStatus.OK, schemas.ProposalView)
def show_rebalance(session: Session, round_id: UUID) -> dict[str, Any]:
    """The proposal to look at: who would move where, and why."""
    round_ = _round(session, round_id)
    ask, proposal = rounds.last_ask(session, round_.id), rounds.on_the_table(session, round_.id, "proposal")
    state = "ready" if proposal else "none"
    return {
        "state": "waiting" if ask and ask.is_waiting else state,
        "ask": ask if ask and ask.kind == "rebalance" else None,
        "figures": boards.figures_of(proposal),
        "moves": rebalances.moves(session, round_, proposal) if proposal else [],
    }


@blueprint.post("/rounds/<uuid:round_id>/rebalance/apply")
@transacted
@blueprint.response(HTTPStatus.OK, schemas.BoardView)
def apply_rebalance(session: Session, round_id: UUID) -> dict[str, Any]:
    """Put the proposal in force; only those who move or are new are told."""
    round_ = _round(session, round_id)
    rebalances.apply(session, round_, now=now())
    return _shown(session, round_)


@blueprint.post("/rounds/<uuid:round_id>/rebalance/discard")
@transacted
@blueprint.response(HTTPStatus.NO_CONTENT)
def discard_rebalance(session: Session, round_id: UUID) -> None:
    """Put a proposal aside; nobody moves."""
    rebalances.leave(session, _round(session, round_id))


@blueprint.post("/rounds/<uuid:round_id>/back")
@transacted
@blueprint.response(HTTPStatus.OK, schemas.BoardView)
def go_back(session: Session, round_id: UUID) -> dict[str, Any]:
    """Publish the plan that was in force before this one."""
    round_ = _round(session, round_id)
    plans.go_back(session, round_, now=now())
    return _shown(session, round_)


@blueprint.get("/rounds/<uuid:round_id>/fairness")
@reading
@blueprint.response(HTTPStatus.OK, schemas.FairnessView)
def fairness(session: Session, round_id: UUID) -> Any:
    """Who has their first, second, third wish."""
    return boards.board(session, _round(session, round_id, *WORKERS)).fairness


@blueprint.get("/gatherings/<uuid:gathering_id>/links")
@blueprint.arguments(PageQuery, location="query")
@reading
@blueprint.response(HTTPStatus.OK, page_of(schemas.LinkView))
def list_links(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Private rules between two people."""
    auth.require(session, gathering_id)
    return page(links.of(session, gathering_id), **wanted)


@blueprint.post("/gatherings/<uuid:gathering_id>/links")
@blueprint.arguments(schemas.NewLink)
@transacted
@blueprint.response(HTTPStatus.CREATED, schemas.LinkView)
def tie(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Link:
    """Keep two people together, or apart."""
    who = auth.require(session, gathering_id)
    return links.tie(
        session,
        gathering_id,
        kind=wanted["kind"],
        one=wanted["one_id"],
        other=wanted["other_id"],
        by=who.id,
        now=now(),
    )


@blueprint.delete("/gatherings/<uuid:gathering_id>/links/<uuid:link_id>")
@transacted
@blueprint.response(HTTPStatus.NO_CONTENT)
def untie(session: Session, gathering_id: UUID, link_id: UUID) -> None:
    """Take a private rule back."""
    auth.require(session, gathering_id)
    links.untie(session, gathering_id, link_id)


@blueprint.get("/gatherings/<uuid:gathering_id>/syntheses")
@blueprint.arguments(PageQuery, location="query")
@reading
@blueprint.response(HTTPStatus.OK, page_of(schemas.SynthesisView))
def list_syntheses(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """What the circles found, in the order of their angles."""
    auth.require(session, gathering_id, *WORKERS)
    written = syntheses.written(session, gathering_id)
    found = [written[c.id] for c in syntheses.circles(session, gathering_id) if c.id in written]
    return page(found, **wanted)


@blueprint.put("/gatherings/<uuid:gathering_id>/syntheses/<int:number>")
@blueprint.arguments(schemas.NewSynthesis)
@transacted
@blueprint.response(HTTPStatus.OK, schemas.SynthesisView)
def write_synthesis(session: Session, wanted: dict[str, Any], gathering_id: UUID, number: int) -> Synthesis:
    """Write what the circle of an angle found, instead of what stood there."""
    who = auth.require(session, gathering_id, *WORKERS)
    return syntheses.write(session, gathering_id, number, modalities=wanted["modalities"], by=who.id, now=now())


@blueprint.get("/my-places")
@to_participants
@blueprint.arguments(PageQuery, location="query")
@reading
@blueprint.response(HTTPStatus.OK, page_of(schemas.PlaceView))
def my_places(session: Session, wanted: dict[str, Any]) -> dict[str, Any]:
    """The groups of the participant who asks, and why."""
    who = auth.participant()
    if who.id is None or who.gathering_id is None:
        raise SignInNeeded("Open the personal link of your letter first.")
    return page(boards.places(session, who.gathering_id, who.id), **wanted)


def _round(session: Session, round_id: UUID, *wanted: str) -> Round:
    round_ = rounds.by_id(session, round_id)
    auth.require(session, round_.gathering_id, *wanted)
    return round_


def _shown(session: Session, round_: Round) -> dict[str, Any]:
    board = boards.board(session, round_)
    plan: Plan | None = board.plan
    state = plan.state if plan else "empty"
    return {
        **vars(board),
        "people": board.people,
        "state": "waiting" if board.is_waiting else state,
        "figures": boards.figures_of(plan),
    }
