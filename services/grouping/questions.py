"""A round put into the engine's plain words, and its answer put back into people and groups."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.grouping import gatherings, links, members, rounds
from services.grouping.forming import formation, moves, proofs, seating
from services.grouping.forming.instances import Instance, Ints
from services.grouping.models import Ask, Group, Lock, Member, Placement, Plan, Round

# Proposals a person, so that a day of 132 is formed in a quarter of a second and re-balanced in a twentieth; the clock
# only stops what a busy machine or one without a compiler would draw out. In the room, people stand and wait.
_FORM, _FORM_S = 1_000_000, 2.0
REBALANCE, REBALANCE_S = 75_000, 1.0
# Two colleagues at one table are worse than any table short of a territory or a trade.
_COLLEAGUES = 10
# People times groups beyond which a proof finds nothing in its time.
_PROVABLE = 5000

Progress = Callable[[float, int], bool]


@dataclass(frozen=True)
class Solved:
    """An answer to an ask: everyone's group, or the rules that stand against it (`problem`).

    `base` is the plan in force that a re-balance started from. `question` is what proving.py would ask of the answer,
    None where it is proved already or too large.
    """

    seats: dict[UUID, UUID] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    problem: dict[str, Any] | None = None
    base: UUID | None = None
    question: dict[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    """An instance and who its numbers are."""

    instance: Instance
    people: list[Member]
    groups: list[Group]


def solve(session: Session, ask_id: UUID, *, progress: Progress | None = None) -> Solved | None:
    """Work out what was asked; None when nobody waits for it any more. It only reads, and may take a second.

    `progress(share, cost)` is told how far it is, and answers whether somebody still waits.
    """
    ask = session.get(Ask, ask_id)
    if ask is None or ask.state != "asked":
        return None
    round_ = rounds.by_id(session, ask.round_id)
    base = rounds.in_force(session, round_.id) if ask.kind == "rebalance" else None
    asked = put(session, round_, base=base)
    seed = ask.id.int % 2**32
    waits = True

    def tell(share: float, cost: int) -> bool:
        nonlocal waits
        waits = progress is None or progress(min(1.0, share), cost)
        return waits

    try:
        if base is None:
            solved = _form(asked, seed, tell)
        else:
            policy: moves.Policy = "balance" if ask.policy == "balance" else "sizes"
            solved = _rebalance(session, asked, base, policy, seed, tell)
        return solved if waits else None
    except seating.Impossible as refusal:
        return Solved(problem={"code": "impossible", "rules": [_named(rule, asked) for rule in refusal.rules]})
    except seating.Undecided:
        return Solved(problem={"code": "undecided", "rules": []})


def put(session: Session, round_: Round, *, base: Plan | None = None) -> Question:
    """The question of a round as things stand now: everyone who needs a seat, in the groups of `base` if it is
    given.
    """
    groups = plan_groups(session, base) if base else rounds.current_groups(session, round_)
    known = members.known(session, round_.gathering_id)
    people = sorted((m for m in known if m.is_expected), key=lambda m: m.participant_id)
    where = {member.participant_id: k for k, member in enumerate(people)}
    seat_of = {group.id: k for k, group in enumerate(groups)}
    carriers = [where.get(group.carrier_id, -1) if group.carrier_id else -1 for group in groups]
    held = session.scalars(select(Lock).where(Lock.round_id == round_.id))
    locked = {
        where[lock.participant_id]: seat_of[lock.group_id]
        for lock in held
        if lock.participant_id in where and lock.group_id in seat_of
    }
    ties = [
        (link.kind, (where[link.one_id], where[link.other_id]))
        for link in links.of(session, round_.gathering_id)
        if link.one_id in where and link.other_id in where
    ]
    columns, names = _columns(session, round_, people)
    weights = tuple(_COLLEAGUES if name == "structure" else 1 for name in names)
    instance = Instance(
        n=len(people),
        G=max(1, len(groups)),
        attrs=np.stack(columns, 1),
        attr_names=names,
        carriers=tuple(carriers),
        pref=_wishes(session, round_, people, groups),
        together=tuple(pair for kind, pair in ties if kind == "together"),
        apart=tuple(pair for kind, pair in ties if kind == "apart"),
        history=_history(session, round_, where),
        weights=weights,
        locked={person: group for person, group in locked.items() if person not in carriers},
    )
    return Question(instance=instance, people=people, groups=groups)


def plan_groups(session: Session, plan: Plan) -> list[Group]:
    """The groups that have a seat in a plan, by number."""
    return list(
        session.scalars(
            select(Group)
            .where(Group.id.in_(select(Placement.group_id).where(Placement.plan_id == plan.id)))
            .order_by(Group.number)
        )
    )


def seats_of(session: Session, plan: Plan) -> dict[UUID, UUID]:
    """Everyone's group in a plan."""
    rows = session.execute(
        select(Placement.participant_id, Placement.group_id).where(Placement.plan_id == plan.id)
    )
    return dict(cast(Sequence[tuple[UUID, UUID]], rows.all()))


def _form(asked: Question, seed: int, progress: Progress) -> Solved:
    answer = formation.form(
        asked.instance,
        seed=seed,
        evaluations=_FORM * max(1, len(asked.people)),
        seconds=_FORM_S,
        progress=progress,
    )
    return Solved(
        seats=_seats(asked, answer.groups),
        figures=_figures(answer.figures, asked)
        | {"bound": answer.bound, "solve_ms": round(1000 * answer.seconds)},
        question=_provable(
            asked,
            answer.groups,
            value=proofs.weighted_cost(asked.instance, answer.figures),
            bound=answer.bound,
        ),
    )


def _rebalance(
    session: Session, asked: Question, base: Plan, policy: moves.Policy, seed: int, progress: Progress
) -> Solved:
    before = seats_of(session, base)
    number = {group.id: k for k, group in enumerate(asked.groups)}
    plan: Ints = np.array(
        [number[before[m.participant_id]] if m.participant_id in before else -1 for m in asked.people], np.int64
    )
    answer = moves.rebalance(
        asked.instance,
        plan,
        policy=policy,
        seed=seed,
        evaluations=REBALANCE * max(1, len(asked.people)),
        seconds=REBALANCE_S,
        progress=progress,
    )
    return Solved(
        base=base.id,
        seats=_seats(asked, answer.groups),
        figures=_figures(answer.figures, asked)
        | {
            "moves": answer.moves,
            "fewest_moves": answer.bound,
            "curve": [list(point) for point in answer.curve],
            "policy": policy,
            "solve_ms": round(1000 * answer.seconds),
        },
        question=_provable(
            asked, answer.groups, value=answer.moves, bound=answer.bound, plan=plan.tolist(), policy=policy
        ),
    )


def _provable(asked: Question, groups: Ints, *, value: int, bound: int, **about: Any) -> dict[str, Any] | None:
    if value <= bound or not proofs.IS_HERE or asked.instance.n * asked.instance.G > _PROVABLE:
        return None
    told = {"instance": proofs.question(asked.instance), "groups": groups.tolist(), "value": value}
    return told | about


def _seats(asked: Question, groups: Ints) -> dict[UUID, UUID]:
    return {
        member.participant_id: asked.groups[group].id
        for member, group in zip(asked.people, groups.tolist(), strict=True)
    }


def _figures(found: Any, asked: Question) -> dict[str, Any]:
    return {
        "gap": dict(zip(asked.instance.attr_names, found.gap, strict=True)),
        "repeats": found.repeats,
        "wishes": found.wishes,
        "cost": found.cost,
    }


def _columns(session: Session, round_: Round, people: Sequence[Member]) -> tuple[list[Ints], tuple[str, ...]]:
    """What groups are mixed by; somebody without a structure is nobody's colleague."""

    def values(of: Callable[[Member], Hashable]) -> Ints:
        seen: dict[Hashable, int] = {}
        return np.array([seen.setdefault(of(member), len(seen)) for member in people], np.int64)

    columns = [
        values(lambda m: m.territory),
        values(lambda m: m.trade),
        values(lambda m: " ".join(m.structure.casefold().split()) or m.participant_id),
    ]
    names = ["territory", "trade", "structure"]
    if round_.kind == "angles":
        # Tellers do not listen to their own story: spread over the circles, each story keeps listeners in all.
        tellers = gatherings.tellers(session, round_.gathering_id)
        columns.append(values(lambda m: "teller" if m.participant_id in tellers else m.participant_id))
        names.append("teller")
    return columns, tuple(names)


def _wishes(session: Session, round_: Round, people: Sequence[Member], groups: Sequence[Group]) -> Ints:
    wanted = np.full((len(people), 3), -1, np.int64)
    if round_.kind == "topics":
        numbers = {group.topic_id: k for k, group in enumerate(groups)}
        asked = members.wishes(session, round_.gathering_id, numbers, unknown=-1)
        for row, member in enumerate(people):
            chosen = asked.get(member.participant_id, [])[:3]
            wanted[row, : len(chosen)] = chosen
    return wanted


def _history(session: Session, round_: Round, where: dict[UUID, int]) -> tuple[Ints, ...]:
    """Who sat with whom in the earlier rounds that were published."""
    told = []
    for earlier in rounds.of(session, round_.gathering_id):
        plan = rounds.in_force(session, earlier.id) if earlier.number < round_.number else None
        if plan is not None:
            row = np.full(len(where), -1, np.int64)
            numbers: dict[UUID, int] = {}
            for person, group in seats_of(session, plan).items():
                if person in where:
                    row[where[person]] = numbers.setdefault(group, len(numbers))
            told.append(row)
    return tuple(told)


def _named(rule: seating.Rule, asked: Question) -> list[Any]:
    """A rule of a conflict with names for people, and the number of a group."""
    kind, one, other = rule
    if kind in ("together", "apart"):
        return [kind, asked.people[one].name, asked.people[other].name]
    return [kind, asked.people[one].name, asked.groups[other].number]
