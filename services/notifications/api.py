"""The JSON API of notifications: an organiser's letters, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.auth import require
from services.chassis.doors import Doors
from services.chassis.i18n import gettext
from services.chassis.shapes import a_page
from services.chassis.web import now, reading, transacted
from services.notifications import drafts, reminders, schemas
from services.notifications import letters as use
from services.notifications import wordings as own_words
from services.notifications.models import Gathering, Letter, Reminder
from services.notifications.people import UnknownGathering
from services.notifications.writing import composing, placeholders
from services.notifications.writing.composing import LANGUAGES

letters = Doors("letters_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/letters")

schedule = Doors(
    "schedule_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/schedule"
)

wordings = Doors(
    "wordings_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/wordings"
)

# `response` stands below the transaction: a letter is dumped while its session is open.


@letters.get("")
@letters.arguments(schemas.LetterQuery, location="query")
@reading
@letters.response(200, schemas.LettersPage)
def listed(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Letters, newest first, and how many of each kind are in each state."""
    gathering = _ours(session, gathering_id)
    states = (wanted["state"],) if wanted["state"] else ()
    after, limit = wanted["after"], wanted["limit"]
    found = use.listed(
        session,
        gathering.id,
        kind=wanted["kind"],
        states=states,
        after=after,
        limit=limit + 1,
    )
    return a_page(found, after=after, limit=limit, counts=use.counts(session, gathering.id))


@letters.post("/send")
@letters.arguments(schemas.SendDrafts)
@transacted
@letters.response(202, schemas.SentView)
def send(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, int]:
    """Send the drafts of one kind: `count` of them, written at `upto` or before."""
    gathering = _ours(session, gathering_id)
    return {"sent": drafts.send(session, gathering, **wanted, now=now())}


@letters.get("/<uuid:letter_id>")
@reading
@letters.response(200, schemas.WholeLetterView)
def one(session: Session, gathering_id: UUID, letter_id: UUID) -> Letter:
    """One letter with its words and each attempt to deliver it."""
    return use.one(session, _ours(session, gathering_id).id, letter_id)


@letters.patch("/<uuid:letter_id>")
@letters.arguments(schemas.EditDraft)
@transacted
@letters.response(200, schemas.WholeLetterView)
def edit(session: Session, wanted: dict[str, Any], gathering_id: UUID, letter_id: UUID) -> Letter:
    """Change the words of one draft."""
    letter = use.one(session, _ours(session, gathering_id).id, letter_id, for_update=True)
    drafts.edit(session, letter, **wanted)
    return letter


@letters.post("/<uuid:letter_id>/discard")
@transacted
@letters.response(200, schemas.LetterView)
def discard(session: Session, gathering_id: UUID, letter_id: UUID) -> Letter:
    """Put one draft aside."""
    letter = use.one(session, _ours(session, gathering_id).id, letter_id, for_update=True)
    drafts.discard(session, letter)
    return letter


@letters.post("/<uuid:letter_id>/settle")
@letters.arguments(schemas.Settlement)
@transacted
@letters.response(200, schemas.LetterView)
def settle(session: Session, wanted: dict[str, Any], gathering_id: UUID, letter_id: UUID) -> Letter:
    """Say what became of an unknown letter, or let a failed one leave once more."""
    letter = use.one(session, _ours(session, gathering_id).id, letter_id, for_update=True)
    use.settle(session, letter, arrived=wanted["arrived"], now=now())
    return letter


@schedule.get("")
@reading
@schedule.response(200, schemas.ScheduleView)
def planned(session: Session, gathering_id: UUID) -> dict[str, Any]:
    """What leaves when, in the order of time, and the night in which nothing does."""
    return _schedule(session, _ours(session, gathering_id))


@schedule.patch("/<uuid:reminder_id>")
@schedule.arguments(schemas.ReminderChange)
@transacted
@schedule.response(200, schemas.ReminderView)
def change(session: Session, wanted: dict[str, Any], gathering_id: UUID, reminder_id: UUID) -> Reminder:
    """Move one line of the schedule, or switch it on or off."""
    gathering = _ours(session, gathering_id)
    at = f"{wanted['at']:%H:%M}"
    return reminders.change(session, gathering, reminder_id, **{**wanted, "at": at}, now=now())


@schedule.put("/night")
@schedule.arguments(schemas.Night)
@transacted
@schedule.response(200, schemas.ScheduleView)
def change_night(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Say from when to when nobody is written to who did not ask for it."""
    gathering = _ours(session, gathering_id)
    for name, at in wanted.items():
        setattr(gathering, name, f"{at:%H:%M}")
    return _schedule(session, gathering)


@wordings.get("")
@reading
@wordings.response(200, schemas.WordingsView)
def worded(session: Session, gathering_id: UUID) -> dict[str, Any]:
    """The words of every kind of letter in both languages, the gathering's own or the house's."""
    gathering = _ours(session, gathering_id)
    kinds = own_words.KINDS_OF_A_GATHERING
    return {"wordings": [_worded(session, gathering, k, language) for k in kinds for language in LANGUAGES]}


@wordings.put("/<kind>/<language>")
@wordings.arguments(schemas.NewWords)
@transacted
@wordings.response(200, schemas.WordsView)
def reword(
    session: Session, wanted: dict[str, Any], gathering_id: UUID, kind: str, language: str
) -> dict[str, Any]:
    """Say letters of this kind in other words; drafts that nobody changed by hand are written anew."""
    gathering = _ours(session, gathering_id)
    by = require(session, gathering_id).id or UUID(int=0)
    own_words.keep(session, gathering, kind, language, **wanted, by=by, now=now())
    return _worded(session, gathering, kind, language)


@wordings.delete("/<kind>/<language>")
@transacted
@wordings.response(200, schemas.WordsView)
def unword(session: Session, gathering_id: UUID, kind: str, language: str) -> dict[str, Any]:
    """Go back to the house's words."""
    gathering = _ours(session, gathering_id)
    own_words.forget(session, gathering, kind, language)
    return _worded(session, gathering, kind, language)


def _worded(session: Session, gathering: Gathering, kind: str, language: str) -> dict[str, Any]:
    words = own_words.of(session, gathering.id, kind, language)
    return {
        "kind": kind,
        "language": language,
        "subject": words.subject,
        "text": words.text,
        "is_house": words == composing.house(kind, language),
        "placeholders": [
            {"name": one.name(language), "says": gettext(one.says)} for one in placeholders.of(kind)
        ],
    }


def _schedule(session: Session, gathering: Gathering) -> dict[str, Any]:
    return {
        "night_from": gathering.night_from,
        "night_to": gathering.night_to,
        "lines": reminders.listed(session, gathering.id),
    }


def _ours(session: Session, gathering_id: UUID) -> Gathering:
    # Roles first: whether a gathering exists is nobody else's business.
    require(session, gathering_id)
    gathering = session.get(Gathering, gathering_id)
    if gathering is None:
        raise UnknownGathering("There is no such gathering.")
    return gathering
