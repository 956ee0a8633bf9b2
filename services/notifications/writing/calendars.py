"""The calendar part of a letter: one appointment, one UID, a SEQUENCE that only rises (RFC 5545, RFC 5546)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from services.notifications.writing import words


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a person's calendar must say. `sequence` is 0 for the first message about `uid`, then rises."""

    uid: str
    sequence: int
    title: str
    purpose: str
    starts_at: datetime
    ends_at: datetime
    place: str
    url: str
    organiser_name: str
    organiser_email: str
    attendee_name: str
    attendee_email: str


def render(appointment: Appointment, method: str, *, now: datetime) -> str:
    """The calendar object for `method`, REQUEST or CANCEL.

    Times are in UTC, so that no reader needs our time zone rules. The person's own link is never in it: calendars
    are shared, exported and read by machines.
    """
    event = Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", words.one_line(appointment.title, limit=250))
    if appointment.place:
        event.add("location", words.one_line(appointment.place, limit=250))
    described = " ".join(
        part for part in (words.one_line(appointment.purpose, limit=1000), appointment.url) if part
    )
    if described:
        event.add("description", described)
    if appointment.url:
        event.add("url", appointment.url)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("organizer", _address(appointment.organiser_email, appointment.organiser_name))
    attendee = _address(appointment.attendee_email, appointment.attendee_name)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("ACCEPTED")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("attendee", attendee)

    calendar = Calendar()
    calendar.add("prodid", "-//Palabre//Letters//FR")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    return str(calendar.to_ical().decode())


def _address(email: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{words.one_line(email)}")
    # A parameter cannot hold a double quote, even escaped (RFC 5545, 3.1).
    spoken = words.one_line(name, limit=160).replace('"', "\u201d")
    if spoken:
        address.params["CN"] = vText(spoken)
    return address
