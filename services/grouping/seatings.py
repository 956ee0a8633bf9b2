"""Who sits with whom in a round, and what everyone at a table can see of the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy.orm import Session

from services.grouping import gatherings, members, rounds
from services.grouping.explanations import Seated
from services.grouping.models import Group, Member, Round
from services.grouping.questions import seats_of


def parts(session: Session, round_: Round, groups: Iterable[Group]) -> dict[UUID, str]:
    """Who carries a topic or tells a story; everyone else is a member."""
    if round_.kind == "topics":
        return {group.carrier_id: "carrier" for group in groups if group.carrier_id}
    return dict.fromkeys(gatherings.tellers(session, round_.gathering_id), "teller")


def wished_numbers(session: Session, round_: Round, groups: Iterable[Group]) -> dict[UUID, list[int]]:
    """The group numbers each person asked for, dearest first."""
    if round_.kind != "topics":
        return {}
    numbers = {group.topic_id: group.number for group in groups}
    return members.wishes(session, round_.gathering_id, numbers, unknown=0)


def met_before(session: Session, round_: Round) -> list[dict[UUID, set[UUID]]]:
    """For each earlier published round, who sat with whom: everyone's table, themselves included."""
    earlier = []
    for other in rounds.of(session, round_.gathering_id):
        plan = rounds.in_force(session, other.id) if other.number < round_.number else None
        if plan is not None:
            tables = tables_of(seats_of(session, plan))
            earlier.append({person: table for table in tables.values() for person in table})
    return earlier


def tables_of(seats: Mapping[UUID, UUID]) -> dict[UUID, set[UUID]]:
    """People by group."""
    tables: dict[UUID, set[UUID]] = {}
    for person, group in seats.items():
        tables.setdefault(group, set()).add(person)
    return tables


def seated(member: Member) -> Seated:
    """What everyone can see of a member."""
    return Seated(member.participant_id, member.territory, member.trade, member.structure)
