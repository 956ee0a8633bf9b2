"""What calendar programs need of a message to act on it, each with where that is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from icalendar import Calendar, Event

from tests.unit.notifications.reading import calendar_parts


@dataclass(frozen=True)
class Told:
    """One message about one appointment, as it came out of the mail server."""

    message: EmailMessage
    part: EmailMessage
    calendar: Calendar
    event: Event

    @property
    def method(self) -> str:
        return str(self.calendar["method"])

    @property
    def sequence(self) -> int:
        return int(self.event["sequence"])

    @property
    def attendee(self) -> str:
        return str(self.event["attendee"]).removeprefix("mailto:")


def told(message: EmailMessage) -> Told | None:
    """What a letter tells calendars; None when it is about no appointment."""
    parts = calendar_parts(message)
    if not parts:
        return None
    calendar = Calendar.from_ical(parts[0].get_payload(decode=True))
    (event,) = calendar.walk("VEVENT")
    return Told(message, parts[0], calendar, event)


@dataclass(frozen=True)
class Rule:
    """`holds` is asked of each message, with those that came before it about the same appointment."""

    client: str
    says: str
    source: str
    holds: Callable[[Told, Sequence[Told]], bool]


def _has(*names: str) -> Callable[[Told, Sequence[Told]], bool]:
    return lambda told, _before: all(name in told.event for name in names)


def _wide(text: object) -> int:
    return len(str(text).encode("utf-16-le")) // 2


def _one_line(told: Told, name: str) -> bool:
    text = str(told.event.get(name, ""))
    return _wide(text) <= 255 and not {"\r", "\n"} & set(text)


def _parents(message: EmailMessage) -> list[str]:
    """The types of the parts that hold a calendar part, as a reader meets them."""
    return [
        holder.get_content_type()
        for holder in message.walk()
        if holder.is_multipart()
        and any(part.get_content_type() == "text/calendar" for part in holder.iter_parts())
    ]


def _last_alternative(told: Told) -> bool:
    (holder,) = (part for part in told.message.walk() if part.get_content_type() == "multipart/alternative")
    kinds = [part.get_content_type() for part in holder.iter_parts()]
    return kinds == ["text/plain", "text/html", "text/calendar"]


def _is_utc(at: datetime) -> bool:
    return at.utcoffset() == timedelta(0) and at.tzinfo is not None


RULES = (
    Rule(
        "all",
        "a REQUEST has DTSTAMP, DTSTART, ORGANIZER, SUMMARY, UID and its ATTENDEE",
        "RFC 5546, 3.2.2",
        lambda told, _: (
            told.method != "REQUEST"
            or all(
                name in told.event for name in ("dtstamp", "dtstart", "organizer", "summary", "uid", "attendee")
            )
        ),
    ),
    Rule(
        "all",
        "a CANCEL has DTSTAMP, ORGANIZER, SEQUENCE, UID, the ATTENDEE it is taken from, and STATUS CANCELLED",
        "RFC 5546, 3.2.5",
        lambda told, _: (
            told.method != "CANCEL"
            or (
                all(name in told.event for name in ("dtstamp", "organizer", "sequence", "uid", "attendee"))
                and told.event["status"] == "CANCELLED"
            )
        ),
    ),
    Rule(
        "all",
        "one appointment keeps its UID, and each message about it has a higher SEQUENCE",
        "RFC 5546, 2.1.4 and 2.1.5",
        lambda told, before: all(
            told.event["uid"] == one.event["uid"] and told.sequence > one.sequence for one in before
        ),
    ),
    Rule(
        "all",
        "the method of the part is the method of the calendar in it",
        "RFC 6047, 2.4",
        lambda told, _: told.part.get_param("method") == told.method,
    ),
    Rule(
        "all",
        "the part names its character set",
        "RFC 6047, 2.4",
        lambda told, _: str(told.part.get_param("charset")).lower() == "utf-8",
    ),
    Rule(
        "all",
        "who organises is not who reads: nobody is asked by themselves",
        "RFC 5546, 3.2.2 (an Organizer sends it to Attendees)",
        lambda told, _: str(told.event["organizer"]).lower() != str(told.event["attendee"]).lower(),
    ),
    Rule(
        "Gmail",
        "the calendar is an alternative of the body, not only a file",
        "RFC 6047, 2.4, and github.com/PHPMailer/PHPMailer/issues/175 (a file alone shows no buttons)",
        lambda told, _: _parents(told.message) == ["multipart/alternative"],
    ),
    Rule(
        "Gmail",
        "the ATTENDEE is the address that the letter came to",
        "RFC 5546, 3.2.2.1 (an update is matched to the attendee)",
        lambda told, _: [one.addr_spec for one in told.message["To"].addresses] == [told.attendee],
    ),
    Rule(
        "Outlook",
        "the calendar is the last, so the preferred, alternative",
        "RFC 2046, 5.1.4",
        lambda told, _: _last_alternative(told),
    ),
    Rule(
        "Outlook",
        "there is one appointment in it, with PRODID and VERSION 2.0",
        "[MS-OXCICAL] 2.1.3.1.1",
        lambda told, _: (
            told.calendar["version"] == "2.0"
            and bool(told.calendar["prodid"])
            and len(told.calendar.subcomponents) == 1
        ),
    ),
    Rule(
        "Exchange",
        "SUMMARY is one line of at most 255 UTF-16 units, or it is cut",
        "[MS-OXCICAL] 2.1.3.1.1.20.24",
        lambda told, _: _one_line(told, "summary"),
    ),
    Rule(
        "Exchange",
        "LOCATION is one line of at most 255 UTF-16 units, or it is cut",
        "[MS-OXCICAL] 2.1.3.1.1.20, property LOCATION",
        lambda told, _: _one_line(told, "location"),
    ),
    Rule(
        "Exchange",
        "the hours are told in UTC, so that no zone of ours must be known",
        "RFC 5545, 3.3.5, form 2",
        lambda told, _: _is_utc(told.event.start) and _is_utc(told.event.end),
    ),
    Rule(
        "Apple Calendar",
        "the appointment ends after it begins",
        "RFC 5545, 3.8.2.2",
        lambda told, _: told.event.start < told.event.end,
    ),
    Rule(
        "Apple Calendar",
        "the same calendar is there as a file to open",
        "RFC 6047, 2.4 (readers without iMIP)",
        lambda told, _: any(
            part.get_filename() == "invite.ics"
            and part.get_payload(decode=True) == told.part.get_payload(decode=True)
            for part in told.message.walk()
        ),
    ),
    Rule(
        "Thunderbird",
        "what is newer has a higher SEQUENCE, or the same and a later DTSTAMP",
        "comm-central, calendar/base/modules/utils/calItipUtils.sys.mjs, compare",
        lambda told, before: all(
            (told.sequence, told.event["dtstamp"].dt) > (one.sequence, one.event["dtstamp"].dt)
            for one in before
        ),
    ),
    Rule(
        "Thunderbird",
        "DTSTAMP is in UTC and not ahead of the letter",
        "RFC 5545, 3.8.7.2",
        lambda told, _: (
            _is_utc(told.event["dtstamp"].dt)
            and told.event["dtstamp"].dt <= datetime.now(UTC) + timedelta(minutes=1)
        ),
    ),
    Rule(
        "all",
        "lines are folded at 75 bytes and end with CRLF",
        "RFC 5545, 3.1",
        lambda told, _: (
            all(len(line) <= 75 for line in told.part.get_payload(decode=True).split(b"\r\n"))
            and b"\n" not in told.part.get_payload(decode=True).replace(b"\r\n", b"")
        ),
    ),
)
