"""Forgetting a person: that letters left stays a number, without an address and without a word of them.

One letter tells them so, and needs the address that goes. It is written in the transaction that forgets all the rest
and holds by itself what it needs of them. When it has left, or never will, it is emptied too and we say that we are
done. Killed at any moment, it is a letter like another: neither lost nor sent twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.notifications import letters, packs, refusals
from services.notifications.events import PersonErased
from services.notifications.letters import Addressee
from services.notifications.models import (
    Delivery,
    EarlyFact,
    Farewell,
    Gathering,
    Invitee,
    Letter,
    Person,
    Plan,
    Suppression,
)

# States of letters that have not left: they never will.
_WAITING = ("draft", "queued", "claimed", "deferred", "suppressed")
# States of a letter that may leave yet, or of which we may still learn that it did.
_UNDER_WAY = ("queued", "claimed", "handed", "deferred", "unknown")
_INSTEAD = {"fr": "Courrier effacé", "en": "Erased letter"}
# The posters themselves give a letter up after two days; a third is for a server that was asked and for a clock.
PATIENCE = timedelta(days=3)
AT_ONCE = 50


def erase(
    session: Session, participant_id: UUID, gathering_id: UUID, *, reason: str = "", now: datetime
) -> None:
    """Forget whom we wrote to and what; letters that have not left never will, but for the one that says so.

    `reason` is `retention` when the time for which the gathering keeps its people is over, else they asked. Where there
    is nobody to write to (no address, one that letters come back from, no gathering known) it is confirmed at once.
    """
    letter = _say_farewell(session, participant_id, gathering_id, reason=reason, now=now)
    if letter is None or letter.state not in _UNDER_WAY:
        _confirm(session, participant_id, gathering_id, forget(session, participant_id), now=now)
        return
    session.flush()
    farewell = Farewell(
        participant_id=participant_id,
        gathering_id=gathering_id,
        letter_id=letter.id,
        gone={},
        gives_up_at=now + PATIENCE,
    )
    session.add(farewell)
    session.flush()
    farewell.gone = forget(session, participant_id)


def finish(session: Session, now: datetime) -> int:
    """Forget those too whose last letter has left, or never will, and confirm it; returns how many."""
    is_over = or_(Letter.state.not_in(_UNDER_WAY), Farewell.gives_up_at <= now)
    over = select(Farewell).join(Letter, Letter.id == Farewell.letter_id).where(is_over)
    due = over.order_by(Farewell.gives_up_at).limit(AT_ONCE).with_for_update(of=Farewell, skip_locked=True)
    farewells = session.scalars(due).all()
    for farewell in farewells:
        about, gone = (farewell.participant_id, farewell.gathering_id), farewell.gone
        session.delete(farewell)
        session.flush()
        forget(session, about[0])
        _confirm(session, *about, {**gone, "letters": gone.get("letters", 0) + 1}, now=now)
    return len(farewells)


def _say_farewell(
    session: Session, participant_id: UUID, gathering_id: UUID, *, reason: str, now: datetime
) -> Letter | None:
    """The letter that tells somebody that they are forgotten; it leads to the page that says who has confirmed."""
    person, gathering = session.get(Person, participant_id), session.get(Gathering, gathering_id)
    if person is None or gathering is None:
        return None
    page = f"{person.link}/effacer" if person.link else gathering.public_url
    to = Addressee(person.email, person.given, person.family, person.language, page, person.id)
    details = {"reason": reason}
    return letters.write(session, "erased", to, gathering=gathering, version="1", details=details, now=now)


def _confirm(
    session: Session, participant_id: UUID, gathering_id: UUID, gone: dict[str, int], *, now: datetime
) -> None:
    about = {"participant_id": participant_id, "gathering_id": gathering_id, "gone": gone, "erased_at": now}
    publish(session, PersonErased, about=about, now=now)


def forget(session: Session, participant_id: UUID) -> dict[str, int]:
    """Empty what names somebody in letters, attempts and lists; returns how much of what.

    The letter that tells them so is left alone while it is waited for.
    """
    mine = [Letter.participant_id == participant_id]
    farewell = session.get(Farewell, participant_id)
    last = None if farewell is None else farewell.letter_id
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
        packs.forget(session, person)
        person.email = person.given = person.family = person.link = ""
        person.standing = "cancelled"
    found = session.scalars(select(Letter).where(or_(*mine)).with_for_update()).all()
    written = [letter for letter in found if letter.id != last]
    addresses = {letter.email.lower() for letter in written if letter.email}
    session.execute(delete(Suppression).where(Suppression.email.in_(addresses)))
    for letter in written:
        if letter.is_solicitation and letter.email:
            refusals.take_back(session, letter)
    for letter in written:
        letter.email = letter.text = letter.html = ""
        letter.name, letter.subject = "–", _INSTEAD.get(letter.language, _INSTEAD["en"])
        letter.ics = letter.ics_method = letter.facts = letter.reply = None
        if letter.state in _WAITING:
            letter.state, letter.next_at, letter.claimed_by = "discarded", None, None
    ids = [letter.id for letter in written]
    session.execute(update(Delivery).where(Delivery.letter_id.in_(ids)).values(reply=""))
    session.execute(update(Plan).where(Plan.participant_id == participant_id).values(plan=""))
    session.execute(delete(EarlyFact).where(EarlyFact.participant_id == participant_id))
    session.flush()
    return {"letters": len(written)}
