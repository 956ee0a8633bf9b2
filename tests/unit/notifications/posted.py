"""Letters to post and a clock to wind, for tests of posters."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import select

from services.notifications.models import Letter
from services.notifications.posters import Clock

SENDER = "palabre@passerelles.example"


class At(Clock):
    """A clock that somebody else winds: waiting moves it ahead."""

    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at

    def counted_s(self):
        return self.at.timestamp()

    def wait_until(self, at):
        self.at = max(self.at, at)


def a_letter(number=1, **other):
    letter_id = uuid4()
    now = datetime.now(UTC)
    return Letter(
        **{
            "id": letter_id,
            "gathering_id": None,
            "participant_id": None,
            "kind": "registered",
            "version": "1",
            "dedupe_key": str(letter_id),
            "message_id": f"<{letter_id}@palabre.example>",
            "email": f"person{number}@example.org",
            "name": f"Personne {number}",
            "sender_name": "Passerelles",
            "reply_to": "",
            "language": "fr",
            "subject": "Votre place est réservée",
            "text": "Bonjour,\n\n.un point seul\n.\nfin\n",
            "html": "<!doctype html><title>x</title><p>Bonjour",
            "ics": None,
            "ics_method": None,
            "is_solicitation": False,
            "state": "queued",
            "next_at": now,
            "attempts": 0,
            "created_at": now,
            "queued_at": now,
            **other,
        }
    )


def queue(database, *letters):
    with database.transaction() as session:
        session.add_all(letters)


def states(database):
    with database.reading() as session:
        return {letter.email: letter.state for letter in session.scalars(select(Letter))}
