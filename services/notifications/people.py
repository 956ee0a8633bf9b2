"""Whom we write to, and about which gathering: our own copy of what registration told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.notifications.models import EarlyFact, Gathering, Invitee, Person


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
    ):
        setattr(known, name, fact[name])
    for name in ("purpose", "place", "organiser_name", "reply_to"):
        setattr(known, name, fact[name] or "")
    known.territories = {row["letter"]: row["name"] for row in fact["territories"]}
    session.flush()
    return known


def remember_person(session: Session, fact: dict[str, Any], standing: str) -> Person:
    """Take over who a participant is and how they stand. Their row stays locked until the transaction ends."""
    person = session.get(Person, fact["participant_id"], with_for_update=True)
    if person is None:
        person = Person(id=fact["participant_id"], gathering_id=fact["gathering_id"], calendar=0)
        session.add(person)
    for name in ("email", "given", "family"):
        setattr(person, name, fact[name] or "")
    # A fact may leave the link out; the one we know stays good.
    person.link = fact["link"] or person.link or ""
    person.language, person.standing = fact["language"], standing
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
