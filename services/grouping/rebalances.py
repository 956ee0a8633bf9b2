"""Re-balancing a published round: the few moves proposed, why, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from services.grouping import members, plans, questions, rounds, seatings
from services.grouping.explanations import move_reason, rank_of
from services.grouping.models import Member, Plan, Round


@dataclass(frozen=True)
class Move:
    """One person whom a re-balance gives another table; `before` is None for somebody who had no seat."""

    participant_id: UUID
    name: str
    territory: str
    before: int | None
    after: int
    reason: str


def moves(session: Session, round_: Round, proposal: Plan) -> list[Move]:
    """Who would move, and why, by the number of the table they go to."""
    base = session.get(Plan, proposal.based_on) if proposal.based_on else None
    people = {m.participant_id: m for m in members.known(session, round_.gathering_id)}
    before = questions.seats_of(session, base) if base else {}
    after = questions.seats_of(session, proposal)
    groups = questions.plan_groups(session, base or proposal)
    number = {group.id: group.number for group in groups}
    came = {group.id: 0 for group in groups}
    for person, group_id in before.items():
        if person in people and people[person].is_expected:
            came[group_id] += 1
    least, most = sizes(len(after), len(groups))
    wanted = seatings.wished_numbers(session, round_, groups)
    tables = seatings.tables_of(after)
    found = []
    for person, group_id in after.items():
        if before.get(person) == group_id or person not in people:
            continue
        member = people[person]
        others = [people[p] for p in tables[group_id] if p != person and p in people]
        found.append(
            Move(
                participant_id=person,
                name=member.name,
                territory=member.territory,
                before=number.get(before[person]) if person in before else None,
                after=number[group_id],
                reason=move_reason(
                    had_seat=person in before,
                    left=came.get(before[person], 0) if person in before else 0,
                    joined=came[group_id],
                    least=least,
                    most=most,
                    brings=_brings(member, others),
                    wish=rank_of(number[group_id], wanted.get(person, ())),
                ),
            )
        )
    return sorted(found, key=lambda move: (move.before is None, move.after, move.name))


def apply(session: Session, round_: Round, *, now: datetime) -> list[Move]:
    """Put the proposal in force; only those who move or are new are told, each with the reason. Raises NoPlan."""
    proposal = rounds.on_the_table(session, round_.id, "proposal")
    found = moves(session, round_, proposal) if proposal else []
    because = {move.participant_id: move.reason for move in found}
    plans.publish(session, round_, now=now, state="proposal", because=because)
    return found


def leave(session: Session, round_: Round) -> None:
    """Leave a proposal aside; nothing else changes. Raises NoPlan."""
    plan = rounds.on_the_table(session, round_.id, "proposal")
    if plan is None:
        raise plans.NoPlan("There is no proposal to leave aside.")
    plans.drop(session, Plan.id == plan.id)


def sizes(people: int, groups: int) -> tuple[int, int]:
    """The smallest and the largest group, when they differ by one at most."""
    return (people // groups, -(-people // groups)) if groups else (0, 0)


def _brings(member: Member, others: Sequence[Member]) -> str | None:
    if member.territory and all(other.territory != member.territory for other in others):
        return f"territory:{member.territory}"
    if member.trade and all(other.trade != member.trade for other in others):
        return f"trade:{member.trade}"
    return None
