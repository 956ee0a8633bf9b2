"""Forgetting a person: that letters left stays a number, without an address and without a word of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.notifications import refusals
from services.notifications.events import PersonErased
from services.notifications.models import Delivery, EarlyFact, Invitee, Letter, Person, Suppression

# States of letters that have not left: they never will.
_WAITING = ("draft", "queued", "deferred", "suppressed")
_INSTEAD = {"fr": "Courrier effacé", "en": "Erased letter"}


def erase(session: Session, participant_id: UUID, gathering_id: UUID, *, now: datetime) -> None:
    """Forget whom we wrote to and what, and confirm it; letters that have not left never will."""
    gone = forget(session, participant_id)
    about = {"participant_id": participant_id, "gathering_id": gathering_id, "gone": gone, "erased_at": now}
    publish(session, PersonErased, about=about, now=now)


def forget(session: Session, participant_id: UUID) -> dict[str, int]:
    """Empty what names somebody in letters, attempts and lists; returns how much of what."""
    mine = [Letter.participant_id == participant_id]
    person = session.get(Person, participant_id, with_for_update=True)
    if person is not None and person.email:
        # An invitation was written to a name and an address, before they were anybody's here.
        named = f"{person.given} {person.family}".strip()
        here = Letter.gathering_id == person.gathering_id
        mine.append(and_(here, func.lower(Letter.email) == person.email.lower(), Letter.name == named))
        same = (
            Invitee.gathering_id == person.gathering_id,
            func.lower(Invitee.email) == person.email.lower(),
            Invitee.given == person.given,
            Invitee.family == person.family,
        )
        session.execute(update(Invitee).where(*same).values(email="", given="", family=""))
    if person is not None:
        person.email = person.given = person.family = person.link = ""
        person.standing = "cancelled"
    letters = session.scalars(select(Letter).where(or_(*mine)).with_for_update()).all()
    addresses = {letter.email.lower() for letter in letters if letter.email}
    session.execute(delete(Suppression).where(Suppression.email.in_(addresses)))
    for letter in letters:
        if letter.is_solicitation and letter.email:
            refusals.take_back(session, letter)
    for letter in letters:
        letter.email = letter.text = letter.html = ""
        letter.name, letter.subject = "–", _INSTEAD.get(letter.language, _INSTEAD["en"])
        letter.ics = letter.ics_method = letter.facts = letter.reply = None
        if letter.state in _WAITING:
            letter.state, letter.next_at = "discarded", None
    written = [letter.id for letter in letters]
    session.execute(update(Delivery).where(Delivery.letter_id.in_(written)).values(reply=""))
    session.execute(delete(EarlyFact).where(EarlyFact.participant_id == participant_id))
    session.flush()
    return {"letters": len(letters)}
