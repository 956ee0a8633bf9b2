"""The questions of a gathering, for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from services.chassis.doors import Doors, unless_changed
from services.chassis.shapes import PageQuery, page, page_of
from services.chassis.web import now, reading, transacted
from services.registration import gatherings, questions
from services.registration.api.doors import may
from services.registration.asking import questions as asking
from services.registration.asking.questions import Question
from services.registration.schemas.questions import NewQuestion, QuestionChange, QuestionMove, QuestionView

api = Doors("questions", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.get("/<uuid:gathering_id>/questions")
@api.arguments(PageQuery, location="query")
@reading
@api.response(200, page_of(QuestionView))
def listed(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> dict[str, Any]:
    """What is asked beside a name, in its order, and what was asked and still has answers."""
    may(session, gathering_id)
    return page(asking.of(gatherings.by_id(session, gathering_id).questions), **wanted)


@api.post("/<uuid:gathering_id>/questions")
@api.arguments(NewQuestion)
@transacted
@api.response(201, QuestionView)
def add(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Question:
    """Ask one more question."""
    by = may(session, gathering_id)
    return questions.add(session, gathering_id, **wanted, by=by, now=now())


@api.get("/<uuid:gathering_id>/questions/<key>")
@reading
@api.response(200, QuestionView)
def shown(session: Session, gathering_id: UUID, key: str) -> Question:
    """One question."""
    may(session, gathering_id)
    return questions.find(gatherings.by_id(session, gathering_id), key)


@api.put("/<uuid:gathering_id>/questions/<key>")
@api.arguments(QuestionChange)
@transacted
@unless_changed(shown)
@api.response(200, QuestionView)
def change(session: Session, wanted: dict[str, Any], gathering_id: UUID, key: str) -> Question:
    """Ask a question otherwise; answers already given stay beside the words that they answered."""
    by = may(session, gathering_id)
    return questions.change(session, gathering_id, key, **wanted, by=by, now=now())


@api.delete("/<uuid:gathering_id>/questions/<key>")
@transacted
@unless_changed(shown)
@api.response(204)
def remove(session: Session, gathering_id: UUID, key: str) -> None:
    """Ask a question no more; answers already given are kept as long as was promised."""
    by = may(session, gathering_id)
    questions.remove(session, gathering_id, key, by=by, now=now())


@api.post("/<uuid:gathering_id>/questions/<key>/move")
@api.arguments(QuestionMove)
@transacted
@api.response(200, QuestionView)
def move(session: Session, wanted: dict[str, Any], gathering_id: UUID, key: str) -> Question:
    """Ask a question before its neighbour of the same condition, or after it."""
    by = may(session, gathering_id)
    questions.move(session, gathering_id, key, **wanted, by=by, now=now())
    return questions.find(gatherings.by_id(session, gathering_id), key)


@api.post("/<uuid:gathering_id>/questions/<key>/ask-again")
@transacted
@api.response(200, QuestionView)
def ask_again(session: Session, gathering_id: UUID, key: str) -> Question:
    """Ask a removed question again, with the answers it has."""
    by = may(session, gathering_id)
    questions.ask_again(session, gathering_id, key, by=by, now=now())
    return questions.find(gatherings.by_id(session, gathering_id), key)
