"""Everything that names a person goes, in all four services; each says when it is done.

A saga by facts: registration forgets and tells, every other service forgets and confirms, and after the last
confirmation what the outbox still says of the person is blotted out too. A service that is away confirms when it is
back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.db import delivery, outbox
from services.chassis.outbox import publish
from services.registration import hours, names, stories, telling, topics, waiting_list
from services.registration.events import ParticipantErased
from services.registration.links import Links
from services.registration.models import (
    HOLDING,
    Confirmation,
    Disclosure,
    Erasure,
    Gathering,
    Import,
    Invitation,
    Participant,
    State,
    Story,
    Topic,
)

# Of those whose time is over, so many are forgotten in one transaction.
AT_ONCE = 20
SERVICES = ("registration", "grouping", "feedback", "notifications")
# What the outbox says of a person in the facts about them, their invitation, their stories and their topics.
_NAMING = (
    "email", "given", "family", "structure", "trade", "link", "code", "title", "plan", "handed_by", "handed_to",
)  # fmt: skip


@dataclass(frozen=True)
class Confirmed:
    """One service and when it had forgotten; None while it has not said so. `gone` counts what went, by its name."""

    service: str
    at: datetime | None
    gone: dict[str, int]


def erase(
    session: Session,
    participant_id: UUID,
    *,
    by: UUID | None = None,
    reason: str = "asked",
    links: Links,
    now: datetime,
) -> Participant:
    """Forget who somebody is. Their row stays as a number: a territory, a state, the hours of arrival.

    A seat they held goes to the first who may have it. Erasing twice is as good as once. Raises NotFound.
    """
    participant, gathering = waiting_list.lock_person(session, participant_id)
    if participant.state == State.erased:
        return participant
    # Whoever is forgotten is forgotten under every name and address. Those first: they bear the same family name.
    for row in waiting_list.joined(session, participant.id):
        _erase(session, row, gathering, by=by, reason=reason, links=links, now=now)
    return _erase(session, participant, gathering, by=by, reason=reason, links=links, now=now)


def _erase(
    session: Session,
    participant: Participant,
    gathering: Gathering,
    *,
    by: UUID | None,
    reason: str,
    links: Links,
    now: datetime,
) -> Participant:
    held = participant.state in HOLDING
    stories.withdraw_all(session, participant.id, now=now)
    if now < gathering.ends_at:
        topics.withdraw_all(session, participant.id, now=now)
    gone = {
        "answers": len(participant.answers),
        "invitations": _forget_invitation(session, participant),
        "lines": _forget_lines(session, participant),
        "stories": _forget_brought(session, participant),
    }
    session.execute(delete(Disclosure).where(Disclosure.participant_id == participant.id))
    family = "" if _is_borne_by_others(session, participant) else participant.family
    _forget(participant)
    session.add(Erasure(participant_id=participant.id, gathering_id=gathering.id, asked_at=now, asked_by=by))
    session.flush()
    about = {"participant_id": participant.id, "gathering_id": gathering.id, "family": family}
    publish(session, ParticipantErased, about={**about, "reason": reason, "erased_at": now}, now=now)
    telling.note(session, "erased", participant.id, gathering_id=gathering.id, by=by, now=now)
    confirm(session, participant.id, "registration", gone=gone, now=now)
    if held:
        waiting_list.promote(session, gathering, links=links, now=now)
    return participant


def confirm(
    session: Session, participant_id: UUID, service: str, *, gone: dict[str, int], now: datetime
) -> None:
    """Note that a service has forgotten somebody. With the last of them, the outbox forgets too."""
    erasure = session.get(Erasure, participant_id, with_for_update=True)
    if erasure is None:
        return
    if session.get(Confirmation, (participant_id, service)) is None:
        session.add(Confirmation(participant_id=participant_id, service=service, gone=gone, confirmed_at=now))
        session.flush()
    if all(one.at for one in progress(session, participant_id)):
        _blot(session, erasure, now=now)


def progress(session: Session, participant_id: UUID) -> list[Confirmed]:
    """Every service and when it said that it had forgotten."""
    said = {
        one.service: one
        for one in session.scalars(select(Confirmation).where(Confirmation.participant_id == participant_id))
    }
    return [
        Confirmed(name, said[name].confirmed_at, said[name].gone) if name in said else Confirmed(name, None, {})
        for name in SERVICES
    ]


def blot(session: Session, now: datetime) -> int:
    """Strike out of old facts those whom all services have forgotten; return how many people are done with now."""
    waiting = session.scalars(
        select(Erasure).where(Erasure.blotted_at.is_(None)).with_for_update(skip_locked=True)
    ).all()
    sure = [one for one in waiting if all(said.at for said in progress(session, one.participant_id))]
    return sum(_blot(session, one, now=now) for one in sure)


def end_keeping(session: Session, now: datetime) -> int:
    """Forget some of those whose gathering has kept them long enough, by day; return how many went."""
    kept = select(Gathering).where(Gathering.keep_days.is_not(None), Gathering.ends_at < now)
    gone, chosen = 0, session.info["settings"]
    for gathering in session.scalars(kept.order_by(Gathering.ends_at)).all():
        until = hours.kept_until(gathering.ends_at, gathering.zone, gathering.keep_days)
        if until is None or until > now or not hours.is_awake(now, gathering.zone):
            continue
        here = (Participant.gathering_id == gathering.id, Participant.state != State.erased)
        mine = select(Participant.id).where(*here).order_by(Participant.id).limit(AT_ONCE - gone)
        for participant_id in session.scalars(mine).all():
            erase(session, participant_id, reason="retention", links=Links.of(chosen), now=now)
            gone += 1
        if gone >= AT_ONCE:
            break
    return gone


def _blot(session: Session, erasure: Erasure, *, now: datetime) -> bool:
    """Strike a person out of everything that was told of them, and tell whether nothing is left.

    What is told again later says then what is true: somebody of this territory, and no more. Whoever confirmed has
    heard all facts about the person; those about what they brought may still be under way, and are struck later.
    """
    who = erasure.participant_id
    brought = [
        *session.scalars(select(Story.id).where(Story.participant_id == who)),
        *session.scalars(select(Topic.id).where(Topic.participant_id == who)),
    ]
    invitation_id, heir = session.execute(
        select(Participant.invitation_id, Participant.handed_to).where(Participant.id == who)
    ).one()
    # Who handed their seat to this person, and who has it from them, read the name in facts of their own.
    givers = session.scalars(select(Participant.id).where(Participant.handed_to == who)).all()
    is_all = [
        _strike(session, [who], _NAMING, heard=True),
        _strike(session, [*brought, *([invitation_id] if invitation_id else [])], _NAMING),
        _strike(session, givers, ("handed_to",)),
        _strike(session, [heir] if heir else [], ("handed_by",)),
    ]
    if all(is_all):
        erasure.blotted_at = now
    return all(is_all)


def _strike(session: Session, subjects: Sequence[UUID], naming: Iterable[str], *, heard: bool = False) -> bool:
    """Empty these fields in all facts about `subjects` that everybody has heard; tell whether those were all."""
    is_due = exists().where(delivery.c.event_id == outbox.c.event_id, delivery.c.acked_at.is_(None))
    rows = session.execute(
        select(outbox.c.sequence, outbox.c.body, is_due.label("is_due")).where(outbox.c.subject.in_(subjects))
    ).all()
    for row in rows:
        struck: dict[str, Any] = dict(row.body) | {name: "" for name in naming if row.body.get(name)}
        struck |= {name: {} for name in ("before", "after") if name in struck}
        if struck != row.body and (heard or not row.is_due):
            session.execute(update(outbox).where(outbox.c.sequence == row.sequence).values(body=struck))
    return heard or not any(row.is_due for row in rows)


def _forget(participant: Participant) -> None:
    for name in ("given", "family", "email", "trade", "structure", "search"):
        setattr(participant, name, "")
    participant.name_key = str(participant.id)
    participant.state, participant.deadline_at = State.erased, None
    participant.answers, participant.wishes = {}, []
    participant.cancelled_from = participant.merged = None


def _forget_invitation(session: Session, participant: Participant) -> int:
    """Take away the invitation this person came by, and any other of their name and address."""
    here = Invitation.gathering_id == participant.gathering_id
    same = (Invitation.email == participant.email) & (Invitation.name_key == participant.name_key)
    ways = or_(Invitation.id == participant.invitation_id, same) if participant.invitation_id else same
    mine = session.scalars(select(Invitation.id).where(here, ways)).all()
    if mine and participant.invitation_id is None:
        participant.invitation_id = mine[0]
    session.execute(delete(Invitation).where(Invitation.id.in_(mine)))
    return len(mine)


def _forget_lines(session: Session, participant: Participant) -> int:
    """Empty the lines of lists that name this person; their number stays, so that the list still adds up."""
    gone = 0
    if not participant.email:
        return gone
    lists = select(Import).where(Import.gathering_id == participant.gathering_id)
    for staged in session.scalars(lists.with_for_update()).all():
        rows = []
        for row in staged.rows:
            is_theirs = participant.email in (row["email"], row["meant"]) and (
                names.fold(f"{row['given']} {row['family']}") == participant.name_key
            )
            blank: dict[str, Any] = {
                "given": "",
                "family": "",
                "email": "",
                "meant": None,
                "structure": "",
                "notes": [],
            }
            rows.append({**row, **blank, "status": "known"} if is_theirs else row)
            gone += is_theirs
        if rows != staged.rows:
            staged.rows = rows
    return gone


def _forget_brought(session: Session, participant: Participant) -> int:
    """Empty what they told; a question that a group worked on stays, and names nobody."""
    told = session.execute(
        update(Story).where(Story.participant_id == participant.id).values(title="").returning(Story.id)
    ).all()
    session.execute(update(Topic).where(Topic.participant_id == participant.id).values(plan=""))
    never = (Topic.participant_id == participant.id, Topic.number.is_(None))
    asked = session.execute(update(Topic).where(*never).values(question="").returning(Topic.id)).all()
    return len(told) + len(asked)


def _is_borne_by_others(session: Session, participant: Participant) -> bool:
    others = select(func.count()).where(
        Participant.gathering_id == participant.gathering_id,
        Participant.id != participant.id,
        func.lower(Participant.family) == participant.family.lower(),
    )
    return bool(session.scalar(others))
