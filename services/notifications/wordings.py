"""An organiser's own words for a kind of letter, in place of the house's, at one gathering and in one language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.notifications import letters
from services.notifications.letters import Addressee
from services.notifications.models import Gathering, Invitee, Letter, Person, Wording
from services.notifications.writing import composing, placeholders
from services.notifications.writing.composing import LANGUAGES, Words, Written
from services.notifications.writing.kinds import KINDS, WITHOUT_GATHERING

# What is about nobody's gathering is the house's to say.
KINDS_OF_A_GATHERING = tuple(kind for kind in KINDS if kind not in WITHOUT_GATHERING)
SUBJECT_MAX, TEXT_MAX = 200, 8000


class UnknownKind(NotFound):
    code = "unknown-kind"


class UnknownName(Refused):
    code, status = "unknown-placeholder", HTTPStatus.UNPROCESSABLE_ENTITY


class LinkMissing(Refused):
    code, status = "link-missing", HTTPStatus.UNPROCESSABLE_ENTITY


class NoAddress(Refused):
    code = "no-address"


def of(session: Session, gathering_id: UUID, kind: str, language: str) -> Words:
    """The words that letters of this kind are written in: the gathering's own, else the house's. Raises UnknownKind."""
    _known(kind, language)
    own = session.get(Wording, (gathering_id, kind, language))
    return Words(own.subject, own.text) if own is not None else composing.house(kind, language)


def listed(session: Session, gathering_id: UUID) -> dict[tuple[str, str], Wording]:
    """The gathering's own words, by kind and language."""
    rows = session.scalars(select(Wording).where(Wording.gathering_id == gathering_id))
    return {(row.kind, row.language): row for row in rows}


def problems(kind: str, language: str, *, subject: str, text: str) -> list[Refused]:
    """What keeps these words from being kept, each beside its field. Raises UnknownKind."""
    _known(kind, language)
    known = ", ".join(f"{{{one.name(language)}}}" for one in placeholders.of(kind))
    wrong: list[Refused] = []
    for field, typed in (("subject", subject), ("text", text)):
        try:
            placeholders.check(kind, language, typed)
        except placeholders.UnknownPlaceholder as unknown:
            names = ", ".join(f"{{{name}}}" for name in unknown.names)
            wrong.append(
                UnknownName(
                    "This letter does not know %(names)s. It knows: %(known)s.",
                    field=field,
                    names=names,
                    known=known,
                )
            )
    if not any(one.field == "text" for one in wrong) and placeholders.lacks_link(kind, language, text):
        link = "{lien}" if language == "fr" else "{link}"
        wrong.append(
            LinkMissing(
                "Without %(link)s this letter leads nowhere: put it on a line of its own.",
                field="text",
                link=link,
            )
        )
    return wrong


def keep(
    session: Session,
    gathering: Gathering,
    kind: str,
    language: str,
    *,
    subject: str,
    text: str,
    by: UUID,
    now: datetime,
) -> int:
    """Say letters of this kind in these words from now on. Returns how many drafts were written anew with them.

    Drafts that somebody changed by hand stay as they are. The house's own words are not kept as the gathering's.
    Raises UnknownKind, UnknownName, LinkMissing.
    """
    for problem in problems(kind, language, subject=subject, text=text):
        raise problem
    wanted = Words(" ".join(subject.split()), text.replace("\r\n", "\n").strip("\n") + "\n")
    if wanted == _tidy(composing.house(kind, language)):
        return forget(session, gathering, kind, language)
    own = session.get(Wording, (gathering.id, kind, language), with_for_update=True)
    if own is None:
        own = Wording(gathering_id=gathering.id, kind=kind, language=language)
        session.add(own)
    own.subject, own.text, own.changed_by, own.changed_at = wanted.subject, wanted.text, by, now
    session.flush()
    return _rewrite_drafts(session, gathering, kind, language)


def forget(session: Session, gathering: Gathering, kind: str, language: str) -> int:
    """Go back to the house's words. Returns how many drafts were written anew. Raises UnknownKind."""
    _known(kind, language)
    own = session.get(Wording, (gathering.id, kind, language), with_for_update=True)
    if own is not None:
        session.delete(own)
        session.flush()
    return _rewrite_drafts(session, gathering, kind, language)


def preview(
    session: Session, gathering: Gathering, kind: str, language: str, words: Words, *, person_id: UUID | None
) -> Written:
    """These words as one real person would read them, or somebody made up where nobody is known yet.

    Their personal link is theirs alone: the public page stands in its place. What only the moment knows (a rank, a
    code, a change) is made up. Raises UnknownKind, UnknownName.
    """
    for problem in problems(kind, language, subject=words.subject, text=words.text):
        if isinstance(problem, UnknownName):
            raise problem
    person = session.get(Person, person_id) if person_id else None
    if person is not None and person.gathering_id != gathering.id:
        person = None
    given, family = (person.given, person.family) if person else ("Ada", "Lovelace")
    to = Addressee("", given, family, language, gathering.public_url)
    return letters.compose(kind, to, gathering=gathering, details=_made_up(gathering, language), words_=words)


def send_to_me(
    session: Session,
    gathering: Gathering,
    kind: str,
    language: str,
    words: Words,
    *,
    person_id: UUID | None,
    email: str,
    name: str,
    now: datetime,
) -> Letter:
    """Send the preview to the organiser who asks; it counts as nobody's letter. Raises NoAddress, and as `preview`."""
    if not email:
        raise NoAddress("We do not know your address: sign in by e-mail once.")
    written = preview(session, gathering, kind, language, words, person_id=person_id)
    mark = "Essai" if language == "fr" else "Test"
    written = Written(f"[{mark}] {written.subject}", written.text, written.html)
    to = Addressee(email, name, "", language, gathering.public_url)
    return letters.send_test(
        session, kind, to, written, gathering=gathering, version=f"test.{uuid4()}", now=now
    )


def people(session: Session, gathering_id: UUID, *, limit: int = 300) -> list[Person]:
    """Whom a preview may be shown for, by name."""
    here = select(Person).where(Person.gathering_id == gathering_id).order_by(Person.given, Person.family)
    return list(session.scalars(here.limit(limit)))


def _known(kind: str, language: str) -> None:
    if kind not in KINDS_OF_A_GATHERING or language not in LANGUAGES:
        raise UnknownKind("There is no such letter.")


def _tidy(words: Words) -> Words:
    return Words(" ".join(words.subject.split()), words.text.strip("\n") + "\n")


def _rewrite_drafts(session: Session, gathering: Gathering, kind: str, language: str) -> int:
    """Only invitations wait as drafts; whom they are to stands beside them."""
    if kind != "invitation":
        return 0
    written = 0
    here = select(Invitee).where(Invitee.gathering_id == gathering.id, Invitee.language == language)
    for invitee in session.scalars(here):
        letter = session.get(Letter, letters.id_of(gathering.id, invitee.id, kind, "1"), with_for_update=True)
        if letter is None or letter.state != "draft" or letter.is_by_hand:
            continue
        to = Addressee(invitee.email, invitee.given, invitee.family, invitee.language, invitee.link)
        letters.dress(
            letter,
            letters.compose(kind, to, gathering=gathering, words_=of(session, gathering.id, kind, language)),
        )
        written += 1
    return written


def _made_up(gathering: Gathering, language: str) -> Mapping[str, Any]:
    french = language == "fr"
    return {
        "code": "482 913",
        "expires_at": gathering.starts_at - timedelta(days=10),
        "closes_at": gathering.ends_at + timedelta(days=14),
        "helps_as": "desk",
        "invited_by": gathering.organiser_name,
        "handed_by": "",
        "handed_to": "",
        "held_seat": True,
        "has_seat": True,
        "had_when": "",
        "had_place": "",
        "plan": ["Appeler deux partenaires." if french else "Call two partners."],
        "rank": 3,
        "number": 4,
        "reason": "full",
        "kept_until": gathering.kept_until or gathering.ends_at + timedelta(days=365),
        "territory": "",
        "changes": [
            {
                "label": "Structure",
                "before": "Atelier du Nord" if french else "North workshop",
                "after": "Atelier Dupont",
            }
        ],
        "round_kind": "topics",
        "group_number": 4,
        "group_name": "Le logement" if french else "Housing",
        "question": "Que faire quand le logement lâche ?" if french else "What to do when housing fails?",
        "role": "member",
        "companions": 10,
        "reasons": ["C’était votre premier choix." if french else "It was your first wish."],
        "before_number": 2,
        "duty": "facilitator",
        "before_duty": "",
        "people": [
            {"name": "Ada Lovelace", "duty": "facilitator"},
            {"name": "Bo Lindqvist", "duty": "rapporteur"},
            {"name": "Cy Twombly", "duty": "timekeeper"},
            {"name": "Dominique Martin", "duty": ""},
        ],
        "failures": [
            {
                "name": "Bo Lindqvist",
                "subject": "Votre place est réservée" if french else "Your seat is reserved",
                "state": "bounced",
            }
        ],
        "failed": 1,
        "others": 0,
        "drafts": 4,
    }
