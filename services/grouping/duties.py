"""The roles of a plan: proposed for each group, carried from plan to plan, given to another when somebody leaves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.grouping import gatherings, members
from services.grouping.models import Group, Placement, Plan, Round
from services.grouping.roles import ROLES, propose

Vacant = Mapping[UUID, Collection[str]]


def settle(session: Session, round_: Round, plan: Plan, *, base: Plan | None) -> None:
    """Roles for a new plan: as in `base` for who stays in their group there, and somebody for what that leaves vacant.

    Without a base, or with one that knows no roles yet, they are proposed for every group.
    """
    seats = _seats(session, plan)
    with_a_role = select(Placement).where(Placement.plan_id == base.id, Placement.duty != "") if base else None
    had = session.scalars(with_a_role).all() if with_a_role is not None else []
    vacant: dict[UUID, set[str]] = {}
    if not had:
        vacant = {seat.group_id: set(ROLES) for seat in seats.values()}
    expected = {m.participant_id for m in members.known(session, round_.gathering_id) if m.is_expected}
    for before in had:
        seat = seats.get(before.participant_id)
        if seat is not None and seat.group_id == before.group_id and seat.participant_id in expected:
            seat.duty = before.duty
        else:
            vacant.setdefault(before.group_id, set()).add(before.duty)
    fill(session, round_, plan, vacant)


def fill(session: Session, round_: Round, plan: Plan, vacant: Vacant) -> None:
    """Propose somebody for these roles of these groups; whoever has another role there keeps it."""
    if not vacant:
        return
    session.flush()
    expected = {m.participant_id for m in members.known(session, round_.gathering_id) if m.is_expected}
    seats = [seat for seat in _seats(session, plan).values() if seat.participant_id in expected]
    # Equals are told apart by chance, the same each time: by name, the first letters would always be asked.
    seats.sort(key=lambda seat: uuid5(round_.id, str(seat.participant_id)))
    had, bringers = earlier(session, round_), bringing(session, round_)
    for group_id, wanted in vacant.items():
        here = [seat for seat in seats if seat.group_id == group_id]
        found = propose(
            [seat.participant_id for seat in here],
            earlier=had,
            bringers=bringers.get(group_id, ()),
            held={seat.duty: seat.participant_id for seat in here if seat.duty},
            wanted=wanted,
        )
        give(session, {seat.participant_id: seat for seat in here}, found)


def give(session: Session, seats: Mapping[UUID, Placement], chosen: Mapping[str, UUID]) -> None:
    """Write these roles to the seats of one group; who has none of them has none."""
    duty = {person: role for role, person in chosen.items()}
    for person, seat in seats.items():
        if seat.duty and duty.get(person) != seat.duty:
            seat.duty = ""
    session.flush()  # a role is free before it is somebody else's
    for person, seat in seats.items():
        seat.duty = duty.get(person, "")
    session.flush()


def of_group(session: Session, plan: Plan, group_id: UUID) -> dict[UUID, Placement]:
    """The seats of one group in a plan, by person."""
    return {person: seat for person, seat in _seats(session, plan).items() if seat.group_id == group_id}


def held(session: Session, plan: Plan) -> dict[UUID, str]:
    """Who has which role in a plan; one person has one at most."""
    mine = select(Placement.participant_id, Placement.duty).where(
        Placement.plan_id == plan.id, Placement.duty != ""
    )
    return {person: duty for person, duty in session.execute(mine)}


def earlier(session: Session, round_: Round) -> dict[UUID, list[str]]:
    """What each person does in the other published rounds of the gathering, so that roles go round."""
    rows = session.execute(
        select(Placement.participant_id, Placement.duty)
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Round, Round.id == Plan.round_id)
        .where(
            Round.gathering_id == round_.gathering_id,
            Round.id != round_.id,
            Plan.state == "published",
            Placement.duty != "",
        )
    )
    found: dict[UUID, list[str]] = {}
    for person, duty in rows:
        found.setdefault(person, []).append(duty)
    return found


def bringing(session: Session, round_: Round) -> dict[UUID, set[UUID]]:
    """By group, who brings its topic; in circles, who tells a story."""
    groups = session.scalars(select(Group).where(Group.round_id == round_.id)).all()
    if round_.kind == "topics":
        return {group.id: {group.carrier_id} for group in groups if group.carrier_id}
    tellers = set(gatherings.tellers(session, round_.gathering_id))
    return {group.id: tellers for group in groups}


def _seats(session: Session, plan: Plan) -> dict[UUID, Placement]:
    mine = select(Placement).where(Placement.plan_id == plan.id)
    return {seat.participant_id: seat for seat in session.scalars(mine)}
