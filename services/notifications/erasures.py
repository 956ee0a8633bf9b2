"""Forgetting a person: that letters left stays a number, without an address and without a word of them.

Their last letter says that it is done. It keeps their address until it has left, and nothing else does; only then do we
confirm that we have forgotten them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from services.chassis.outbox import publish
from services.notifications import letters, refusals
from services.notifications.events import PersonErased
from services.notifications.letters import Addressee
from services.notifications.models import Delivery, EarlyFact, Gathering, Invitee, Letter, Person, Suppression

# States of letters that have not left: they never will.
_WAITING = ("draft", "queued", "deferred", "suppressed")
# There is nothing more to hope for, or to wait for.
_OVER = ("sent", "unknown", "failed", "bounced", "suppressed", "discarded")
FAREWELL = "erased"
_VERSION = "1"
# A mail server is asked for 48 hours; whoever asked to be forgotten is forgotten then, told or not.
GIVEN_UP = timedelta(days=3)
_AT_ONCE = 200
_INSTEAD = {"fr": "Courrier effacé", "en": "Erased letter"}


def erase(session: Session, participant_id: UUID, gathering_id: UUID, *, now: datetime) -> None:
    """Forget whom we wrote to and what; letters that have not left never will, but for the one that says so.

    Confirmed at once where nobody is left to be told, else by `finish`.
    """
    farewell = _farewell(session, participant_id, gathering_id, now=now)
    gone = forget(session, participant_id)
    if farewell is None:
        _confirm(session, participant_id, gathering_id, gone, now=now)
    else:
        farewell.facts = {"gone": gone}
        if farewell.state in _OVER:
            _finish(session, farewell, now=now)


def finish(session: Session, now: datetime) -> int:
    """Forget the addresses of those whose last letter has left, or never will, and confirm it; returns how many."""
    farewells = session.scalars(
        select(Letter)
        .where(Letter.kind == FAREWELL, Letter.email != "", Letter.participant_id.is_not(None))
        .where(or_(Letter.state.in_(_OVER), Letter.created_at <= now - GIVEN_UP))
        .where(Letter.state.in_((*_OVER, *_WAITING)))
        .order_by(Letter.created_at)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for letter in farewells:
        _finish(session, letter, now=now)
    return len(farewells)


def _finish(session: Session, letter: Letter, *, now: datetime) -> None:
    gone: dict[str, int] = (letter.facts or {}).get("gone", {})
    _blank(session, [letter])
    if letter.participant_id is not None and letter.gathering_id is not None:
        _confirm(session, letter.participant_id, letter.gathering_id, gone, now=now)


def _farewell(session: Session, participant_id: UUID, gathering_id: UUID, *, now: datetime) -> Letter | None:
    """The letter that tells somebody that they are forgotten; None where there is nobody to write to."""
    person, gathering = session.get(Person, participant_id), session.get(Gathering, gathering_id)
    if gathering is None:
        return None
    if person is not None and person.email:
        house = gathering.public_url.removesuffix(f"/r/{gathering.slug}")
        # Without their name: it is forgotten as this is written.
        to = Addressee(person.email, "", "", person.language, f"{house}/donnees", participant_id)
        letters.write(session, FAREWELL, to, gathering=gathering, version=_VERSION, now=now)
        session.flush()
    # Asked for, as it may have been written before this was heard again.
    written = session.get(Letter, letters.id_of(gathering_id, participant_id, FAREWELL, _VERSION))
    return written if written is not None and written.email else None


def _confirm(
    session: Session, participant_id: UUID, gathering_id: UUID, gone: dict[str, int], *, now: datetime
) -> None:
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
    # The last letter is not over while it is under way; `finish` forgets it.
    theirs = select(Letter).where(or_(*mine), Letter.kind != FAREWELL)
    written = session.scalars(theirs.with_for_update()).all()
    for letter in written:
        if letter.is_solicitation and letter.email:
            refusals.take_back(session, letter)
    _blank(session, written)
    session.execute(delete(EarlyFact).where(EarlyFact.participant_id == participant_id))
    session.flush()
    return {"letters": len(written)}


def _blank(session: Session, written: Sequence[Letter]) -> None:
    """Leave of letters that they were written, and when; what has not left never will."""
    addresses = {letter.email.lower() for letter in written if letter.email}
    session.execute(delete(Suppression).where(Suppression.email.in_(addresses)))
    for letter in written:
        letter.email = letter.text = letter.html = ""
        letter.name, letter.subject = "–", _INSTEAD.get(letter.language, _INSTEAD["en"])
        letter.ics = letter.ics_method = letter.facts = letter.reply = None
        if letter.state in _WAITING:
            letter.state, letter.next_at = "discarded", None
    ids = [letter.id for letter in written]
    session.execute(update(Delivery).where(Delivery.letter_id.in_(ids)).values(reply=""))
    session.flush()
