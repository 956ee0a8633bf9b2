"""A poster: takes one batch of letters to the server, and goes on while there are more."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.db import Database
from services.chassis.settings import Settings
from services.notifications import deliveries
from services.notifications.lines import Later, Line, Lost, Never, Unreachable
from services.notifications.models import Letter
from services.notifications.writing import envelopes
from services.notifications.writing.envelopes import UnusableAddress

# Short, so that a worker asked to stop is soon between two tasks; the sweep gives out the rest at once.
TURN_S = 3.0
PAUSE_MAX_S = 10.0

HAS_IT = N_("The server was asked and has it.")
HAS_NOT = N_("The server was asked and does not have it.")

# One line for each thread that posts, and for each server.
_kept = threading.local()


def post(database: Database, settings: Settings, batch: str) -> int:
    """The Celery task `notifications.post`: post this batch, then what else is due, for at most one turn."""
    if settings.smtp_url == "held:":
        return _each_batch(database, UUID(batch), lambda ours: _keep(database, ours))
    line = _line(settings)
    return _each_batch(database, UUID(batch), lambda ours: deliver(database, line, settings.sender, ours))


def deliver(database: Database, line: Line, sender: str, batch: UUID) -> int:
    """Give the letters of one batch to the server, one after the other. Returns how many it took.

    What became of a letter is written in the same commit that hands over the next one: one commit a letter.
    """
    with database.reading() as session:
        letters = deliveries.claimed(session, batch)
    envelope_sender = envelopes.address(sender)
    told: list[Callable[[Session], None]] = []
    taken = 0
    try:
        for letter in letters:
            try:
                message, to = seal(letter, sender), envelopes.address(letter.email)
                line.offer(envelope_sender, to)
                if not _hand_over(database, letter, batch, told):
                    line.close()  # another poster has it; the server only heard whom we wanted to write to
                    continue
                reply = line.hand(message)
                told.append(_sent(letter, batch, reply))
                taken += 1
            except (Later, Never, Lost, UnusableAddress) as answer:
                told.append(_answered(letter, batch, answer))
            except Unreachable as trouble:
                told.append(_broken(letter, batch, str(trouble), _pause(line)))
                break
    except BaseException:
        line.close()  # it may stand in the midst of a letter, where the next one would become its words
        raise
    finally:
        if told:
            with database.transaction() as session:
                _tell(session, told)
    return taken


def seal(letter: Letter, sender: str) -> bytes:
    """The whole message of one letter."""
    return envelopes.seal(
        envelopes.Envelope(
            letter_id=letter.id,
            message_id=letter.message_id,
            sender=sender,
            sender_name=letter.sender_name,
            to=letter.email,
            to_name=letter.name,
            reply_to=letter.reply_to,
            subject=letter.subject,
            language=letter.language,
            bulk=letter.is_solicitation,
            date=letter.queued_at or letter.created_at,
            kind=letter.kind,
            trace=letter.trace.split("-")[1] if letter.trace else "",
        ),
        text=letter.text,
        html=letter.html,
        ics=letter.ics,
        method=letter.ics_method,
    )


def ask(database: Database, probe: Callable[[str], bool | None]) -> int:
    """Ask the server about each unknown letter, where it can be asked. Returns how many are known now."""
    with database.reading() as session:
        unknown = session.scalars(select(Letter).where(Letter.state == "unknown")).all()
    known = 0
    for letter in unknown:
        arrived = probe(letter.message_id)
        if arrived is None:
            continue
        reply = HAS_IT if arrived else HAS_NOT
        with database.transaction() as session:
            row = session.get_one(Letter, letter.id)
            deliveries.settle(session, row, arrived=arrived, reply=reply, now=_now())
        known += 1
    return known


def _line(settings: Settings) -> Line:
    lines: dict[str, Line] = _kept.__dict__.setdefault("lines", {})
    if settings.smtp_url not in lines:
        lines[settings.smtp_url] = Line(settings.smtp_url, name=_greeting(settings.public_url))
    return lines[settings.smtp_url]


def _greeting(public_url: str) -> str:
    """The name we greet mail servers with: the platform's own, or its address in brackets (RFC 5321, 4.1.3)."""
    host = urlsplit(public_url).hostname or "localhost"
    if re.fullmatch(r"[0-9.]+", host):
        return f"[{host}]"
    return f"[IPv6:{host}]" if ":" in host else host


def _each_batch(database: Database, batch: UUID, post_one: Callable[[UUID], int]) -> int:
    until = time.monotonic() + TURN_S
    taken, ours = 0, batch
    while True:
        taken += post_one(ours)
        if time.monotonic() > until:
            return taken
        with database.transaction() as session:
            more = deliveries.claim(session, _now())
        if more is None:
            return taken
        ours = more


def _keep(database: Database, batch: UUID) -> int:
    with database.transaction() as session:
        return deliveries.keep(session, batch, _now())


def _hand_over(database: Database, letter: Letter, batch: UUID, told: list[Callable[[Session], None]]) -> bool:
    with database.transaction() as session:
        _tell(session, told)
        is_ours = deliveries.hand_over(session, letter.id, batch, _now())
    told.clear()
    return is_ours


def _tell(session: Session, told: list[Callable[[Session], None]]) -> None:
    for word in told:
        word(session)


def _sent(letter: Letter, batch: UUID, reply: str) -> Callable[[Session], None]:
    at = _now()
    return lambda session: deliveries.sent(session, letter.id, batch, reply, at)


def _answered(letter: Letter, batch: UUID, answer: Exception) -> Callable[[Session], None]:
    at, reply = _now(), str(answer)
    if isinstance(answer, Later):
        return lambda session: deliveries.put_off(session, letter, batch, reply, at)
    if isinstance(answer, Lost):
        return lambda session: deliveries.lose(session, letter.id, batch, reply, at)
    return lambda session: deliveries.refuse(session, letter, batch, reply, at)


def _broken(letter: Letter, batch: UUID, reply: str, pause: timedelta) -> Callable[[Session], None]:
    at = _now()

    def word(session: Session) -> None:
        deliveries.take_back(session, letter.id, batch, reply, until=at + pause, now=at)
        deliveries.release(session, batch, reply, until=at + pause)

    return word


def _pause(line: Line) -> timedelta:
    """How long to leave an unreachable server alone: 1, 2, 4, 8, 10 s, never all posters at the same instant."""
    longest = min(PAUSE_MAX_S, 2.0 ** max(0, line.failures - 1))
    return timedelta(seconds=longest * random.uniform(0.7, 1.0))  # noqa: S311 - jitter, not a secret


def _now() -> datetime:
    return datetime.now(UTC)
