"""Lists of people to invite, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.doors import Doors
from services.chassis.web import now, transacted
from services.registration import invitations
from services.registration.api.doors import links, may
from services.registration.models import Import
from services.registration.schemas.imports import ImportApplication, ImportView, NewImport

api = Doors("imports", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.post("/<uuid:gathering_id>/imports")
@api.arguments(NewImport)
@transacted
@api.response(201, ImportView)
def stage(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """Read a list and say what became of each line; nobody is invited yet."""
    by = may(session, gathering_id)
    content = wanted["csv"].encode()
    return _shown(
        invitations.stage(
            session, gathering_id, content=content, file_name=wanted["file_name"], by=by, now=now()
        )
    )


@api.post("/<uuid:gathering_id>/imports/<uuid:import_id>/apply")
@api.arguments(ImportApplication)
@transacted
@api.response(200, ImportView)
def apply(session: Session, wanted: dict[str, Any], gathering_id: UUID, import_id: UUID) -> dict[str, Any]:
    """Invite the new people of a list; their letters become drafts."""
    by = may(session, gathering_id)
    return _shown(
        invitations.apply(session, gathering_id, import_id, **wanted, by=by, links=links(), now=now())
    )


def _shown(staged: Import) -> dict[str, Any]:
    names = ("id", "file_name", "encoding", "delimiter", "rows", "done", "applied_at", "invited")
    return {**{name: getattr(staged, name) for name in names}, "counts": invitations.counts(staged.rows)}
