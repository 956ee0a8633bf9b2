"""Several people of one structure who ask for their seats together; each confirms their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.registration import registrations
from services.registration.links import Links
from services.registration.registrations import Answer


@dataclass(frozen=True)
class Asked:
    """One person of the party, by the name that was given, and what they are told."""

    name: str
    answer: Answer


def ask(
    session: Session,
    gathering_id: UUID,
    *,
    people: Sequence[dict[str, str]],
    territory: str,
    trade: str,
    structure: str,
    language: str,
    links: Links,
    now: datetime,
) -> list[Asked]:
    """Hold a seat for each of `people` (given, family, email), in their order, or put them in the line.

    A party larger than the places left is not refused: its first people hold the seats and the others wait, each with
    their own rank. Raises what registrations.ask raises, and then nobody has asked.
    """
    asked = []
    for one in people:
        said: dict[str, Any] = {**one, "territory": territory, "trade": trade, "structure": structure}
        answer = registrations.ask(session, gathering_id, **said, language=language, links=links, now=now)
        asked.append(Asked(f"{one['given']} {one['family']}".strip(), answer))
    return asked
