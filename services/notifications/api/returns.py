"""Where a mail provider tells what became of letters: as a report of RFC 3464, or in JSON."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from services.chassis.doors import Doors, Unreadable, to_key_holders
from services.chassis.web import now, transacted
from services.notifications import returns, schemas
from services.notifications.writing import returns as reading
from services.notifications.writing.returns import Return

returned = Doors("returns_api", __name__, url_prefix="/api/notifications/returns")


@returned.post("")
@to_key_holders("returns_key")
@returned.arguments(schemas.Returns)
@transacted
@returned.response(200, schemas.ReturnsView)
def told(session: Session, wanted: dict[str, Any]) -> dict[str, int]:
    """Say which letters came back or are late. What was said before, and letters of others, are passed over.

    An address that is dead (by its status of RFC 3463) is not written to again.
    """
    return {"noted": sum(returns.take(session, Return.of(**one), now()) for one in wanted["items"])}


@returned.post("/reports")
@to_key_holders("returns_key")
@returned.doc(
    requestBody={
        "required": True,
        "content": {"message/rfc822": {"schema": {"type": "string", "format": "binary"}}},
    }
)
@transacted
@returned.response(200, schemas.ReturnsView)
def reported(session: Session) -> dict[str, int]:
    """Hand on a message that came back, whole, as its server wrote it. Replies of people and robots change nothing."""
    raw = request.get_data()
    if not raw.strip():
        raise Unreadable("What arrived is no message.")
    found = reading.read(raw)
    return {"noted": int(found is not None and returns.take(session, found, now()))}
