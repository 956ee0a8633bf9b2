"""Who facilitates or takes notes is written to some days before: what to do, with whom, and what to write down.

What somebody is asked for is heard with their place; what they know of it stands beside. The line `pack` of the
schedule tells all who have such a role by then. Who gets one later is told soon after, and who has it no longer is told
once.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from markupsafe import escape
from sqlalchemy import and_, func, select, update
from sqlalchemy.orm import Session

from services.notifications import letters
from services.notifications.letters import Addressee
from services.notifications.models import Duty, Gathering, Letter, Person, Placement, Reminder
from services.notifications.writing import words

LINE = "pack"
# The roles that need a letter; who keeps time reads it on their page.
ASKED = ("facilitator", "rapporteur")
# A plan comes as a fact for each person: by then all of them are here, and what was changed back is no news.
SETTLES = timedelta(minutes=1)
AT_ONCE = 50
_ASLEEP = ("draft", "cancelled")


def hear(session: Session, fact: dict[str, Any], now: datetime) -> None:
    """Remember what somebody is asked to do for their group; they are told when that has settled."""
    where = (fact["participant_id"], fact["round_id"])
    known = session.get(Duty, where, with_for_update=True)
    if known is None and not fact["duty"]:
        return
    if known is None:
        known = Duty(participant_id=where[0], round_id=where[1], told="", letters=0)
        session.add(known)
    known.gathering_id, known.round_kind = fact["gathering_id"], fact["kind"]
    known.group_number, known.duty = fact["group_number"], fact["duty"] or ""
    known.group_name = fact["group_name"] or str(fact["group_number"])
    known.question = fact["question"] or ""
    known.look_at = now + SETTLES
    session.flush()


def hand_out(
    session: Session, gathering: Gathering, *, after: UUID | None, now: datetime
) -> tuple[int, list[UUID]]:
    """Tell some of those who have a role by now, from the person `after` on: how many letters, and whom we came to.

    What was heard a moment ago is left to `write_due`.
    """
    here = select(Duty.participant_id).where(Duty.gathering_id == gathering.id).distinct()
    if after is not None:
        here = here.where(Duty.participant_id > after)
    people = list(session.scalars(here.order_by(Duty.participant_id).limit(AT_ONCE)))
    settled = select(Duty).where(
        Duty.gathering_id == gathering.id, Duty.participant_id.in_(people), Duty.look_at.is_(None)
    )
    rows = session.scalars(settled.order_by(Duty.participant_id, Duty.round_id).with_for_update()).all()
    return sum(_tell(session, gathering, row, is_time=True, now=now) for row in rows), people


def write_due(session: Session, now: datetime) -> int:
    """Tell those whose role is new or another since the letters of their gathering left; returns how many letters."""
    due = select(Duty).where(Duty.look_at <= now).order_by(Duty.look_at).limit(AT_ONCE)
    written = 0
    for row in session.scalars(due.with_for_update(skip_locked=True)).all():
        row.look_at = None
        gathering = session.get_one(Gathering, row.gathering_id)
        line = session.scalar(
            select(Reminder).where(Reminder.gathering_id == gathering.id, Reminder.kind == LINE).limit(1)
        )
        is_time = line is not None and line.is_on and line.due_at <= now
        written += _tell(session, gathering, row, is_time=is_time, now=now)
    return written


def forget(session: Session, person: Person) -> None:
    """Take somebody out of the lists that their groups were sent, and forget what they were asked to do."""
    name = words.full_name(person.given, person.family)
    if name:
        sent = select(Letter).where(
            Letter.gathering_id == person.gathering_id, Letter.kind == LINE, Letter.participant_id != person.id
        )
        for letter in session.scalars(sent):
            letter.text = _struck(letter.text, name, r"^- ", r"$")
            letter.html = _struck(letter.html, str(escape(name)), r"<td[^>]*>", r"</td>")
    mine = update(Duty).where(Duty.participant_id == person.id)
    session.execute(mine.values(duty="", told="", look_at=None))


def _struck(said: str, name: str, before: str, after: str) -> str:
    """The text without this name in its list, where it stands alone or with a role, on one line or on two."""
    typed = r"\s+".join(map(re.escape, name.split()))
    return re.sub(rf"(?m)({before})\u2068?{typed}\u2069?(?=\s+\(|{after})", r"\1–", said)


def _tell(session: Session, gathering: Gathering, row: Duty, *, is_time: bool, now: datetime) -> bool:
    """Write to one person if they know otherwise. A letter of ours that has not left yet is put aside first."""
    if gathering.state in _ASLEEP or gathering.ends_at <= now:
        return False
    wants = f"{row.duty}.{row.group_number}" if row.duty in ASKED else ""
    _take_back(session, gathering, row, wants)
    person = session.get_one(Person, row.participant_id)
    if person.standing != "registered":
        # Who gives their seat back knows that they are asked for nothing.
        row.told = ""
        return False
    if not is_time:
        wants = ""
    if row.told == wants:
        return False
    before, _dot, number = row.told.partition(".")
    details: dict[str, Any] = {
        "round_kind": row.round_kind,
        "duty": row.duty if wants else before,
        "before_duty": before,
        "group_number": row.group_number if wants else int(number),
        "group_name": row.group_name,
        "question": row.question,
        "people": _people(session, row) if wants else [],
    }
    facts, row.told, row.letters = {"told": row.told}, wants, row.letters + 1
    letter = letters.write(
        session,
        LINE if wants else "relieved",
        Addressee.of(person),
        gathering=gathering,
        version=_version(row),
        details=details,
        facts=facts,
        now=now,
    )
    return letter is not None


def _take_back(session: Session, gathering: Gathering, row: Duty, wants: str) -> None:
    """The last letter about this role, if it waits still and says what is no longer so, does not leave."""
    if not row.letters or row.told == wants:
        return
    kind = LINE if row.told else "relieved"
    last = session.get(
        Letter, letters.id_of(gathering.id, row.participant_id, kind, _version(row)), with_for_update=True
    )
    if last is not None and last.state == "queued" and last.attempts == 0 and last.facts is not None:
        letters.drop(last)
        row.told = last.facts["told"]


def _version(row: Duty) -> str:
    return f"{row.round_id}.{row.letters}"


def _people(session: Session, row: Duty) -> list[dict[str, str]]:
    """Who is in the group now, by name, each with their role: what everybody in it sees on their page."""
    theirs = and_(
        Duty.participant_id == Placement.participant_id,
        Duty.round_id == Placement.round_id,
        Duty.group_number == Placement.group_number,
    )
    rows = session.execute(
        select(Person.given, Person.family, Duty.duty)
        .join(Placement, Placement.participant_id == Person.id)
        .outerjoin(Duty, theirs)
        .where(
            Person.gathering_id == row.gathering_id,
            Person.standing == "registered",
            Placement.round_id == row.round_id,
            Placement.group_number == row.group_number,
        )
        .order_by(func.lower(Person.family), func.lower(Person.given), Person.id)
    )
    return [
        {"name": words.full_name(given, family), "duty": duty or ""}
        for given, family, duty in rows
        if words.full_name(given, family)
    ]
