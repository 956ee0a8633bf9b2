"""The words of a gathering's letters, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.auth import require
from services.chassis.doors import Doors
from services.chassis.i18n import gettext
from services.chassis.web import now, reading, transacted
from services.notifications import schemas
from services.notifications import wordings as own_words
from services.notifications.api.around import ours
from services.notifications.models import Gathering
from services.notifications.writing import composing, placeholders
from services.notifications.writing.composing import LANGUAGES

wordings = Doors(
    "wordings_api", __name__, url_prefix="/api/notifications/gatherings/<uuid:gathering_id>/wordings"
)


@wordings.get("")
@reading
@wordings.response(200, schemas.WordingsView)
def worded(session: Session, gathering_id: UUID) -> dict[str, Any]:
    """The words of every kind of letter in both languages, the gathering's own or the house's."""
    gathering = ours(session, gathering_id)
    kinds = own_words.KINDS_OF_A_GATHERING
    return {"wordings": [_worded(session, gathering, k, language) for k in kinds for language in LANGUAGES]}


@wordings.put("/<kind>/<language>")
@wordings.arguments(schemas.NewWords)
@transacted
@wordings.response(200, schemas.WordsView)
def reword(
    session: Session, wanted: dict[str, Any], gathering_id: UUID, kind: str, language: str
) -> dict[str, Any]:
    """Say letters of this kind in other words; drafts that nobody changed by hand are written anew."""
    gathering = ours(session, gathering_id)
    by = require(session, gathering_id).id or UUID(int=0)
    own_words.keep(session, gathering, kind, language, **wanted, by=by, now=now())
    return _worded(session, gathering, kind, language)


@wordings.delete("/<kind>/<language>")
@transacted
@wordings.response(200, schemas.WordsView)
def unword(session: Session, gathering_id: UUID, kind: str, language: str) -> dict[str, Any]:
    """Go back to the house's words."""
    gathering = ours(session, gathering_id)
    own_words.forget(session, gathering, kind, language)
    return _worded(session, gathering, kind, language)


def _worded(session: Session, gathering: Gathering, kind: str, language: str) -> dict[str, Any]:
    words = own_words.of(session, gathering.id, kind, language)
    return {
        "kind": kind,
        "language": language,
        "subject": words.subject,
        "text": words.text,
        "is_house": words == composing.house(kind, language),
        "placeholders": [
            {"name": one.name(language), "says": gettext(one.says)} for one in placeholders.of(kind)
        ],
    }
