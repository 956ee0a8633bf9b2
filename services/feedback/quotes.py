"""Quotes: sentences that may be published until their author says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.errors import Refused
from services.feedback import questionnaires
from services.feedback.answers import plain
from services.feedback.models import Quote
from services.feedback.questionnaires import digest


class UnknownCode(Refused):
    code, status = "unknown-code", HTTPStatus.UNPROCESSABLE_ENTITY


def withdraw(session: Session, gathering_id: UUID, *, code: str) -> None:
    """Take a sentence back for good; it is forgotten here and gone from wherever it was shown.

    A sentence withdrawn already is withdrawn again without a word. The questionnaire is locked first: quotes
    are written anew when answers are counted, and one that is taken back meanwhile must not come back. Raises
    UnknownCode, UnknownQuestionnaire.
    """
    questionnaire = questionnaires.of(session, gathering_id, locked=True)
    quote = session.scalar(
        select(Quote).where(
            Quote.questionnaire_id == questionnaire.id, Quote.code_digest == digest(plain(code))
        )
    )
    if quote is None:
        raise UnknownCode(
            "No sentence of this gathering has this code. Check each of its sixteen signs.", field="code"
        )
    quote.sentence, quote.withdrawn = None, True


def publishable(session: Session, questionnaire_id: UUID) -> list[Quote]:
    """Sentences that may be shown: agreed to, counted with enough others, not withdrawn; in random order."""
    may = (Quote.questionnaire_id == questionnaire_id, Quote.counted, Quote.withdrawn.is_(False))
    return list(session.scalars(select(Quote).where(*may).order_by(Quote.id)))


def sentences(session: Session, ids: Iterable[UUID]) -> dict[UUID, str]:
    """The words of these quotes, as far as they may still be shown."""
    may = (Quote.id.in_(list(ids)), Quote.counted, Quote.withdrawn.is_(False))
    return {quote.id: quote.sentence or "" for quote in session.scalars(select(Quote).where(*may))}


def withdrawn(session: Session, questionnaire_id: UUID) -> int:
    """How many sentences were taken back."""
    gone = select(func.count()).where(Quote.questionnaire_id == questionnaire_id, Quote.withdrawn)
    return session.scalars(gone).one()
