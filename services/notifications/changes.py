"""Changes that are told soon after one another are one letter: before the first of them, after the last.

Such a letter waits for a moment. While it does, later news is joined to it; what was changed back is not told at all.
Once a poster has it, the next change is a letter of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.notifications import letters
from services.notifications.letters import Addressee
from services.notifications.models import Gathering, Letter, Person
from services.notifications.writing import labels, words

Day = tuple[datetime, datetime, str, str]


def tell_person(
    session: Session,
    person: Person,
    gathering: Gathering,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    version: str,
    now: datetime,
) -> None:
    """Someone's own details are other than before."""
    waiting = letters.waiting(session, person, "changed")
    facts: dict[str, Any] = {"before": dict(before), "after": dict(after)}
    if waiting is not None and waiting.facts is not None:
        if version in waiting.facts["versions"]:
            return
        facts["before"] |= waiting.facts["before"]
        facts["after"] = waiting.facts["after"] | facts["after"]
    changes = labels.changes(facts["before"], facts["after"], person.language, gathering.territories)
    has_seat = person.standing == "registered" and person.calendar > 0
    _tell(
        session,
        waiting,
        "changed",
        person,
        gathering,
        version=version,
        details={"changes": changes} if changes else None,
        facts=facts,
        calendar=has_seat,
        now=now,
    )


def tell_day(
    session: Session, person: Person, gathering: Gathering, had: Day, *, is_back: bool, now: datetime
) -> None:
    """The gathering's day or place is other than it was, or it takes place after all (`is_back`)."""
    waiting = letters.waiting(session, person, "gathering-changed")
    if waiting is not None and waiting.facts is not None:
        starts_at, ends_at, zone, place = waiting.facts["had"]
        had = datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at), zone, place
    is_same = not is_back and had == (gathering.starts_at, gathering.ends_at, gathering.zone, gathering.place)
    has_seat = person.standing == "registered"
    _tell(
        session,
        waiting,
        "gathering-changed",
        person,
        gathering,
        version=str(gathering.version),
        details=None if is_same else {**_had(gathering, had, person.language), "has_seat": has_seat},
        facts={"had": [had[0].isoformat(), had[1].isoformat(), had[2], had[3]]},
        calendar=has_seat,
        now=now,
    )


def tell_move(
    session: Session,
    person: Person,
    gathering: Gathering,
    *,
    round_id: UUID,
    was: tuple[int, str] | None,
    details: dict[str, Any],
    version: str,
    now: datetime,
) -> None:
    """Someone's group is another; `was` is the group and role they were last told of."""
    waiting = letters.waiting(session, person, "moved")
    if waiting is not None and (waiting.facts is None or waiting.facts["round_id"] != str(round_id)):
        waiting = None
    if waiting is not None and waiting.facts is not None:
        was = None if waiting.facts["was"] is None else (waiting.facts["was"][0], waiting.facts["was"][1])
    is_back = was == (details["group_number"], details["role"])
    if was is not None:
        details = {**details, "before_number": was[0]}
    _tell(
        session,
        waiting,
        "moved",
        person,
        gathering,
        version=version,
        details=None if is_back else details,
        facts={"round_id": str(round_id), "was": list(was) if was else None},
        calendar=False,
        now=now,
    )


def _tell(
    session: Session,
    waiting: Letter | None,
    kind: str,
    person: Person,
    gathering: Gathering,
    *,
    version: str,
    details: dict[str, Any] | None,
    facts: dict[str, Any],
    calendar: bool,
    now: datetime,
) -> None:
    """Join the news to the letter that waits, or write one; `details` is None when there is nothing left to tell."""
    known: list[str] = list((waiting.facts or {}).get("versions", ())) if waiting is not None else []
    facts = {**facts, "versions": [*known, version]}
    to, theirs = Addressee.of(person), person if calendar else None
    if waiting is None:
        if details is not None:
            letters.write(
                session,
                kind,
                to,
                gathering=gathering,
                version=version,
                details=details,
                person=theirs,
                facts=facts,
                now=now,
            )
    elif details is None:
        letters.drop(waiting)
    else:
        letters.join(
            session, waiting, to, gathering=gathering, details=details, facts=facts, person=theirs, now=now
        )


def _had(gathering: Gathering, had: Day, language: str) -> dict[str, str]:
    """What the day was before, in words; empty where it is as it was."""
    starts_at, ends_at, zone, place = had
    same_day = (starts_at, ends_at, zone) == (gathering.starts_at, gathering.ends_at, gathering.zone)
    if same_day and place == gathering.place:
        return {"had_when": "", "had_place": ""}
    return {
        "had_when": words.span(starts_at, ends_at, zone, "fr" if language == "fr" else "en"),
        "had_place": place if place != gathering.place else "",
    }
