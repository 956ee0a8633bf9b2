"""Letters that come back: found by their Message-ID, noted, and their address put on the list when it is dead."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.chassis.ledger import upsert
from services.chassis.settings import Settings
from services.notifications import suppressions
from services.notifications.models import Delivery, Letter, ReturnsBox
from services.notifications.writing import returns
from services.notifications.writing.returns import Return

log = structlog.get_logger()

EVERY = timedelta(minutes=1)
AT_ONCE = 200
TIMEOUT_S = 20
PORT, TLS_PORT = 143, 993
# What was given to a server, as far as we know.
LEFT = ("sent", "unknown", "handed")


def take(session: Session, returned: Return, now: datetime) -> bool:
    """Note what came back on its letter; False when it is no letter of ours, or was noted before.

    The address on the list is the one we wrote to: what a report names may be where that one forwards to.
    """
    letter = session.scalar(
        select(Letter).where(Letter.message_id.in_(returned.message_ids)).limit(1).with_for_update()
    )
    if letter is None or not letter.email or letter.state not in LEFT:
        return False
    if not returned.is_final:
        seen = select(Delivery.id).where(Delivery.letter_id == letter.id, Delivery.outcome == "delayed")
        if session.scalar(seen.limit(1)) is not None:
            return False
        session.add(Delivery(letter_id=letter.id, at=now, outcome="delayed", reply=returned.said))
        return True
    letter.state, letter.reply, letter.claimed_by, letter.next_at = "bounced", returned.said, None, None
    session.add(Delivery(letter_id=letter.id, at=now, outcome="bounced", reply=returned.said))
    if returned.is_dead:
        suppressions.suppress(session, letter.email, letter_id=letter.id, said=returned.said, now=now)
    log.info("letter_bounced", letter=str(letter.id), kind=letter.kind, is_dead=returned.is_dead)
    return True


def find(session: Session, now: datetime) -> list[list[str]]:
    """Claim the mailbox of returned letters when it is time to look into it."""
    settings: Settings | None = session.info.get("settings")
    if settings is None or not settings.bounces:
        return []
    name = _name(settings.bounces)
    box = session.get(ReturnsBox, name)
    if box is not None and now < box.next_at <= now + EVERY:
        return []
    claimed = session.execute(
        upsert(session)(ReturnsBox)
        .values(name=name, next_at=now + EVERY, trouble="")
        .on_conflict_do_update(
            index_elements=[ReturnsBox.name],
            set_={"next_at": now + EVERY},
            where=(ReturnsBox.next_at <= now) | (ReturnsBox.next_at > now + EVERY),
        )
        .returning(ReturnsBox.name)
    ).first()
    return [[]] if claimed is not None else []


def look(database: Database, settings: Settings) -> int:
    """The Celery task `notifications.read_returns`: read what is new in the mailbox; how many letters came back.

    A message is marked as read after the commit that noted it; one that is read twice is noted once.
    """
    trouble, came = "", 0
    try:
        with _opened(settings.bounces) as box:
            for number, raw in _unread(box):
                returned = returns.read(raw)
                if returned is not None:
                    with database.transaction() as session:
                        came += take(session, returned, datetime.now(UTC))
                box.uid("STORE", number, "+FLAGS.SILENT", r"(\Seen)")
    except (OSError, imaplib.IMAP4.error) as error:
        trouble = str(error) or type(error).__name__
        log.warning("returns_not_read", reason=type(error).__name__)
    with database.transaction() as session:
        row = session.get(ReturnsBox, _name(settings.bounces), with_for_update=True)
        if row is not None:
            row.trouble = trouble
    return came


@contextmanager
def _opened(url: str) -> Iterator[imaplib.IMAP4]:
    """The mailbox at imaps://user:password@host:port/folder; imap:// goes over to TLS where the server offers it."""
    parts = urlsplit(url)
    host, trusted = parts.hostname or "localhost", ssl.create_default_context()
    box: imaplib.IMAP4
    if parts.scheme == "imaps":
        box = imaplib.IMAP4_SSL(host, parts.port or TLS_PORT, ssl_context=trusted, timeout=TIMEOUT_S)
    else:
        box = imaplib.IMAP4(host, parts.port or PORT, timeout=TIMEOUT_S)
    try:
        if parts.scheme == "imap" and "STARTTLS" in box.capabilities:
            box.starttls(trusted)
        box.login(unquote(parts.username or ""), unquote(parts.password or ""))
        _yes(box.select(_quoted(unquote(parts.path.strip("/")) or "INBOX")))
        yield box
    finally:
        try:
            box.logout()
        except (OSError, imaplib.IMAP4.error):
            box.shutdown()


def _unread(box: imaplib.IMAP4) -> Iterator[tuple[str, bytes]]:
    for number in _yes(box.uid("SEARCH", "UNSEEN"))[0].split()[:AT_ONCE]:
        said = _yes(box.uid("FETCH", number.decode(), f"(BODY.PEEK[]<0.{returns.READ}>)"))
        raw = next((part[1] for part in said if isinstance(part, tuple)), None)
        if raw is not None:
            yield number.decode(), raw


def _yes(answer: tuple[str, list[Any]]) -> list[Any]:
    """What the server said, when it said yes."""
    word, said = answer
    if word != "OK":
        raise imaplib.IMAP4.error(str(said[0], "utf-8", "replace") if said and said[0] else word)
    return said


def _quoted(folder: str) -> str:
    return '"' + folder.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(url: str) -> str:
    """The mailbox without its password, as pages may show it."""
    parts = urlsplit(url)
    return f"{parts.hostname}/{unquote(parts.path.strip('/')) or 'INBOX'}"


def trouble(session: Session, url: str) -> str:
    """Why the mailbox could not be read the last time; empty when it could, or when there is none."""
    row = session.get(ReturnsBox, _name(url)) if url else None
    return row.trouble if row is not None else ""
