"""The roles of a plan: proposed for each group, carried from plan to plan, given to another when somebody leaves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.grouping import gatherings, members
from services.grouping.models import Group, Placement, Plan, Round
from services.grouping.roles import ROLES, propose

Seats = Mapping[UUID, UUID]
Vacant = Mapping[UUID, Collection[str]]


def settled(session: Session, round_: Round, seats: Seats, *, base: Plan | None) -> dict[UUID, str]:
    """Who has which role in a new plan: as in `base` for who stays in their group there, and somebody for what that
    leaves vacant. Nobody else is named.

    Without a base, or with one that knows no roles yet, they are proposed for every group.
    """
    had = _with_a_role(session, base) if base else []
    vacant: dict[UUID, set[str]] = {}
    if not had:
        vacant = {group_id: set(ROLES) for group_id in seats.values()}
    kept: dict[UUID, str] = {}
    expected = members.expected(session, round_.gathering_id)
    for person, group_id, duty in had:
        if seats.get(person) == group_id and person in expected:
            kept[person] = duty
        else:
            vacant.setdefault(group_id, set()).add(duty)
    here = {person: group_id for person, group_id in seats.items() if person in expected}
    for found in _proposed(session, round_, here, kept, vacant).values():
        kept |= {person: duty for duty, person in found.items()}
    return kept


def fill(session: Session, round_: Round, plan: Plan, vacant: Vacant) -> None:
    """Propose somebody for these roles of these groups; whoever has another role there keeps it."""
    if not vacant:
        return
    session.flush()
    expected = members.expected(session, round_.gathering_id)
    seats = {person: seat for person, seat in _seats(session, plan).items() if person in expected}
    had = {person: seat.duty for person, seat in seats.items() if seat.duty}
    where = {person: seat.group_id for person, seat in seats.items()}
    for group_id, found in _proposed(session, round_, where, had, vacant).items():
        give(session, {person: seat for person, seat in seats.items() if seat.group_id == group_id}, found)


def _proposed(
    session: Session, round_: Round, seats: Seats, held: Mapping[UUID, str], vacant: Vacant
) -> dict[UUID, dict[str, UUID]]:
    """By group of `vacant`, who has each role there: those of `held` keep theirs."""
    if not vacant:
        return {}
    # Equals are told apart by chance, the same each time: by name, the first letters would always be asked.
    drawn = sorted(seats, key=lambda person: uuid5(round_.id, str(person)))
    tables: dict[UUID, list[UUID]] = {}
    for person in drawn:
        tables.setdefault(seats[person], []).append(person)
    had, bringers = earlier(session, round_), bringing(session, round_)
    return {
        group_id: propose(
            here := tables.get(group_id, []),
            earlier=had,
            bringers=bringers.get(group_id, ()),
            held={held[person]: person for person in here if person in held},
            wanted=wanted,
        )
        for group_id, wanted in vacant.items()
    }


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
    return {person: duty for person, _group, duty in _with_a_role(session, plan)}


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


def _with_a_role(session: Session, plan: Plan) -> Sequence[tuple[UUID, UUID, str]]:
    """Person, group and role."""
    mine = select(Placement.participant_id, Placement.group_id, Placement.duty)
    rows = session.execute(mine.where(Placement.plan_id == plan.id, Placement.duty != ""))
    return cast(Sequence[tuple[UUID, UUID, str]], rows.all())
