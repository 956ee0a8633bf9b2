"""Answers: taken once for each link, and never to be found again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound, Refused
from services.feedback import gatherings, questionnaires
from services.feedback.models import Answer, Gathering, Question, Questionnaire, Quote, Token
from services.feedback.questionnaires import digest

# Letters and digits that cannot be taken for one another when read aloud or copied by hand (Crockford's base
# 32).
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class UnknownLink(NotFound):
    code = "unknown-link"


class AlreadyAnswered(Refused):
    code = "already-answered"


class QuestionnaireClosed(Refused):
    code, status = "questionnaire-closed", HTTPStatus.GONE


@dataclass(frozen=True)
class Sheet:
    """What somebody with a link is asked."""

    gathering: Gathering
    questionnaire: Questionnaire
    questions: list[Question]


@dataclass(frozen=True)
class Receipt:
    """The code with which the author of one sentence, and nobody else, can take it back."""

    question: str
    code: str


def sheet(session: Session, link: str, *, now: datetime) -> Sheet:
    """The questions behind a link. Raises UnknownLink, AlreadyAnswered, QuestionnaireClosed."""
    token = session.get(Token, digest(link))
    if token is None:
        raise UnknownLink("This link leads nowhere. Take the whole address from the letter you received.")
    if token.used:
        raise AlreadyAnswered("Your answer was received already. Nobody can see or change it, not even you.")
    questionnaire = session.get_one(Questionnaire, token.questionnaire_id)
    if questionnaire.closes_at is not None and questionnaire.closes_at <= now:
        raise QuestionnaireClosed("This questionnaire is closed. Thank you for having thought of it.")
    gathering = gatherings.by_id(session, questionnaire.gathering_id)
    return Sheet(gathering, questionnaire, questionnaires.questions(session, questionnaire.id))


def give(
    session: Session,
    link: str,
    *,
    given: Mapping[str, Any],
    quoted: Iterable[str],
    seed: str,
    now: datetime,
) -> list[Receipt]:
    """Take one person's answers and use up their link.

    `given` maps a question's name to its answer; `quoted` names the sentences that may be published; `seed`
    is what their codes are made from. Returns one receipt for each of those sentences. Raises UnknownLink,
    AlreadyAnswered, QuestionnaireClosed; of two posts with one link, one is refused.
    """
    token = session.get(Token, digest(link), with_for_update=True)
    asked = sheet(session, link, now=now)
    questionnaire = session.get_one(Questionnaire, asked.questionnaire.id, with_for_update=True)
    if token is not None:
        token.used = True
    today = now.astimezone(ZoneInfo(asked.gathering.zone)).date()
    session.add(Answer(questionnaire_id=questionnaire.id, answered_on=today, given=dict(given)))
    receipts = []
    for question in asked.questions:
        sentence = given.get(question.name)
        if question.quotable and question.name in set(quoted) and isinstance(sentence, str) and sentence:
            code = code_for(seed, link, question.name)
            session.add(
                Quote(
                    questionnaire_id=questionnaire.id,
                    question_name=question.name,
                    sentence=sentence,
                    code_digest=digest(plain(code)),
                )
            )
            receipts.append(Receipt(question.name, code))
    session.flush()
    _count(session, questionnaire)
    return receipts


def receipts_again(session: Session, link: str, *, names: Iterable[str], seed: str) -> list[Receipt]:
    """The receipts of a form that was sent twice: only who holds the form's seed can have them again."""
    again = [Receipt(name, code_for(seed, link, name)) for name in names] if seed else []
    digests = {digest(plain(receipt.code)): receipt for receipt in again}
    known = session.scalars(select(Quote.code_digest).where(Quote.code_digest.in_(digests))).all()
    return [receipt for each, receipt in digests.items() if each in known]


def new_seed() -> str:
    """What a form carries so that its codes are the same when it is sent twice; it is kept nowhere."""
    return secrets.token_urlsafe(16)


def code_for(seed: str, link: str, question: str) -> str:
    """The code of one sentence, 80 bits in four groups of four signs: "7Q0C-…".

    Made from the form's seed, so a double click shows the same code twice; without a seed it is drawn at
    random.
    """
    drawn = hashlib.sha256("\n".join((seed or secrets.token_hex(16), link, question)).encode()).digest()
    number = int.from_bytes(drawn[:10], "big")
    signs = "".join(_SIGNS[number >> 5 * place & 31] for place in range(16))
    return "-".join(signs[start : start + 4] for start in range(0, 16, 4))


def plain(code: str) -> str:
    """A code as it is compared: without the ways in which people write it down."""
    return "".join({"O": "0", "I": "1", "L": "1"}.get(c, c) for c in code.upper() if c.isalnum())


def _count(session: Session, questionnaire: Questionnaire) -> None:
    """Let answers count once enough of them are in the box, so that no two looks differ by one person.

    All answers are then written anew in the order of their random keys: PostgreSQL would otherwise show, by
    the place and the transaction of each row, which answer came in with which token.
    """
    waiting = select(func.count()).where(Answer.questionnaire_id == questionnaire.id, Answer.counted.is_(False))
    if session.scalars(waiting).one() < questionnaire.minimum:
        return
    for model in (Answer, Quote):
        table = model.metadata.tables[model.__tablename__]
        mine = table.c.questionnaire_id == questionnaire.id
        rows = session.execute(select(table).where(mine).order_by(table.c.id)).mappings().all()
        session.execute(delete(table).where(mine))
        if rows:
            session.execute(insert(table), [{**row, "counted": True} for row in rows])
