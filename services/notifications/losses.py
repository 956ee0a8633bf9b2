"""What organisers are told at once: that somebody whom the day was built on does not come."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.notifications import digests, letters
from services.notifications.letters import Addressee
from services.notifications.models import Gathering

Fact = dict[str, Any]


def tell_of_story(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    """An accepted story has nobody to tell it."""
    _tell(session, fact, gathering, fact["story_id"], {"number": 0, "question": ""}, now)


def tell_of_topic(session: Session, fact: Fact, gathering: Gathering, now: datetime) -> None:
    """An accepted topic has nobody to carry it: its group has lost its question."""
    _tell(
        session,
        fact,
        gathering,
        fact["topic_id"],
        {"number": fact["number"], "question": fact["question"]},
        now,
    )


def _tell(
    session: Session, fact: Fact, gathering: Gathering, about: UUID, details: dict[str, Any], now: datetime
) -> None:
    """Write to each organiser, unless one of them decided it or the day is over.

    Who left is not named: the letter would know them longer than they may want to be known.
    """
    if fact["reason"] != "withdrawn" or gathering.state == "cancelled" or now >= gathering.ends_at:
        return
    base = gathering.public_url.removesuffix(f"/r/{gathering.slug}")
    for reader in digests.readers(session, gathering.id):
        to = Addressee(
            reader.email, reader.name, "", gathering.language, f"{base}/o/{gathering.slug}/histoires"
        )
        letters.write(
            session,
            "loss",
            to,
            gathering=gathering,
            about=about,
            version=f"{reader.organiser_id} {fact['_happened_at'].isoformat()}",
            details=details,
            now=now,
        )
