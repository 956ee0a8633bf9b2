"""What the local mailbox holds: the letters that held mode kept, by number."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.notifications.models import Letter

_LINK = re.compile(r"https?://[^\s<>\"]+")


def newest(session: Session, *, text: str, skip: int, limit: int) -> list[Letter]:
    """Kept letters, newest first; `text` is looked for in addresses and names."""
    here = select(Letter).where(Letter.number.is_not(None))
    if text:
        like = f"%{text.replace('%', '')}%"
        here = here.where(Letter.email.ilike(like) | Letter.name.ilike(like))
    return list(session.scalars(here.order_by(Letter.number.desc()).offset(skip).limit(limit)))


def after(session: Session, number: int, *, to: str = "", kind: str = "", limit: int = 200) -> list[Letter]:
    """Kept letters after this number, oldest first. `to` is a whole address, compared without case."""
    here = select(Letter).where(Letter.number > number)
    if to:
        here = here.where(func.lower(Letter.email) == to.lower())
    if kind:
        here = here.where(Letter.kind == kind)
    return list(session.scalars(here.order_by(Letter.number).limit(limit)))


def total(session: Session) -> int:
    return session.scalar(select(func.count(Letter.number))) or 0


def one(session: Session, number: int) -> Letter:
    """Raises NotFound."""
    letter = session.scalar(select(Letter).where(Letter.number == number))
    if letter is None:
        raise NotFound("There is no such letter.")
    return letter


def told(letter: Letter) -> dict[str, Any]:
    """A kept letter for a program."""
    return {
        "number": letter.number,
        "to": letter.email,
        "name": letter.name,
        "subject": letter.subject,
        "kind": letter.kind,
        "text": letter.text,
        "html": letter.html,
        "ics": letter.ics,
        "ics_method": letter.ics_method,
        "links": list(dict.fromkeys(_LINK.findall(letter.text))),
        "sent_at": letter.sent_at.isoformat() if letter.sent_at else None,
        "message_id": letter.message_id,
        "gathering_id": str(letter.gathering_id) if letter.gathering_id else None,
        "participant_id": str(letter.participant_id) if letter.participant_id else None,
        "trace": letter.trace,
    }
