"""The addresses that letters come back from, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.auth import actor
from services.chassis.doors import Doors
from services.chassis.shapes import page
from services.chassis.web import now, reading, transacted
from services.notifications import schemas, suppressions
from services.notifications.api.around import ours
from services.notifications.models import Letter, Suppression

addresses = Doors(
    "addresses_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/suppressions"
)


@addresses.get("")
@addresses.arguments(schemas.SuppressionQuery, location="query")
@reading
@addresses.response(200, schemas.SuppressionsPage)
def listed(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Addresses of this gathering's letters that nothing is sent to, the latest first; then those that were."""
    rows = suppressions.listed(session, ours(session, gathering_id).id)
    shown = [_shown(*row) for row in rows if wanted["held"] in (None, row[0].released_at is None)]
    return page(shown, after=wanted["after"], limit=wanted["limit"])


@addresses.post("/<uuid:suppression_id>/release")
@addresses.arguments(schemas.Release)
@transacted
@addresses.response(200, schemas.SuppressionView)
def release(
    session: Session, wanted: dict[str, Any], gathering_id: UUID, suppression_id: UUID
) -> dict[str, Any]:
    """Take an address off the list. What was held back can be sent from each letter."""
    gathering, by = ours(session, gathering_id), actor().id or UUID(int=0)
    taken = suppressions.release(session, gathering.id, suppression_id, why=wanted["why"], by=by, now=now())
    return _shown(taken, None)


def _shown(row: Suppression, letter: Letter | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "email": row.email,
        "said": row.said,
        "since": row.since,
        "letter_id": letter.id if letter is not None else None,
        "released_at": row.released_at,
        "released_why": row.released_why,
    }
