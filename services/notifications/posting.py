"""Posting as a task: posters for one batch, notes of dead ones taken up, and the local mailbox of held mode."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from services.chassis.catalogues import N_
from services.chassis.db import Database
from services.chassis.outbox import wake
from services.chassis.settings import Settings
from services.notifications import deliveries, notes, signatures
from services.notifications.doors import Doors
from services.notifications.lines import Server
from services.notifications.models import Letter
from services.notifications.posters import TURN_S, Poster

# Posters of one process: while one writes down, the others talk. A fourth sends 5 % more, and some providers let one
# sender have three lines at a time.
POSTERS = 3

HAS_IT = N_("The server was asked and has it.")
HAS_NOT = N_("The server was asked and does not have it.")

# Posters with their kept lines between two turns, by the settings they were made from.
_idle: dict[Settings, list[Poster]] = {}


def post(database: Database, settings: Settings, batch: str) -> int:
    """The Celery task `notifications.post`: post this batch, then what else is due, for at most one turn."""
    ours = UUID(batch)
    if settings.smtp_url == "held:":
        return _keep(database, ours)
    folder = notes.folder_in(settings.data)
    take_up(database, folder)
    helpers = [
        threading.Thread(target=_a_turn, args=(database, settings, folder, None), daemon=True)
        for _ in range(POSTERS - 1 if _is_much(database) else 0)
    ]
    for helper in helpers:
        helper.start()
    try:
        return _a_turn(database, settings, folder, ours)
    finally:
        for helper in helpers:
            helper.join()


def take_up(database: Database, folder: Path) -> None:
    """Go on where dead posters of this machine stopped."""
    for left in notes.left(folder):
        with database.transaction() as session:
            deliveries.take_up(session, left, datetime.now(UTC))
            wake(session)


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
            deliveries.settle(session, row, arrived=arrived, reply=reply, now=datetime.now(UTC))
        known += 1
    return known


def _a_turn(database: Database, settings: Settings, folder: Path, batch: UUID | None) -> int:
    kept = _idle.setdefault(settings, [])
    try:
        poster = kept.pop()
    except IndexError:
        greeting = _greeting(settings.public_url)
        servers = Server.all_at(settings.smtp_url)
        poster = Poster(
            servers,
            settings.sender,
            folder,
            greeting=greeting,
            doors=Doors.of(settings),
            keys=signatures.keys(settings.dkim, settings.sender),
        )
    try:
        return poster.post(database, batch)
    finally:
        kept.append(poster)


def _is_much(database: Database) -> bool:
    """Whether there is work for more than one poster."""
    with database.reading() as session:
        return deliveries.is_due(session, None, datetime.now(UTC))


def _greeting(public_url: str) -> str:
    """The name we greet mail servers with: the platform's own, or its address in brackets (RFC 5321, 4.1.3)."""
    host = urlsplit(public_url).hostname or "localhost"
    if re.fullmatch(r"[0-9.]+", host):
        return f"[{host}]"
    return f"[IPv6:{host}]" if ":" in host else host


def _keep(database: Database, batch: UUID) -> int:
    """Held mode: keep this batch and what else is due, for one turn."""
    until = time.monotonic() + TURN_S
    kept, ours = 0, batch
    while True:
        with database.transaction() as session:
            kept += deliveries.keep(session, ours, datetime.now(UTC))
            more = (
                deliveries.claim(session, datetime.now(UTC), is_held=True) if time.monotonic() < until else None
            )
        if more is None:
            return kept
        ours = more
