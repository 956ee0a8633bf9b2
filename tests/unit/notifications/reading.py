"""A letter read back by strangers: the standard library, icalendar and an HTML parser."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import html5lib
from icalendar import Calendar, Event

from services.notifications.models import Letter
from services.notifications.posters import seal


def opened(letter: Letter) -> EmailMessage:
    """The letter as the standard library reads it; any defect is an error."""
    raw = seal(letter, "palabre@passerelles.example")
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    for part in message.walk():
        assert part.defects == []
    for value in message.values():
        assert value.defects == (), value
    return message


def body(message: EmailMessage, kind: str) -> str:
    """The text, html or calendar part."""
    part = next(p for p in message.walk() if p.get_content_type() == f"text/{kind}")
    content = part.get_content()
    return content if isinstance(content, str) else content.decode()


def calendar_parts(message: EmailMessage) -> list[EmailMessage]:
    """The parts that calendars read."""
    return [part for part in message.walk() if part.get_content_type() == "text/calendar"]


def appointment(letter: Letter) -> tuple[str, Event]:
    """The method and the event of the letter's calendar part, which must be the same in part and file."""
    message = opened(letter)
    part = next(p for p in message.walk() if p.get_content_type() == "text/calendar")
    file = next(p for p in message.walk() if p.get_content_type() == "application/ics")
    raw = part.get_payload(decode=True)
    assert raw == file.get_payload(decode=True)
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    calendar = Calendar.from_ical(raw)
    assert calendar.errors == []
    assert part.get_param("method") == calendar["method"]
    (event,) = calendar.walk("VEVENT")
    assert event.errors == []
    return str(calendar["method"]), event


def strictly(page: str) -> None:
    """Raise when the page is not valid HTML."""
    html5lib.HTMLParser(strict=True).parse(page)
