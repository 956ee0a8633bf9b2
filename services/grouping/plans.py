"""Plans of a round: kept, changed by hand, published, gone back to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.grouping import duties, members, proving, rounds, telling
from services.grouping.models import Ask, Group, Lock, Placement, Plan, Proof, Round
from services.grouping.questions import Solved, plan_groups, seats_of
from services.grouping.roles import NOT_FOR_BRINGERS, ROLES


class NoPlan(Refused):
    code = "no-plan"


class CarrierStays(Refused):
    code = "carrier-stays"


class BringerListens(Refused):
    code = "bringer-listens"


class OneRoleEach(Refused):
    code = "one-role-each"


class UnknownGroup(NotFound):
    code = "unknown-group"


class NotSeated(Refused):
    code = "not-seated"


class NothingBefore(Refused):
    code = "nothing-before"


def keep(session: Session, ask_id: UUID, solved: Solved | None, *, now: datetime) -> Plan | None:
    """Put a worked-out plan on the board; an ask nobody waits for any more leaves no trace."""
    ask = session.get(Ask, ask_id, with_for_update=True)
    if ask is None or ask.state != "asked" or solved is None:
        return None
    ask.ended_at = now
    if solved.problem is not None:
        ask.state, ask.problem = "refused", solved.problem
        return None
    here = rounds.in_force(session, ask.round_id)
    if solved.base is not None and (here is None or here.id != solved.base):
        ask.state, ask.problem = "refused", {"code": "overtaken", "rules": []}
        return None
    ask.state = "ready"
    state = "draft" if solved.base is None else "proposal"
    round_ = rounds.by_id(session, ask.round_id)
    base = here if solved.base is not None else None
    plan = _new_plan(session, round_, solved.seats, state=state, base=base, figures=solved.figures, now=now)
    proving.ask(session, plan, solved.question, now=now)
    return plan


def publish(
    session: Session,
    round_: Round,
    *,
    now: datetime,
    state: str = "draft",
    because: Mapping[UUID, str] | None = None,
) -> Plan:
    """Put the draft (or the proposal) in force, and tell each person whose place or role is new or changed.

    People who left since it was made lose their place in it, and somebody else is proposed for the role that they had;
    who was seated meanwhile keeps theirs. `because` has a
    code for those whom a re-balance moves, which goes before the other reasons. Raises NoPlan.
    """
    _lock(session, round_)
    plan = rounds.on_the_table(session, round_.id, state)
    if plan is None:
        raise NoPlan("There is nothing to publish: form the groups first.")
    here = rounds.in_force(session, round_.id)
    meanwhile = seats_of(session, here) if here is not None and here is not plan else {}
    session.execute(
        update(Plan).where(Plan.round_id == round_.id, Plan.state == "published").values(state="past")
    )
    last = session.scalar(select(func.max(Plan.version)).where(Plan.round_id == round_.id))
    plan.state, plan.version, plan.published_at = "published", (last or 0) + 1, now
    _drop_others(session, plan, "draft", "proposal")
    people = {m.participant_id: m for m in members.known(session, round_.gathering_id)}
    tables, seated_here = {g.id for g in plan_groups(session, plan)}, set(seats_of(session, plan))
    for person, group_id in meanwhile.items():
        if person not in seated_here and group_id in tables:
            plan.placements.append(Placement(participant_id=person, group_id=group_id))
    vacant: dict[UUID, set[str]] = {}
    for placement in list(plan.placements):
        if placement.participant_id not in people or not people[placement.participant_id].is_expected:
            if placement.duty:
                vacant.setdefault(placement.group_id, set()).add(placement.duty)
            plan.placements.remove(placement)
    session.flush()
    duties.fill(session, round_, plan, vacant)
    telling.announce(session, round_, plan, people, because or {}, now)
    return plan


def go_back(session: Session, round_: Round, *, now: datetime) -> Plan:
    """Publish the plan that was in force before this one, for those who still come. Raises NothingBefore."""
    _lock(session, round_)
    mine = select(Plan).where(Plan.round_id == round_.id, Plan.state == "past")
    before = session.scalar(mine.order_by(Plan.version.desc()).limit(1))
    if before is None or rounds.in_force(session, round_.id) is None:
        raise NothingBefore("No plan was in force before this one.")
    seats = seats_of(session, before)
    _new_plan(session, round_, seats, state="draft", base=before, figures=before.figures, now=now)
    return publish(session, round_, now=now)


def move(
    session: Session, round_: Round, participant_id: UUID, number: int, *, now: datetime
) -> tuple[int | None, int]:
    """Give one person another group on the board; nobody is told before it is published.

    A role stays with the group that they leave: somebody else there is proposed for it.

    Returns the numbers of the group before (None: they had no seat) and after. Raises UnknownMember,
    UnknownGroup, CarrierStays, NoPlan.
    """
    _lock(session, round_)
    members.one(session, round_.gathering_id, participant_id)
    draft = _draft(session, round_, now)
    groups = {group.number: group for group in _groups_at_hand(session, round_, draft)}
    if number not in groups:
        raise UnknownGroup("There is no such group.", field="to")
    carried = next((g for g in groups.values() if g.carrier_id == participant_id), None)
    if carried is not None and carried.number != number:
        raise CarrierStays(
            "This person carries the topic of group %(group)s and stays there.", group=carried.number
        )
    placement = session.get(Placement, (draft.id, participant_id))
    before = next((g.number for g in groups.values() if placement and g.id == placement.group_id), None)
    if placement is None:
        session.add(Placement(plan_id=draft.id, participant_id=participant_id, group_id=groups[number].id))
    elif placement.group_id != groups[number].id:
        left, duty = placement.group_id, placement.duty
        placement.group_id, placement.duty = groups[number].id, ""
        duties.fill(session, round_, draft, {left: {duty}} if duty else {})
    held = session.get(Lock, (round_.id, participant_id))
    if held is not None:
        held.group_id = groups[number].id
    return before, number


def assign(
    session: Session, round_: Round, number: int, chosen: Mapping[str, UUID | None], *, now: datetime
) -> None:
    """Give the roles of one group to these people on the board (None: to nobody), before anybody is told.

    A role that is not named stays with who has it. Raises NoPlan, UnknownGroup, NotSeated, OneRoleEach, BringerListens:
    the last three with the role as their field.
    """
    _lock(session, round_)
    plan = at_hand(session, round_.id)
    if plan is None:
        raise NoPlan("There is no plan yet: form the groups first.")
    group = next((one for one in plan_groups(session, plan) if one.number == number), None)
    if group is None:
        raise UnknownGroup("There is no such group.")
    seats = duties.of_group(session, plan, group.id)
    had = {seat.duty: person for person, seat in seats.items() if seat.duty}
    named = {**had, **chosen}
    wanted = {role: person for role in ROLES if (person := named.get(role)) is not None}
    bringers = duties.bringing(session, round_).get(group.id, set())
    for role, person in wanted.items():
        if person not in seats:
            raise NotSeated("This person is not in this group: choose somebody who is.", field=role)
        if role in NOT_FOR_BRINGERS and person in bringers and had.get(role) != person:
            raise BringerListens(
                "The group works on what this person brings: choose somebody else for this role.", field=role
            )
        if person in [wanted[other] for other in wanted if ROLES.index(other) < ROLES.index(role)]:
            raise OneRoleEach("This person has another role here already: choose somebody else.", field=role)
    if wanted != had:
        duties.give(session, duties.of_group(session, _draft(session, round_, now), group.id), wanted)


def hand_over(session: Session, participant_id: UUID, *, now: datetime) -> None:
    """Somebody who has roles does not come: another person of the group is proposed for each of them.

    In the plan in force they have it at once and both are told; on the board nobody is told yet.
    """
    held = (
        select(Plan, Placement.group_id)
        .join(Placement, Placement.plan_id == Plan.id)
        .where(
            Placement.participant_id == participant_id,
            Placement.duty != "",
            Plan.state.in_(("draft", "proposal", "published")),
        )
        .order_by(Plan.round_id, Plan.number)
    )
    for plan, group_id in session.execute(held).all():
        round_ = rounds.by_id(session, plan.round_id)
        _lock(session, round_)
        seat = session.get(Placement, (plan.id, participant_id), populate_existing=True)
        if seat is None or not seat.duty:
            continue
        duty, seat.duty = seat.duty, ""
        duties.fill(session, round_, plan, {group_id: {duty}})
        if plan.state == "published":
            people = {m.participant_id: m for m in members.known(session, round_.gathering_id)}
            telling.tell_people(session, round_, plan, people, {}, now)


def lock(session: Session, round_: Round, participant_id: UUID) -> int:
    """Keep somebody where they sit, whatever is worked out later; returns their group. Raises NotSeated."""
    plan = at_hand(session, round_.id)
    placement = session.get(Placement, (plan.id, participant_id)) if plan else None
    if placement is None:
        raise NotSeated("This person has no seat in this round yet.")
    held = session.get(Lock, (round_.id, participant_id))
    if held is None:
        session.add(Lock(round_id=round_.id, participant_id=participant_id, group_id=placement.group_id))
    else:
        held.group_id = placement.group_id
    group = session.get(Group, placement.group_id)
    return group.number if group else 0


def unlock(session: Session, round_: Round, participant_id: UUID) -> None:
    held = session.get(Lock, (round_.id, participant_id))
    if held is not None:
        session.delete(held)


def at_hand(session: Session, round_id: UUID) -> Plan | None:
    """What the board shows: the draft, or else the plan in force."""
    return rounds.on_the_table(session, round_id, "draft") or rounds.in_force(session, round_id)


def _draft(session: Session, round_: Round, now: datetime) -> Plan:
    """The draft on the board; the plan in force is copied when there is none. Raises NoPlan."""
    draft = rounds.on_the_table(session, round_.id, "draft")
    if draft is not None:
        return draft
    here = rounds.in_force(session, round_.id)
    if here is None:
        raise NoPlan("There is no plan yet: form the groups first.")
    seats = seats_of(session, here)
    return _new_plan(session, round_, seats, state="draft", base=here, figures=here.figures, now=now)


def _groups_at_hand(session: Session, round_: Round, plan: Plan) -> list[Group]:
    found = {group.id: group for group in rounds.current_groups(session, round_)}
    found |= {group.id: group for group in plan_groups(session, plan)}
    return list(found.values())


def _new_plan(
    session: Session,
    round_: Round,
    seats: Mapping[UUID, UUID],
    *,
    state: str,
    base: Plan | None,
    figures: dict[str, Any],
    now: datetime,
) -> Plan:
    """A plan with these seats, and the roles of `base` as far as they hold."""
    last = session.scalar(select(func.max(Plan.number)).where(Plan.round_id == round_.id))
    plan = Plan(
        round_id=round_.id,
        number=(last or 0) + 1,
        state=state,
        based_on=base.id if base else None,
        figures=figures,
        made_at=now,
    )
    session.add(plan)
    session.flush()
    has = duties.settled(session, round_, seats, base=base)
    # In one go: made one by one, the seats of 132 people take longer than the queue does.
    rows = [
        {"plan_id": plan.id, "participant_id": person, "group_id": group_id, "duty": has.get(person, "")}
        for person, group_id in seats.items()
    ]
    if rows:
        session.execute(insert(Placement.__table__), rows)  # type: ignore[arg-type]
    _drop_others(session, plan, state)
    return plan


def _drop_others(session: Session, plan: Plan, *states: str) -> None:
    """A newer draft takes the place of the one before it, a newer proposal too, and a published plan that of both."""
    drop(session, (Plan.round_id == plan.round_id) & (Plan.id != plan.id) & Plan.state.in_(states))


def drop(session: Session, which: ColumnElement[bool]) -> None:
    """Leave plans aside for good; nobody wonders any more how good they are, which was asked with private rules."""
    session.execute(delete(Proof).where(Proof.plan_id.in_(select(Plan.id).where(which))))
    session.execute(update(Plan).where(which).values(state="dropped"))


def held(session: Session, round_: Round) -> Plan | None:
    """The plan in force, which nobody else changes until this transaction ends."""
    _lock(session, round_)
    return rounds.in_force(session, round_.id)


def _lock(session: Session, round_: Round) -> None:
    session.get(Round, round_.id, with_for_update=True, populate_existing=True)
