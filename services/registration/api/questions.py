"""The questions of a gathering, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from services.chassis.web import now, reading, transacted
from services.registration import gatherings, questions
from services.registration.api.doors import may
from services.registration.asking import questions as asking
from services.registration.asking.questions import Question
from services.registration.schemas.questions import NewQuestion, QuestionChange, QuestionView

api = Blueprint("questions", __name__, url_prefix="/api/registration/gatherings", description=__doc__)


@api.get("/<uuid:gathering_id>/questions")
@reading
@api.response(200, QuestionView(many=True))
def listed(session: Session, gathering_id: UUID) -> Sequence[Question]:
    """What is asked beside a name, in its order, and what was asked and still has answers."""
    may(session, gathering_id)
    return asking.of(gatherings.by_id(session, gathering_id).questions)


@api.post("/<uuid:gathering_id>/questions")
@api.arguments(NewQuestion)
@transacted
@api.response(201, QuestionView)
def add(session: Session, wanted: dict[str, Any], gathering_id: UUID) -> Question:
    """Ask one more question."""
    by = may(session, gathering_id)
    return questions.add(session, gathering_id, **wanted, by=by, now=now())


@api.put("/<uuid:gathering_id>/questions/<key>")
@api.arguments(QuestionChange)
@transacted
@api.response(200, QuestionView)
def change(session: Session, wanted: dict[str, Any], gathering_id: UUID, key: str) -> Question:
    """Ask a question otherwise; answers already given stay beside the words that they answered."""
    by = may(session, gathering_id)
    return questions.change(session, gathering_id, key, **wanted, by=by, now=now())


@api.delete("/<uuid:gathering_id>/questions/<key>")
@transacted
@api.response(204)
def remove(session: Session, gathering_id: UUID, key: str) -> None:
    """Ask a question no more; answers already given are kept as long as was promised."""
    by = may(session, gathering_id)
    questions.remove(session, gathering_id, key, by=by, now=now())
