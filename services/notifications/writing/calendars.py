"""The calendar part of a letter: one appointment, one UID, a SEQUENCE that only rises (RFC 5545, RFC 5546)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from icalendar import Calendar, Event, vCalAddress, vText

from services.notifications.writing import envelopes, words


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a person's calendar must say. `sequence` is 0 for the first message about `uid`, then rises.

    `house_email` asks in the organiser's place where they come themselves.
    """

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
    house_email: str = "letters@palabre.invalid"


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
    event.add("summary", _short(appointment.title))
    if appointment.place:
        event.add("location", _short(appointment.place))
    described = " ".join(
        part for part in (words.one_line(appointment.purpose, limit=1000), appointment.url) if part
    )
    if described:
        event.add("description", described)
    if appointment.url:
        event.add("url", appointment.url)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("transp", "OPAQUE")
    # A calendar that belongs to who asks takes the message for its owner's own and offers nothing.
    is_theirs = appointment.organiser_email.strip().lower() == appointment.attendee_email.strip().lower()
    organiser_email = appointment.house_email if is_theirs else appointment.organiser_email
    event.add("organizer", _address(organiser_email, appointment.organiser_name))
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


def _short(text: str) -> str:
    """One line of at most 255 UTF-16 units: Exchange cuts what is longer ([MS-OXCICAL] 2.1.3.1.1.20.24)."""
    line = words.one_line(text, limit=250)
    if len(line.encode("utf-16-le")) <= 510:
        return line
    return line.encode("utf-16-le")[:508].decode("utf-16-le", "ignore") + "…"


def _address(email: str, name: str) -> vCalAddress:
    try:
        # As the envelope writes it, or a calendar does not find its owner among those who were asked.
        email = envelopes.address(email)
    except envelopes.UnusableAddress:
        email = words.one_line(email)
    address = vCalAddress(f"mailto:{email}")
    # A parameter cannot hold a double quote, even escaped (RFC 5545, 3.1).
    spoken = words.one_line(name, limit=160).replace('"', "\u201d")
    if spoken:
        address.params["CN"] = vText(spoken)
    return address
