"""The rounds of a gathering, and asking for their groups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.chassis.measures import Measure
from services.chassis.outbox import publish
from services.grouping import gatherings
from services.grouping.events import PlanAsked
from services.grouping.models import Ask, Gathering, Group, Plan, Round


class UnknownRound(NotFound):
    code = "unknown-round"


class NothingToForm(Refused):
    code = "nothing-to-form"


class NothingPublished(Refused):
    code = "nothing-published"


class NothingAsked(Refused):
    code = "nothing-asked"


def of(session: Session, gathering_id: UUID) -> list[Round]:
    return list(session.scalars(select(Round).where(Round.gathering_id == gathering_id).order_by(Round.number)))


def numbered(session: Session, gathering_id: UUID, number: int) -> Round:
    """Raises UnknownRound."""
    found = session.scalar(select(Round).where(Round.gathering_id == gathering_id, Round.number == number))
    if found is None:
        raise UnknownRound("There is no such round.")
    return found


def by_id(session: Session, round_id: UUID) -> Round:
    """Raises UnknownRound."""
    found = session.get(Round, round_id)
    if found is None:
        raise UnknownRound("There is no such round.")
    return found


def open_round(
    session: Session, gathering_id: UUID, *, kind: str, name: str, by: UUID | None, now: datetime
) -> Round:
    """Begin a round and ask for its groups. Raises UnknownGathering, NothingToForm."""
    gathering = gatherings.by_id(session, gathering_id)
    # Two organisers who begin a round at once take turns here, so that each gets its own number.
    session.get(Gathering, gathering_id, with_for_update=True, populate_existing=True)
    last = session.scalar(select(func.max(Round.number)).where(Round.gathering_id == gathering_id))
    round_ = Round(
        gathering_id=gathering_id, number=(last or 0) + 1, kind=kind, name=name, made_at=now, made_by=by
    )
    session.add(round_)
    session.flush()
    _ask_form(session, gathering, round_, by=by, now=now)
    return round_


def ask_form(session: Session, round_: Round, *, by: UUID | None, now: datetime) -> Ask:
    """Ask for new groups in a round. Raises NothingToForm."""
    return _ask_form(session, gatherings.by_id(session, round_.gathering_id), round_, by=by, now=now)


def ask_rebalance(session: Session, round_: Round, *, policy: str, by: UUID | None, now: datetime) -> Ask:
    """Ask which few people should move. Raises NothingPublished."""
    if in_force(session, round_.id) is None:
        raise NothingPublished("These groups are not published yet: form them again instead.")
    return _ask(session, round_, kind="rebalance", options={"policy": policy}, by=by, now=now)


def stop(session: Session, round_: Round, *, now: datetime) -> None:
    """Wait no longer for what was asked; what is on the board stays as it is. Raises NothingAsked."""
    session.get(Round, round_.id, with_for_update=True)
    ask = last_ask(session, round_.id)
    if ask is None or ask.state != "asked":
        raise NothingAsked("Nothing is being worked out any more: look at the board.")
    ask.state, ask.ended_at = "dropped", now


def tell_progress(session: Session, ask_id: UUID, *, share: float, cost: int) -> bool:
    """Note how far an ask is; False when nobody waits for it any more."""
    mine = (Ask.id == ask_id) & (Ask.state == "asked")
    told = session.execute(update(Ask).where(mine).values(share=share, cost=cost).returning(Ask.id))
    return told.first() is not None


def in_force(session: Session, round_id: UUID) -> Plan | None:
    """The published plan."""
    return session.scalar(select(Plan).where(Plan.round_id == round_id, Plan.state == "published"))


def on_the_table(session: Session, round_id: UUID, state: str) -> Plan | None:
    """The newest draft, or the newest proposal."""
    mine = select(Plan).where(Plan.round_id == round_id, Plan.state == state)
    return session.scalar(mine.order_by(Plan.number.desc()).limit(1))


def last_ask(session: Session, round_id: UUID) -> Ask | None:
    mine = select(Ask).where(Ask.round_id == round_id)
    return session.scalar(mine.order_by(Ask.number.desc()).limit(1))


def current_groups(session: Session, round_: Round) -> list[Group]:
    """The groups that a new plan of the round is made of: one an accepted topic, or one an angle."""
    every = session.scalars(select(Group).where(Group.round_id == round_.id).order_by(Group.number)).all()
    if round_.kind == "topics":
        wanted = {topic.id for topic in gatherings.topics(session, round_.gathering_id)}
        return [group for group in every if group.topic_id in wanted]
    gathering = gatherings.by_id(session, round_.gathering_id)
    numbers = {int(angle["number"]) for angle in gathering.angles}
    return [group for group in every if group.number in numbers]


def _ask_form(session: Session, gathering: Gathering, round_: Round, *, by: UUID | None, now: datetime) -> Ask:
    if round_.kind == "topics":
        _set_tables(session, round_)
    else:
        _set_circles(session, gathering, round_)
    session.flush()
    if not current_groups(session, round_):
        if round_.kind == "topics":
            raise NothingToForm("No topic is accepted yet: each accepted topic makes a group.")
        raise NothingToForm("This gathering has no listening angle yet: each angle makes a circle.")
    return _ask(session, round_, kind="form", options={}, by=by, now=now)


def _set_tables(session: Session, round_: Round) -> None:
    """A group for each accepted topic; a topic keeps its group, and its number where it is free."""
    known = {
        group.topic_id: group for group in session.scalars(select(Group).where(Group.round_id == round_.id))
    }
    taken = {group.number for group in known.values()}
    for topic in gatherings.topics(session, round_.gathering_id):
        group = known.get(topic.id)
        if group is None:
            number = (
                topic.number if topic.number > 0 and topic.number not in taken else max(taken, default=0) + 1
            )
            taken.add(number)
            group = Group(round_id=round_.id, number=number, topic_id=topic.id)
            session.add(group)
        group.name, group.question, group.carrier_id = topic.question, topic.question, topic.participant_id


def _set_circles(session: Session, gathering: Gathering, round_: Round) -> None:
    """A circle for each angle of the gathering, under its number."""
    known = {group.number: group for group in session.scalars(select(Group).where(Group.round_id == round_.id))}
    for angle in gathering.angles:
        group = known.get(int(angle["number"]))
        if group is None:
            group = Group(round_id=round_.id, number=int(angle["number"]))
            session.add(group)
        group.name = str(angle["name"])


def _ask(
    session: Session, round_: Round, *, kind: str, options: dict[str, Any], by: UUID | None, now: datetime
) -> Ask:
    session.get(Round, round_.id, with_for_update=True)
    session.execute(update(Ask).where(Ask.round_id == round_.id, Ask.state == "asked").values(state="dropped"))
    last = session.scalar(select(func.max(Ask.number)).where(Ask.round_id == round_.id))
    ask = Ask(
        number=(last or 0) + 1,
        round_id=round_.id,
        kind=kind,
        policy=options.get("policy", "sizes"),
        state="asked",
        asked_at=now,
        asked_by=by,
    )
    session.add(ask)
    session.flush()
    publish(
        session,
        PlanAsked,
        about={
            "round_id": round_.id,
            "gathering_id": round_.gathering_id,
            "ask_id": ask.id,
            "kind": kind,
            "options": options,
        },
        now=now,
    )
    return ask


def measures(session: Session, now: datetime) -> Iterable[Measure]:
    """For who watches: plans that are waited for, and how long those took that came, from the asking to the answer."""
    waiting = session.scalar(select(func.count()).where(Ask.state == "asked")) or 0
    yield Measure("plans_waiting", "Plans that somebody asked for and that are not there yet.", waiting)
    ended = select(Ask.asked_at, Ask.ended_at).where(
        Ask.state.in_(("ready", "refused")), Ask.ended_at.is_not(None)
    )
    rows = session.execute(ended.order_by(Ask.ended_at)).all()
    took_s = [(row.ended_at - row.asked_at).total_seconds() for row in rows if row.ended_at is not None]
    yield Measure("solves", "Plans that were worked out.", len(took_s), counts=True)
    yield Measure("solve_seconds", "Seconds they took, all together.", sum(took_s), counts=True)
    yield Measure("newest_solve_seconds", "Seconds the newest one took.", took_s[-1] if took_s else 0.0)
