"""Whom we write to, and about which gathering: our own copy of what registration told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.notifications.models import EarlyFact, Gathering, Invitee, Person, Placement, Plan


class UnknownGathering(NotFound):
    code = "unknown-gathering"


def gathering_named(session: Session, slug: str) -> Gathering:
    """The gathering at this address. Raises UnknownGathering."""
    found = session.scalar(select(Gathering).where(Gathering.slug == slug))
    if found is None:
        raise UnknownGathering("There is no such gathering.")
    return found


def remember_gathering(session: Session, fact: dict[str, Any]) -> Gathering | None:
    """Take over what a gathering is now; None when we know a newer description already."""
    known = session.get(Gathering, fact["gathering_id"], with_for_update=True)
    if known is not None and known.version >= fact["version"]:
        return None
    if known is None:
        known = Gathering(id=fact["gathering_id"])
        session.add(known)
    for name in (
        "version",
        "slug",
        "title",
        "starts_at",
        "ends_at",
        "zone",
        "language",
        "writing",
        "state",
        "public_url",
        "kept_until",
    ):
        setattr(known, name, fact[name])
    for name in ("purpose", "place", "organiser_name", "reply_to"):
        setattr(known, name, fact[name] or "")
    known.territories = {row["letter"]: row["name"] for row in fact["territories"]}
    session.flush()
    return known


def remember_person(
    session: Session, fact: dict[str, Any], standing: str | None, *, at_first: str = "registered"
) -> Person:
    """Take over who a participant is and how they stand: as before when `standing` is None, `at_first` if unknown.

    Their row stays locked until the transaction ends.
    """
    person = session.get(Person, fact["participant_id"], with_for_update=True)
    if person is None:
        person = Person(id=fact["participant_id"], gathering_id=fact["gathering_id"], calendar=0)
        session.add(person)
    for name in ("email", "given", "family"):
        setattr(person, name, fact[name] or "")
    # A fact may leave the link out; the one we know stays good.
    person.link = fact["link"] or person.link or ""
    person.language, person.standing = fact["language"], standing or person.standing or at_first
    person.registered_at = fact.get("registered_at") or person.registered_at
    session.flush()
    return person


def remember_invitee(session: Session, fact: dict[str, Any]) -> None:
    """Take over who was invited; what they answered stays known."""
    invitee = session.get(Invitee, fact["invitation_id"], with_for_update=True)
    if invitee is None:
        invitee = Invitee(id=fact["invitation_id"], gathering_id=fact["gathering_id"])
        session.add(invitee)
    for name in ("email", "given", "family", "link"):
        setattr(invitee, name, fact[name] or "")
    invitee.language = fact["language"]
    # They may have found the way by themselves before this was heard.
    here = (
        Person.gathering_id == invitee.gathering_id,
        func.lower(Person.email) == invitee.email.strip().lower(),
        Person.given == invitee.given,
        Person.family == invitee.family,
    )
    if invitee.answered_at is None and session.scalar(select(Person.id).where(*here).limit(1)) is not None:
        invitee.answered_at = fact["_happened_at"]
    session.flush()


def settle_answers(session: Session, subjects: Sequence[UUID], now: datetime) -> None:
    """Those of these invitees, and the invitees among these people, who answered: they are no longer silent."""
    same = (
        Person.gathering_id == Invitee.gathering_id,
        func.lower(Person.email) == func.lower(Invitee.email),
        Person.given == Invitee.given,
        Person.family == Invitee.family,
    )
    answered = exists().where(*same, or_(Person.id.in_(subjects), Invitee.id.in_(subjects)))
    session.execute(
        update(Invitee)
        .where(Invitee.answered_at.is_(None), answered)
        .values(answered_at=now)
        .execution_options(synchronize_session=False)
    )


def remember_place(session: Session, fact: dict[str, Any]) -> Placement:
    """Take over where somebody sits in a round."""
    where = (fact["participant_id"], fact["round_id"])
    known = session.get(Placement, where, with_for_update=True)
    if known is None:
        known = Placement(participant_id=where[0], round_id=where[1])
        session.add(known)
    known.placement_id, known.version = fact["placement_id"], fact["version"]
    known.group_number, known.role = fact["group_number"], fact["role"] or "member"
    return known


def remember_plan(session: Session, fact: dict[str, Any]) -> None:
    """Take over what a carrier wants sent to them; nothing of somebody who was forgotten before this was heard."""
    person = session.get(Person, fact["participant_id"])
    known = session.get(Plan, fact["topic_id"], with_for_update=True)
    if known is None:
        known = Plan(topic_id=fact["topic_id"])
        session.add(known)
    known.gathering_id, known.participant_id = fact["gathering_id"], fact["participant_id"]
    known.plan = fact["plan"] if person is None or person.email else ""


def waiting_facts(session: Session) -> set[UUID]:
    """Facts that wait for their gathering or their person, looked up once for each session."""
    if "waiting_facts" not in session.info:
        session.info["waiting_facts"] = set(session.scalars(select(EarlyFact.event_id)))
    found: set[UUID] = session.info["waiting_facts"]
    return found


def coming(session: Session, gathering_id: UUID, *standings: str) -> list[Person]:
    """The people of a gathering with one of these standings, in a steady order."""
    here = select(Person).where(Person.gathering_id == gathering_id, Person.standing.in_(standings))
    return list(session.scalars(here.order_by(Person.id).with_for_update()))


def early_facts(session: Session, *, gathering_id: UUID, participant_id: UUID | None = None) -> list[EarlyFact]:
    """What was heard before this gathering (or this person) was known, in the order of hearing; they are taken out."""
    here = select(EarlyFact).where(EarlyFact.gathering_id == gathering_id)
    if participant_id is not None:
        here = here.where(EarlyFact.participant_id == participant_id)
    found = list(session.scalars(here.order_by(EarlyFact.number)))
    for fact in found:
        session.delete(fact)
    session.flush()
    return found
