"""Letters: written once, reviewed when they are drafts, then left to the posters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from services.chassis import restores
from services.chassis.catalogues import N_
from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import wake
from services.notifications import deliveries, hours, refusals, suppressions
from services.notifications.models import Gathering, Invitee, Letter, Person, Wording
from services.notifications.writing import calendars, composing, words
from services.notifications.writing.composing import LANGUAGES, Words, Written
from services.notifications.writing.envelopes import message_id
from services.notifications.writing.kinds import KINDS

_LETTERS = uuid5(NAMESPACE_URL, "palabre:letters")
ARRIVED = N_("Somebody made sure that it arrived.")
AGAIN = N_("Somebody asked to send it once more.")
_NOWHERE = "palabre.invalid"
# In the letter's own language, as its other words are.
_PRIVATE = (
    "What this letter says is for its reader alone.",
    "Ce que dit ce courrier n’est que pour la personne qui le reçoit.",
)


class UnknownLetter(NotFound):
    code = "unknown-letter"


class NothingToSettle(Refused):
    code = "nothing-to-settle"


class AddressSuppressed(Refused):
    code = "address-suppressed"


class LettersRefused(Refused):
    code = "letters-refused"


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a letter goes: an address, a name, a language, and the link that is only theirs."""

    email: str
    given: str
    family: str
    language: str
    link: str
    participant_id: UUID | None = None

    @classmethod
    def of(cls, person: Person) -> Addressee:
        return cls(person.email, person.given, person.family, person.language, person.link, person.id)


def write(
    session: Session,
    kind: str,
    to: Addressee,
    *,
    gathering: Gathering | None,
    about: UUID | None = None,
    version: str,
    details: Mapping[str, Any] | None = None,
    person: Person | None = None,
    facts: dict[str, Any] | None = None,
    now: datetime,
) -> Letter | None:
    """Write one letter and queue it (or keep it as a draft, as its kind says); None when it was written before.

    The same (gathering, `about` or person, kind, version) is the same letter. `person` is given when their calendar
    must follow: the letter then carries the next message about their appointment. `facts` is what later news may be
    joined with, see `waiting`. Nobody without an address is written to.
    """
    if not to.email.strip():
        return None
    what = KINDS[kind]
    key = _key(gathering.id if gathering else None, about or to.participant_id, kind, version)
    if session.scalar(select(Letter.id).where(Letter.dedupe_key == key)) is not None:
        return None

    written = compose(
        kind, to, gathering=gathering, details=details, words_=_own_words(session, gathering, kind, to)
    )
    ics = None
    if gathering is not None and person is not None and what.calendar is not None:
        ics = _appointment(gathering, person, what.calendar, now)
    letter = _letter(kind, to, written, gathering=gathering, about=about, version=version, now=now)
    letter.ics, letter.ics_method = ics, what.calendar if ics else None
    letter.facts, letter.trace = facts, session.info.get("trace")
    if letter.state == "queued" and restores.is_of_before(session):
        # Heard again after a restore, it was written and perhaps sent in a time that this database does not know.
        letter.state, letter.next_at, letter.reply = "unknown", None, deliveries.RESTORED
    session.add(letter)
    if letter.is_solicitation and refusals.is_refused(session, letter):
        session.flush()
        refusals.hold_back(session, [letter.id], now)
    if letter.state == "queued" and suppressions.is_suppressed(session, letter.email):
        session.flush()
        suppressions.hold_back(session, [letter.id], now)
    if letter.state == "queued":
        wake(session)
    return letter


def waiting(session: Session, person: Person, *kinds: str) -> Letter | None:
    """The letter of one of these kinds that waits for further news of this person; it is locked."""
    return session.scalar(
        select(Letter)
        .where(
            Letter.participant_id == person.id,
            Letter.kind.in_(kinds),
            Letter.state == "queued",
            Letter.attempts == 0,
            Letter.facts.is_not(None),
        )
        .order_by(Letter.created_at.desc())
        .limit(1)
        .with_for_update()
    )


def join(
    session: Session,
    letter: Letter,
    to: Addressee,
    *,
    gathering: Gathering,
    details: Mapping[str, Any],
    facts: dict[str, Any],
    person: Person | None,
    now: datetime,
) -> None:
    """Write a waiting letter anew with later news; it leaves when it would have left."""
    own = _own_words(session, gathering, letter.kind, to)
    dress(letter, compose(letter.kind, to, gathering=gathering, details=details, words_=own))
    letter.email, letter.name = to.email.strip(), words.full_name(to.given, to.family)
    letter.facts = facts
    method = KINDS[letter.kind].calendar
    if person is not None and method is not None:
        letter.ics = _appointment(gathering, person, method, now)
        letter.ics_method = method if letter.ics else None


def compose(
    kind: str,
    to: Addressee,
    *,
    gathering: Gathering | None,
    details: Mapping[str, Any] | None = None,
    words_: Words | None = None,
) -> Written:
    """The words of a letter to one person, in an organiser's wording when there is one."""
    return composing.write(
        kind,
        to.language,
        writing=gathering.writing if gathering else "epicene",
        about={**(_said_of(gathering) if gathering else {}), **_said_to(to), **(details or {})},
        words_=words_,
    )


def dress(letter: Letter, written: Written) -> None:
    """Give a letter these words."""
    letter.subject, letter.text, letter.html = written.subject, written.text, written.html


def shown(letter: Letter) -> Written:
    """What organisers may read of a letter: all of it, or of a private one that it is private."""
    if not KINDS[letter.kind].is_private or not letter.text or letter.version.startswith("test."):
        return Written(letter.subject, letter.text, letter.html)
    return composing.rewrite(letter.subject, _PRIVATE[letter.language == "fr"], language=letter.language)


def send_test(
    session: Session,
    kind: str,
    to: Addressee,
    written: Written,
    *,
    gathering: Gathering,
    version: str,
    now: datetime,
) -> Letter:
    """Queue a letter of this kind to try its words: it is about nobody and leaves at once."""
    letter = _letter(kind, to, written, gathering=gathering, about=None, version=version, now=now)
    letter.state, letter.next_at, letter.queued_at, letter.is_solicitation = "queued", now, now, False
    session.add(letter)
    wake(session)
    return letter


def drop(letter: Letter) -> None:
    """What it was to tell is no longer so: it does not leave."""
    letter.state, letter.next_at = "discarded", None


def drop_all(session: Session, gathering_id: UUID, participant_id: UUID) -> None:
    """Nothing that waits here for this person leaves: they are somebody else's second row."""
    session.execute(
        update(Letter)
        .where(
            Letter.gathering_id == gathering_id,
            Letter.participant_id == participant_id,
            Letter.state.in_(("draft", "queued")),
        )
        .values(state="discarded", next_at=None)
        .execution_options(synchronize_session=False)
    )


def answered(session: Session, gathering_id: UUID, to: Addressee, now: datetime) -> None:
    """This person answered: an invitation or a reminder that still waits here need not go, and none follows."""
    name, email = words.full_name(to.given, to.family), to.email.strip().lower()
    session.execute(
        update(Letter)
        .where(
            Letter.gathering_id == gathering_id,
            Letter.state.in_(("draft", "queued")),
            Letter.kind.in_(("invitation", "reminder")),
            func.lower(Letter.email) == email,
            Letter.name == name,
        )
        .values(state="discarded", next_at=None)
        .execution_options(synchronize_session=False)
    )
    silent = session.scalars(
        select(Invitee).where(
            Invitee.gathering_id == gathering_id,
            Invitee.answered_at.is_(None),
            func.lower(Invitee.email) == email,
        )
    )
    for invitee in silent:
        if words.full_name(invitee.given, invitee.family) == name:
            invitee.answered_at = now


def settle(session: Session, letter: Letter, *, arrived: bool, now: datetime) -> None:
    """A person says what became of an unknown letter: it arrived, or it is to go once more.

    A letter that failed, came back or was held back can go once more too: its address may be well again. Raises
    NothingToSettle, AddressSuppressed when letters to this address are still held back, LettersRefused when its person
    wants none of this kind.
    """
    if not letter.email:
        raise NothingToSettle("The person of this letter is forgotten.")
    if letter.state == "unknown":
        deliveries.settle(session, letter, arrived=arrived, reply=ARRIVED if arrived else AGAIN, now=now)
    elif letter.state in ("failed", "bounced", "suppressed") and not arrived:
        if suppressions.is_suppressed(session, letter.email):
            raise AddressSuppressed("Letters come back from this address. Take it off the list first.")
        if letter.is_solicitation and refusals.is_refused(session, letter):
            raise LettersRefused(
                "This person asked for no more letters of this kind. Only they can change that."
            )
        letter.attempts, letter.sent_at = 0, None
        letter.state, letter.next_at, letter.queued_at = "queued", now, now
    else:
        raise NothingToSettle("What became of this letter is known.")
    wake(session)


def leaves_at(kind: str, gathering: Gathering | None, at: datetime) -> datetime:
    """At once, or when the night of the gathering's zone is over."""
    if gathering is None or KINDS[kind].is_asked:
        return at
    return hours.may_leave(at, gathering.zone, gathering.night, gathering.starts_at)


def id_of(gathering_id: UUID, about: UUID, kind: str, version: str) -> UUID:
    """The id that the letter of this key has, written or not."""
    return uuid5(_LETTERS, _key(gathering_id, about, kind, version))


def counts(session: Session, gathering_id: UUID) -> dict[str, dict[str, int]]:
    """How many letters of each kind are in each state."""
    found: dict[str, dict[str, int]] = {}
    rows = session.execute(
        select(Letter.kind, Letter.state, func.count())
        .where(Letter.gathering_id == gathering_id)
        .group_by(Letter.kind, Letter.state)
    ).all()
    for kind, state, count in rows:
        found.setdefault(kind, {})[state] = count
    return found


def listed(
    session: Session,
    gathering_id: UUID,
    *,
    kind: str | None = None,
    states: tuple[str, ...] = (),
    participant_id: UUID | None = None,
    text: str = "",
    after: int = 0,
    limit: int = 100,
) -> list[Letter]:
    """Letters of a gathering, newest first, `after` of them skipped; `text` is looked for in names and addresses."""
    here = select(Letter).where(Letter.gathering_id == gathering_id)
    if kind:
        here = here.where(Letter.kind == kind)
    if states:
        here = here.where(Letter.state.in_(states))
    if participant_id:
        here = here.where(Letter.participant_id == participant_id)
    if text:
        like = f"%{text.replace('%', '').replace('_', ' ')}%"
        here = here.where(Letter.name.ilike(like) | Letter.email.ilike(like))
    return list(
        session.scalars(
            here.order_by(Letter.created_at.desc(), Letter.name, Letter.id).offset(after).limit(limit)
        )
    )


def one(session: Session, gathering_id: UUID, letter_id: UUID, *, for_update: bool = False) -> Letter:
    """One letter of this gathering. Raises UnknownLetter."""
    letter = session.get(Letter, letter_id, with_for_update=for_update)
    if letter is None or letter.gathering_id != gathering_id:
        raise UnknownLetter("There is no such letter.")
    return letter


def _letter(
    kind: str,
    to: Addressee,
    written: Written,
    *,
    gathering: Gathering | None,
    about: UUID | None,
    version: str,
    now: datetime,
) -> Letter:
    what = KINDS[kind]
    key = _key(gathering.id if gathering else None, about or to.participant_id, kind, version)
    letter_id = uuid5(_LETTERS, key)
    return Letter(
        id=letter_id,
        gathering_id=gathering.id if gathering else None,
        participant_id=to.participant_id,
        kind=kind,
        version=version,
        dedupe_key=key,
        message_id=message_id(letter_id, f"letters@{_host(gathering.public_url if gathering else to.link)}"),
        email=to.email.strip(),
        name=words.full_name(to.given, to.family),
        sender_name=_sender_name(gathering),
        reply_to=gathering.reply_to if gathering else "",
        language=to.language,
        subject=written.subject,
        text=written.text,
        html=written.html,
        is_solicitation=what.is_solicitation,
        state="draft" if what.is_draft else "queued",
        next_at=None if what.is_draft else leaves_at(kind, gathering, now + what.settles),
        attempts=0,
        created_at=now,
        queued_at=None if what.is_draft else now,
    )


def _own_words(session: Session, gathering: Gathering | None, kind: str, to: Addressee) -> Words | None:
    if gathering is None:
        return None
    own = session.get(Wording, (gathering.id, kind, to.language if to.language in LANGUAGES else "en"))
    return None if own is None else Words(own.subject, own.text)


def _key(gathering_id: UUID | None, about: UUID | None, kind: str, version: str) -> str:
    return f"{gathering_id or '-'}/{about}/{kind}/{version}"


def _appointment(gathering: Gathering, person: Person, method: str, now: datetime) -> str | None:
    if method == "CANCEL" and person.calendar == 0:
        return None  # their calendar never heard of it
    house = f"letters@{_host(gathering.public_url)}"
    appointment = calendars.Appointment(
        uid=f"{gathering.id}.{person.id}@{_host(gathering.public_url)}",
        sequence=person.calendar,
        title=gathering.title,
        purpose=gathering.purpose,
        starts_at=gathering.starts_at,
        ends_at=gathering.ends_at,
        place=gathering.place,
        url=gathering.public_url,
        organiser_name=gathering.organiser_name,
        organiser_email=gathering.reply_to or house,
        attendee_name=words.full_name(person.given, person.family),
        attendee_email=person.email,
        house_email=house,
    )
    person.calendar += 1
    return calendars.render(appointment, method, now=now)


def _said_of(gathering: Gathering) -> dict[str, Any]:
    return {
        "title": gathering.title,
        "purpose": gathering.purpose,
        "starts_at": gathering.starts_at,
        "ends_at": gathering.ends_at,
        "zone": gathering.zone,
        "place": gathering.place,
        "organiser": gathering.organiser_name,
        "public_url": gathering.public_url,
    }


def _said_to(to: Addressee) -> dict[str, Any]:
    return {"given": to.given, "family": to.family, "link": to.link}


def _sender_name(gathering: Gathering | None) -> str:
    if gathering is None:
        return "Palabre"
    return " – ".join(part for part in (gathering.organiser_name, gathering.title) if part)


def _host(url: str) -> str:
    return urlsplit(url).hostname or _NOWHERE
