"""An organiser's letters, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.doors import Doors
from services.chassis.shapes import a_page
from services.chassis.web import now, reading, transacted
from services.notifications import drafts, schemas
from services.notifications import letters as use
from services.notifications.api.around import ours
from services.notifications.models import Letter

letters = Doors("letters_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/letters")

# `response` stands below the transaction: a letter is dumped while its session is open.


@letters.get("")
@letters.arguments(schemas.LetterQuery, location="query")
@reading
@letters.response(200, schemas.LettersPage)
def listed(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Letters, newest first, and how many of each kind are in each state."""
    gathering = ours(session, gathering_id)
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
    gathering = ours(session, gathering_id)
    return {"sent": drafts.send(session, gathering, **wanted, now=now())}


@letters.get("/<uuid:letter_id>")
@reading
@letters.response(200, schemas.WholeLetterView)
def one(session: Session, gathering_id: UUID, letter_id: UUID) -> dict[str, Any]:
    """One letter with its words and each attempt to deliver it."""
    letter = use.one(session, ours(session, gathering_id).id, letter_id)
    said = use.shown(letter)
    known = {name: getattr(letter, name, None) for name in schemas.WholeLetterView().fields}
    return {**known, "text": said.text, "html": said.html}


@letters.patch("/<uuid:letter_id>")
@letters.arguments(schemas.EditDraft)
@transacted
@letters.response(200, schemas.WholeLetterView)
def edit(session: Session, wanted: dict[str, Any], gathering_id: UUID, letter_id: UUID) -> Letter:
    """Change the words of one draft."""
    letter = use.one(session, ours(session, gathering_id).id, letter_id, for_update=True)
    drafts.edit(session, letter, **wanted)
    return letter


@letters.post("/<uuid:letter_id>/discard")
@transacted
@letters.response(200, schemas.LetterView)
def discard(session: Session, gathering_id: UUID, letter_id: UUID) -> Letter:
    """Put one draft aside."""
    letter = use.one(session, ours(session, gathering_id).id, letter_id, for_update=True)
    drafts.discard(session, letter)
    return letter


@letters.post("/<uuid:letter_id>/settle")
@letters.arguments(schemas.Settlement)
@transacted
@letters.response(200, schemas.LetterView)
def settle(session: Session, wanted: dict[str, Any], gathering_id: UUID, letter_id: UUID) -> Letter:
    """Say what became of an unknown letter, or let a failed one leave once more."""
    letter = use.one(session, ours(session, gathering_id).id, letter_id, for_update=True)
    use.settle(session, letter, arrived=wanted["arrived"], now=now())
    return letter
