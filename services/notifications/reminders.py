"""The schedule of a gathering: letters that leave so many days before or after its day, at an hour of its zone.

Each line of it is a row with the instant at which it is due. A short duty of the relay claims what is due and writes to
some people at a time, so that nothing waits in the broker and a gathering that moves takes its schedule along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.notifications import hours, letters, packs
from services.notifications.letters import Addressee
from services.notifications.models import Gathering, Invitee, Letter, Person, Plan, Reminder
from services.notifications.writing import words

AT_ONCE = 50
# A letter that could not be written for this long is no reminder any more.
TOO_LATE = timedelta(hours=12)
FRESH = timedelta(hours=24)
# Who was invited a moment ago is not silent yet.
SILENT = timedelta(days=3)
# Who was asked so lately has not put it off yet.
ASKED = timedelta(days=1)
_ASLEEP = ("draft", "cancelled")


class UnknownReminder(NotFound):
    code = "unknown-reminder"


class LineFixed(Refused):
    code = "line-fixed"


@dataclass(frozen=True, slots=True)
class Line:
    """One line that every gathering's schedule begins with."""

    kind: str
    days: int
    at: str
    is_on: bool = True


HOUSE = (
    Line("reminder", -30, "09:00"),
    Line("stories", -28, "09:00", is_on=False),
    Line("reminder", -15, "09:00"),
    Line("wishes", -14, "09:00", is_on=False),
    Line("practical", -7, "09:00"),
    Line(packs.LINE, -5, "09:00"),
    Line("practical", -1, "09:00"),
    Line("day", 0, "07:30"),
    Line("questionnaire-reminder", 3, "09:00"),
    Line("questionnaire-reminder", 8, "09:00", is_on=False),
    Line("follow-up", 42, "09:00"),
)

# Two weeks before everybody is forgotten, where a gathering says when that is.
ERASING = Line("erasing", -14, "09:00")


def follow(session: Session, gathering: Gathering, now: datetime) -> None:
    """Give a gathering its schedule, or move it to the gathering's new day.

    What was sent is sent anew for the new day, if its hour has yet to come.
    """
    known = {row.id: row for row in listed(session, gathering.id)}
    if gathering.kept_until is None:
        for row in [row for row in known.values() if row.kind == ERASING.kind]:
            session.delete(known.pop(row.id))
    for line in (*HOUSE, *([ERASING] if gathering.kept_until else ())):
        row_id = uuid5(gathering.id, f"{line.kind}/{line.days}")
        if row_id not in known:
            row = Reminder(
                id=row_id,
                gathering_id=gathering.id,
                kind=line.kind,
                days=line.days,
                at=line.at,
                is_on=line.is_on,
            )
            row.due_at = _due_at(gathering, row)
            session.add(row)
            known[row_id] = row
    for row in known.values():
        _move(gathering, row, now)


def listed(session: Session, gathering_id: UUID) -> Sequence[Reminder]:
    """The schedule of a gathering, in the order of time."""
    here = select(Reminder).where(Reminder.gathering_id == gathering_id)
    return session.scalars(here.order_by(Reminder.due_at, Reminder.kind)).all()


def change(
    session: Session, gathering: Gathering, reminder_id: UUID, *, days: int, at: str, is_on: bool, now: datetime
) -> Reminder:
    """Move one line, or switch it on or off. Raises UnknownReminder, LineFixed for the one that people count on."""
    row = session.get(Reminder, reminder_id, with_for_update=True)
    if row is None or row.gathering_id != gathering.id:
        raise UnknownReminder("There is no such line in the schedule.")
    if row.kind == ERASING.kind:
        raise LineFixed(
            "This letter leaves two weeks before everybody’s data are erased, whatever else changes."
        )
    row.days, row.at, row.is_on = days, at, is_on
    _move(gathering, row, now)
    return row


def write_due(session: Session, now: datetime) -> int:
    """Write the letters of one line that is due, some of them; returns how many."""
    row = session.scalar(
        select(Reminder)
        .where(Reminder.is_on, Reminder.done_at.is_(None), Reminder.due_at <= now)
        .order_by(Reminder.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return _plan_forgotten(session, now)
    gathering = session.get_one(Gathering, row.gathering_id)
    if _is_over(gathering, row, now):
        row.done_at = now
        return 0
    write = _WRITES.get(row.kind, _tell)
    return write(session, gathering, row, now)


def _is_over(gathering: Gathering, row: Reminder, now: datetime) -> bool:
    """Whether this line has nothing to say any more; that data will be erased is so of a cancelled day too.

    What is asked of somebody is said late rather than not at all.
    """
    if row.kind == ERASING.kind:
        return gathering.kept_until is None or gathering.kept_until <= now
    if row.kind == packs.LINE:
        return gathering.state in _ASLEEP or gathering.ends_at <= now
    return gathering.state in _ASLEEP or (row.upto is None and row.due_at < now - TOO_LATE)


def _plan_forgotten(session: Session, now: datetime) -> int:
    """A gathering that was known before there were schedules, or their newest line, gets its own."""
    has_one = (
        select(Reminder.id).where(Reminder.gathering_id == Gathering.id, Reminder.kind == packs.LINE).exists()
    )
    forgotten = session.scalar(select(Gathering).where(~has_one).limit(1).with_for_update(skip_locked=True))
    if forgotten is not None:
        follow(session, forgotten, now)
    return 0


def is_missed(row: Reminder) -> bool:
    """Whether its hour had gone by when it came up, so that nobody was written to."""
    if row.kind == packs.LINE:
        return False
    return row.done_at is not None and row.upto is None and row.done_at > row.due_at + TOO_LATE


def _move(gathering: Gathering, row: Reminder, now: datetime) -> None:
    due_at = _due_at(gathering, row)
    if due_at == row.due_at and row.done_at is None:
        return
    if due_at > now:
        row.done_at = row.upto = None
    row.due_at = due_at


def _due_at(gathering: Gathering, row: Reminder) -> datetime:
    return hours.from_day(_counted_from(gathering, row), gathering.zone, row.days, time.fromisoformat(row.at))


def _counted_from(gathering: Gathering, row: Reminder) -> datetime:
    """The moment whose day a line counts from: the gathering's, or that on which its people are forgotten."""
    kept_until = gathering.kept_until if row.kind == ERASING.kind else None
    return kept_until or gathering.starts_at


def _tell(session: Session, gathering: Gathering, row: Reminder, now: datetime) -> int:
    """To those who hold a seat; who got it in the last day has read all of it just now."""
    here = select(Person).where(Person.gathering_id == gathering.id, Person.standing == "registered")
    if row.upto is not None:
        here = here.where(Person.id > row.upto)
    people = session.scalars(here.order_by(Person.id).limit(AT_ONCE)).all()
    written = 0
    for person in people:
        is_fresh = person.registered_at is not None and person.registered_at > now - FRESH
        if row.kind == "day" or not is_fresh:
            to = Addressee.of(person)
            version = _version(gathering, row)
            written += (
                letters.write(session, row.kind, to, gathering=gathering, version=version, now=now) is not None
            )
    _go_on(row, [person.id for person in people], now)
    return written


def _warn(session: Session, gathering: Gathering, row: Reminder, now: datetime) -> int:
    """To everybody whose data are kept, however they stand: what goes, when, and what they can do before."""
    here = select(Person).where(Person.gathering_id == gathering.id, Person.email != "")
    if row.upto is not None:
        here = here.where(Person.id > row.upto)
    people = session.scalars(here.order_by(Person.id).limit(AT_ONCE)).all()
    version, details = _version(gathering, row), {"kept_until": gathering.kept_until}
    written = 0
    for person in people:
        to = Addressee.of(person)
        letter = letters.write(
            session, row.kind, to, gathering=gathering, version=version, details=details, now=now
        )
        written += letter is not None
    _go_on(row, [person.id for person in people], now)
    return written


def _remind(session: Session, gathering: Gathering, row: Reminder, now: datetime) -> int:
    """To those whose invitation left and who said nothing; the old link stays good."""
    here = select(Invitee).where(Invitee.gathering_id == gathering.id, Invitee.answered_at.is_(None))
    if row.upto is not None:
        here = here.where(Invitee.id > row.upto)
    silent = session.scalars(here.order_by(Invitee.id).limit(AT_ONCE)).all()
    written = 0
    for invitee in silent:
        invitation = session.get(Letter, letters.id_of(gathering.id, invitee.id, "invitation", "1"))
        if invitation is None or invitation.sent_at is None or invitation.sent_at > now - SILENT:
            continue
        to = Addressee(invitee.email, invitee.given, invitee.family, invitee.language, invitee.link)
        letter = letters.write(
            session,
            row.kind,
            to,
            gathering=gathering,
            about=invitee.id,
            version=_version(gathering, row),
            now=now,
        )
        written += letter is not None
    _go_on(row, [invitee.id for invitee in silent], now)
    return written


def _ask_again(session: Session, gathering: Gathering, row: Reminder, now: datetime) -> int:
    """To all whose questionnaire left, with the same link and while it is open.

    Blind: nobody here can know who answered, and the letter says so.
    """
    here = select(Letter).where(
        Letter.gathering_id == gathering.id, Letter.kind == "questionnaire", Letter.participant_id.is_not(None)
    )
    if row.upto is not None:
        here = here.where(Letter.id > row.upto)
    asked = session.scalars(here.order_by(Letter.id).limit(AT_ONCE)).all()
    written = 0
    for letter in asked:
        known = letter.facts
        if letter.state != "sent" or letter.sent_at is None or letter.sent_at > now - ASKED or known is None:
            continue
        closes_at = datetime.fromisoformat(known["closes_at"]) if known["closes_at"] else None
        if closes_at is not None and closes_at <= now:
            continue
        to = Addressee(
            letter.email,
            known["given"] or "",
            known["family"] or "",
            letter.language,
            known["link"] or "",
            letter.participant_id,
        )
        again = letters.write(
            session,
            row.kind,
            to,
            gathering=gathering,
            version=_version(gathering, row),
            details={"closes_at": closes_at},
            now=now,
        )
        written += again is not None
    _go_on(row, [letter.id for letter in asked], now)
    return written


def _follow_up(session: Session, gathering: Gathering, row: Reminder, now: datetime) -> int:
    """To who carries a topic and wants it: their own plan, and nothing else."""
    here = (
        select(Plan, Person)
        .join(Person, Person.id == Plan.participant_id)
        .where(Plan.gathering_id == gathering.id, Plan.plan != "", Person.standing == "registered")
    )
    if row.upto is not None:
        here = here.where(Plan.topic_id > row.upto)
    kept = session.execute(here.order_by(Plan.topic_id).limit(AT_ONCE)).all()
    written = 0
    for plan, person in kept:
        letter = letters.write(
            session,
            row.kind,
            Addressee.of(person),
            gathering=gathering,
            about=plan.topic_id,
            version=_version(gathering, row),
            details={"plan": words.pieces(plan.plan)},
            now=now,
        )
        written += letter is not None
    _go_on(row, [plan.topic_id for plan, _person in kept], now)
    return written


def _hand_out(session: Session, gathering: Gathering, row: Reminder, now: datetime) -> int:
    """To those who facilitate a group or take notes for it."""
    written, people = packs.hand_out(session, gathering, after=row.upto, now=now)
    _go_on(row, people, now)
    return written


_WRITES = {
    "reminder": _remind,
    "questionnaire-reminder": _ask_again,
    "erasing": _warn,
    "follow-up": _follow_up,
    packs.LINE: _hand_out,
}


def _go_on(row: Reminder, ids: list[UUID], now: datetime) -> None:
    if ids:
        row.upto = ids[-1]
    if len(ids) < AT_ONCE:
        row.done_at = now


def _version(gathering: Gathering, row: Reminder) -> str:
    # A line that the gathering's new day makes due again is another letter.
    return f"{row.id}.{_counted_from(gathering, row).date().isoformat()}"
