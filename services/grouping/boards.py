"""What organisers and participants see of a round: plain values, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.grouping import (
    duties,
    links,
    members,
    plans,
    proving,
    questions,
    rebalances,
    rounds,
    seatings,
)
from services.grouping.explanations import Fairness, Mix, fairness, mix, rank_of, reasons
from services.grouping.models import Ask, Group, Lock, Member, Placement, Plan, Round


@dataclass(frozen=True)
class Seat:
    """One person at a table. `wish` is the rank of this table among their wishes, `duty` their role in it or empty."""

    participant_id: UUID
    given: str
    family: str
    territory: str
    trade: str
    structure: str
    state: str
    role: str
    duty: str
    wish: int | None
    locked: bool

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}".strip()

    @property
    def is_gone(self) -> bool:
        return self.state in ("absent", "cancelled")


@dataclass(frozen=True)
class Whereabouts:
    """In which group somebody sits in one round."""

    participant_id: UUID
    round: Round
    group: Group


@dataclass(frozen=True)
class Table:
    """One group with everyone in it; `colleagues` names the structures that two people share."""

    group_id: UUID
    number: int
    name: str
    question: str | None
    carrier_id: UUID | None
    carrier: str
    members: list[Seat]
    mix: Mix
    colleagues: list[str]


@dataclass(frozen=True)
class Board:
    """A round as its organisers see it; `unseated` people need a seat, `gone` people have one and left.

    `unsure` counts those of whom the desk has not said yet whether they came, once it speaks of others.
    """

    round: Round
    plan: Plan | None
    ask: Ask | None
    tables: list[Table]
    fairness: Fairness
    unseated: list[Member]
    gone: list[Seat]
    unsure: int
    broken_links: int
    links: int
    proposal: Plan | None
    proof: dict[str, Any] | None
    moves: list[rebalances.Move]
    published: Plan | None
    sizes: tuple[int, int]

    @property
    def is_waiting(self) -> bool:
        return self.ask is not None and self.ask.is_waiting

    @property
    def people(self) -> int:
        return sum(len(table.members) for table in self.tables)

    @property
    def fewest_moves(self) -> int | None:
        """What the proposal's moves cannot go below; None where the engine did not say."""
        if self.proposal is not None and self.proof is not None and self.proof["what"] == "moves":
            return self.proof["bound"]  # type: ignore[no-any-return]
        found: int | None = figures_of(self.proposal).get("fewest_moves")
        return found

    @property
    def lowest_cost(self) -> tuple[int, int] | None:
        """What the groups cost, and a cost that none can go below; None while that is not worked out."""
        if self.proof is None or self.proof["what"] != "cost" or self.proof["bound"] is None:
            return None
        return self.proof["value"], self.proof["bound"]


@dataclass(frozen=True)
class Place:
    """What one person sees of their own group; `reasons` are codes made from public facts.

    `duty` is their own role in it or empty, `duties` are everybody's there, by person.
    """

    round: Round
    group: Group
    role: str
    duty: str
    duties: dict[UUID, str]
    carrier: Member | None
    companions: list[Member]
    reasons: list[str]
    territories: int


def board(session: Session, round_: Round) -> Board:
    """Everything about a round: the draft, or else the plan in force; and a proposal to look at."""
    plan = plans.at_hand(session, round_.id)
    published = rounds.in_force(session, round_.id)
    proposal = rounds.on_the_table(session, round_.id, "proposal")
    people = {m.participant_id: m for m in members.known(session, round_.gathering_id)}
    seats = questions.seats_of(session, plan) if plan else {}
    groups = questions.plan_groups(session, plan) if plan else []
    wanted = seatings.wished_numbers(session, round_, groups)
    number = {group.id: group.number for group in groups}
    asked = duties.held(session, plan) if plan else {}
    tables = _tables(session, round_, groups, seats, people, wanted, asked)
    expected = [m for m in people.values() if m.is_expected]
    rules = links.of(session, round_.gathering_id)
    broken = sum(
        (seats[rule.one_id] == seats[rule.other_id]) != (rule.kind == "together")
        for rule in rules
        if rule.one_id in seats and rule.other_id in seats
    )
    return Board(
        round=round_,
        plan=plan,
        ask=rounds.last_ask(session, round_.id),
        tables=tables,
        fairness=fairness(
            {p: number[g] for p, g in seats.items() if p in people and people[p].is_expected}, wanted
        ),
        unseated=[m for m in expected if m.participant_id not in seats] if plan else [],
        gone=[seat for table in tables for seat in table.members if seat.is_gone],
        unsure=sum(m.state == "registered" for m in expected)
        if any(m.state in ("present", "absent") for m in people.values())
        else 0,
        broken_links=broken,
        links=len(rules),
        proposal=proposal,
        proof=proving.of(session, proposal or plan),
        moves=rebalances.moves(session, round_, proposal) if proposal else [],
        published=published,
        sizes=rebalances.sizes(len(expected), len(groups)),
    )


def places(session: Session, gathering_id: UUID, participant_id: UUID) -> list[Place]:
    """Somebody's published groups, in order of the rounds."""
    people = {m.participant_id: m for m in members.known(session, gathering_id)}
    found = []
    for round_ in rounds.of(session, gathering_id):
        plan = rounds.in_force(session, round_.id)
        if plan is None:
            continue
        seats = questions.seats_of(session, plan)
        if participant_id not in seats or participant_id not in people:
            continue
        groups = {group.id: group for group in questions.plan_groups(session, plan)}
        group = groups[seats[participant_id]]
        table = [
            people[p] for p in seatings.tables_of(seats)[group.id] if p in people and people[p].is_expected
        ]
        earlier = seatings.met_before(session, round_)
        part = seatings.parts(session, round_, groups.values())
        wanted = seatings.wished_numbers(session, round_, groups.values())
        shown = [seatings.seated(member) for member in table]
        asked = duties.held(session, plan)
        why = reasons(
            seatings.seated(people[participant_id]),
            shown,
            role=part.get(participant_id, "member"),
            wish=rank_of(group.number, wanted.get(participant_id, ())),
            met={p for row in earlier for p in row.get(participant_id, ())},
            earlier_rounds=bool(earlier),
        )
        found.append(
            Place(
                round=round_,
                group=group,
                role=part.get(participant_id, "member"),
                duty=asked.get(participant_id, ""),
                duties={m.participant_id: asked[m.participant_id] for m in table if m.participant_id in asked},
                carrier=people.get(group.carrier_id) if group.carrier_id else None,
                companions=sorted(
                    (m for m in table if m.participant_id != participant_id), key=lambda m: (m.family, m.given)
                ),
                reasons=why,
                territories=mix(shown).territories,
            )
        )
    return found


def whereabouts(
    session: Session, gathering_id: UUID, people: Sequence[UUID] | None = None
) -> list[Whereabouts]:
    """The published groups of these people, or of everybody, in order of the rounds; nothing about strangers."""
    asked = (
        select(Placement.participant_id, Round, Group)
        .join(Plan, Plan.id == Placement.plan_id)
        .join(Round, Round.id == Plan.round_id)
        .join(Group, Group.id == Placement.group_id)
        .where(Round.gathering_id == gathering_id, Plan.state == "published")
        .order_by(Round.number, Group.number, Placement.participant_id)
    )
    if people is not None:
        asked = asked.where(Placement.participant_id.in_(list(people)))
    return [Whereabouts(*row) for row in session.execute(asked)]


def move_choices(session: Session, board_: Board, member: Member) -> list[tuple[Table, list[str]]]:
    """The groups somebody could go to, and codes (see wording.choice) for what it would change."""
    groups = rounds.current_groups(session, board_.round)
    wanted = seatings.wished_numbers(session, board_.round, groups).get(member.participant_id, ())
    choices = []
    for table in board_.tables:
        if any(seat.participant_id == member.participant_id for seat in table.members):
            continue
        others = [seat for seat in table.members if not seat.is_gone]
        codes = [f"wish:{rank}" for rank in [rank_of(table.number, wanted)] if rank]
        same = next(
            (seat.name for seat in others if member.structure and seat.structure == member.structure), None
        )
        if same:
            codes.append(f"colleague:{same}")
        if member.territory and member.territory not in {seat.territory for seat in others}:
            codes.append(f"brings_territory:{member.territory}")
        choices.append((table, codes))
    return choices


def wall(session: Session, round_: Round) -> list[Table]:
    """The published tables without anybody in them."""
    plan = rounds.in_force(session, round_.id)
    if plan is None:
        return []
    return _tables(session, round_, questions.plan_groups(session, plan), {}, {}, {}, {})


def published(session: Session, round_: Round) -> list[Table]:
    """The published tables with everybody at them; none when nothing is published."""
    plan = rounds.in_force(session, round_.id)
    if plan is None:
        return []
    people = {m.participant_id: m for m in members.known(session, round_.gathering_id)}
    groups = questions.plan_groups(session, plan)
    seats, asked = questions.seats_of(session, plan), duties.held(session, plan)
    return _tables(session, round_, groups, seats, people, {}, asked)


def table(session: Session, round_: Round, number: int) -> Table:
    """One group of the board. Raises UnknownGroup."""
    found = next((one for one in board(session, round_).tables if one.number == number), None)
    if found is None:
        raise plans.UnknownGroup("There is no such group.")
    return found


def counts(session: Session, gathering_id: UUID) -> dict[str, int]:
    """How many people are registered, present, absent, cancelled."""
    found = dict.fromkeys(("registered", "present", "absent", "cancelled"), 0)
    for member in members.known(session, gathering_id):
        found[member.state] += 1
    return found


def figures_of(plan: Plan | None) -> dict[str, Any]:
    return plan.figures if plan else {}


def _tables(
    session: Session,
    round_: Round,
    groups: Sequence[Group],
    seats: Mapping[UUID, UUID],
    people: Mapping[UUID, Member],
    wanted: Mapping[UUID, Sequence[int]],
    asked: Mapping[UUID, str],
) -> list[Table]:
    part = seatings.parts(session, round_, groups)
    held = set(session.scalars(select(Lock.participant_id).where(Lock.round_id == round_.id)))
    tables = seatings.tables_of(seats)
    found = []
    for group in groups:
        here = sorted(
            (people[p] for p in tables.get(group.id, ()) if p in people),
            key=lambda m: (m.territory, m.family.casefold(), m.given.casefold(), m.participant_id),
        )
        seated = [
            Seat(
                participant_id=m.participant_id,
                given=m.given,
                family=m.family,
                territory=m.territory,
                trade=m.trade,
                structure=m.structure,
                state=m.state,
                role=part.get(m.participant_id, "member")
                if round_.kind == "angles" or m.participant_id == group.carrier_id
                else "member",
                duty=asked.get(m.participant_id, ""),
                wish=rank_of(group.number, wanted.get(m.participant_id, ())),
                locked=m.participant_id in held,
            )
            for m in here
        ]
        came = [seatings.seated(m) for m in here if m.is_expected]
        structures = [m.structure for m in here if m.is_expected and m.structure]
        carrier = people.get(group.carrier_id) if group.carrier_id else None
        found.append(
            Table(
                group_id=group.id,
                number=group.number,
                name=group.name,
                question=group.question,
                carrier_id=group.carrier_id,
                carrier=carrier.name if carrier else "",
                members=seated,
                mix=mix(came),
                colleagues=sorted({s for s in structures if structures.count(s) > 1}),
            )
        )
    return found
