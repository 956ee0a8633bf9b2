"""Who arrives without a seat gets one at once, where it disturbs nobody: walk-ins, and who registered late.

Nobody else moves. What can be better then is the next re-balance's to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from services.grouping import links, members, plans, seatings, telling
from services.grouping.models import Group, Lock, Member, Placement, Plan, Round
from services.grouping.questions import plan_groups, seats_of


def arrive(session: Session, participant_id: UUID, *, now: datetime) -> int:
    """Somebody is here; they are seated in each published round in which they have no place. Returns how many those
    were. One who never held a seat is not known here.
    """
    members.note(session, participant_id, state="present")
    member = session.get(Member, participant_id)
    if member is None:
        return 0
    session.flush()
    seat = exists().where(Placement.plan_id == Plan.id, Placement.participant_id == participant_id)
    without = (
        select(Round)
        .join(Plan, Plan.round_id == Round.id)
        .where(Round.gathering_id == member.gathering_id, Plan.state == "published", ~seat)
        .order_by(Round.number)
    )
    return sum(_seat(session, round_, member, now=now) for round_ in session.scalars(without).all())


def _seat(session: Session, round_: Round, member: Member, *, now: datetime) -> bool:
    """Give a place in the plan in force; False when no group may take this person."""
    plan = plans.held(session, round_)
    if plan is None or session.get(Placement, (plan.id, member.participant_id)) is not None:
        return False
    people = {m.participant_id: m for m in members.known(session, round_.gathering_id)}
    tables: dict[UUID, list[Member]] = {group.id: [] for group in plan_groups(session, plan)}
    for person, group_id in seats_of(session, plan).items():
        if person in people and people[person].is_expected:
            tables[group_id].append(people[person])
    group = _choose(session, round_, member, plan_groups(session, plan), tables)
    if group is None:
        return False
    plan.placements.append(Placement(participant_id=member.participant_id, group_id=group.id))
    session.flush()
    telling.announce(session, round_, plan, people, {}, now)
    return True


def _choose(
    session: Session,
    round_: Round,
    member: Member,
    groups: Sequence[Group],
    tables: Mapping[UUID, Sequence[Member]],
) -> Group | None:
    """The group of their topic, the one they were locked to, or their companion's; else the one with the fewest people.

    Among several of those, where the fewest share their structure, then territory and trade, then the dearest wish.
    None where they must not meet somebody in every group.
    """
    me = member.participant_id
    ties = [link for link in links.of(session, round_.gathering_id) if me in (link.one_id, link.other_id)]
    others = {
        kind: {link.other_id if link.one_id == me else link.one_id for link in ties if link.kind == kind}
        for kind in ("together", "apart")
    }
    sits = {one.participant_id: group_id for group_id, table in tables.items() for one in table}
    held = session.get(Lock, (round_.id, me))
    must = {group.id for group in groups if group.carrier_id == me}
    must = must or ({held.group_id} if held is not None else set())
    must = must or {sits[other] for other in others["together"] if other in sits}
    shut = {sits[other] for other in others["apart"] if other in sits}
    wished = seatings.wished_numbers(session, round_, groups).get(me, [])
    can = [group for group in groups if group.id not in shut and (not must or group.id in must)]

    def price(group: Group) -> tuple[int, ...]:
        table = tables[group.id]
        same = {
            name: sum(
                bool(getattr(member, name)) and getattr(one, name) == getattr(member, name) for one in table
            )
            for name in ("structure", "territory", "trade")
        }
        wish = wished.index(group.number) if group.number in wished else len(wished)
        return len(table), same["structure"], same["territory"] + same["trade"], wish, group.number

    return min(can, key=price, default=None)
