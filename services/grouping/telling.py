"""Telling the others what a plan is: the whole when it is published, and each person their place and role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.outbox import publish as tell
from services.grouping import gatherings, seatings
from services.grouping.events import PersonPlaced, PlanPublished
from services.grouping.explanations import rank_of, reasons
from services.grouping.models import Announcement, Group, Member, Plan, Round
from services.grouping.questions import plan_groups


def announce(
    session: Session,
    round_: Round,
    plan: Plan,
    people: Mapping[UUID, Member],
    because: Mapping[UUID, str],
    now: datetime,
) -> None:
    """Tell what the plan in force is now, and each person whose place or role is another one than they were told."""
    groups = plan_groups(session, plan)
    seated = _seated(plan, groups, people)
    names = gatherings.territories(session, round_.gathering_id)
    tell(session, PlanPublished, about=_published(round_, plan, groups, seated, names), now=now)
    tell_people(session, round_, plan, people, because, now)


def tell_people(
    session: Session,
    round_: Round,
    plan: Plan,
    people: Mapping[UUID, Member],
    because: Mapping[UUID, str],
    now: datetime,
) -> None:
    """Each person whose place or role in this plan is another one than they were told."""
    groups = plan_groups(session, plan)
    seated = _seated(plan, groups, people)
    known = {
        told.participant_id: told
        for told in session.scalars(select(Announcement).where(Announcement.round_id == round_.id))
    }
    seated_now = {placement.participant_id for placement in plan.placements}
    for gone in known.keys() - seated_now:
        # Somebody who left and comes back is told of their place again.
        session.delete(known[gone])
    asked = {placement.participant_id: placement.duty for placement in plan.placements}
    part, wanted = seatings.parts(session, round_, groups), seatings.wished_numbers(session, round_, groups)
    earlier = seatings.met_before(session, round_)
    for group in groups:
        table = [seatings.seated(member) for member in seated[group.id]]
        for person in table:
            someone = person.participant_id
            before, role, duty = known.get(someone), part.get(someone, "member"), asked[someone]
            stays = before is not None and (before.group_number, before.role) == (group.number, role)
            if stays and before is not None and before.duty == duty:
                continue
            if before is None and not people[someone].is_expected:
                continue
            why = reasons(
                person,
                table,
                role=role,
                wish=rank_of(group.number, wanted.get(someone, ())),
                met={other for row in earlier for other in row.get(someone, ())},
                earlier_rounds=bool(earlier),
            )
            about = {
                "placement_id": uuid5(round_.id, str(someone)),
                "participant_id": someone,
                "gathering_id": round_.gathering_id,
                "round_id": round_.id,
                "kind": round_.kind,
                "round_name": round_.name,
                "group_number": group.number,
                "group_name": group.name,
                "question": group.question,
                "role": role,
                "duty": duty,
                "companions": len(table) - 1,
                "reasons": [because[someone], *why] if someone in because else why,
                "version": plan.version,
                "moved": before is not None and not stays,
                "before_number": before.group_number if before else None,
            }
            tell(session, PersonPlaced, about=about, now=now)
            if before is None:
                before = Announcement(round_id=round_.id, participant_id=someone)
                session.add(before)
            before.group_number, before.role, before.version = group.number, role, plan.version or 0
            before.duty = duty


def _published(
    round_: Round,
    plan: Plan,
    groups: Iterable[Group],
    seated: Mapping[UUID, list[Member]],
    names: Mapping[str, str],
) -> dict[str, object]:
    told = []
    for group in groups:
        here = seated[group.id]
        told.append(
            {
                "group_id": group.id,
                "number": group.number,
                "name": group.name,
                "question": group.question,
                "size": len(here),
                "territories": sorted({names.get(m.territory, m.territory) for m in here if m.territory}),
                "trades": sorted({m.trade for m in here if m.trade}),
            }
        )
    return {
        "round_id": round_.id,
        "gathering_id": round_.gathering_id,
        "kind": round_.kind,
        "name": round_.name,
        "version": plan.version,
        "people": len(plan.placements),
        "groups": told,
    }


def _seated(plan: Plan, groups: Iterable[Group], people: Mapping[UUID, Member]) -> dict[UUID, list[Member]]:
    """Who is in each group."""
    placed = sorted(plan.placements, key=lambda placement: placement.participant_id)
    return {group.id: [people[p.participant_id] for p in placed if p.group_id == group.id] for group in groups}
