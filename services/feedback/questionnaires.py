"""Questionnaires: what is asked, and who is given a link to answer."""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from services.chassis.db import delivery, outbox
from services.chassis.errors import NotFound, Refused
from services.chassis.outbox import publish
from services.feedback import gatherings
from services.feedback.events import QuestionnaireAddressed
from services.feedback.models import Attendance, Gathering, Question, Questionnaire, Token

# From the first reminder (J+3) and the second (J+8) on, there is still a week-end to answer in.
OPEN_FOR = timedelta(days=14)


class UnknownQuestionnaire(NotFound):
    code = "unknown-questionnaire"


class NobodyPresent(Refused):
    code = "nobody-present"


def prepare(session: Session, gathering_id: UUID) -> None:
    """Give a gathering the questions of a participatory day, unless it has questions already."""
    if session.scalar(select(Questionnaire.id).where(Questionnaire.gathering_id == gathering_id)):
        return
    pattern = _pattern()
    questionnaire = Questionnaire(id=uuid4(), gathering_id=gathering_id, title=pattern["title"])
    session.add(questionnaire)
    session.flush()
    for position, asked in enumerate(pattern["questions"], 1):
        session.add(
            Question(
                questionnaire_id=questionnaire.id,
                position=position,
                name=asked["name"],
                kind=asked["kind"],
                wording=asked["wording"],
                help=asked.get("help", {}),
                choices=asked.get("choices", []),
                required=asked["required"],
                quotable=asked.get("quotable", False),
                longest=asked.get("longest", 2000),
            )
        )


def prepare_all(session: Session, gathering_ids: Iterable[UUID], now: datetime) -> None:
    """The same for those of these ids that are gatherings."""
    for gathering_id in session.scalars(select(Gathering.id).where(Gathering.id.in_(gathering_ids))).all():
        prepare(session, gathering_id)


def of(session: Session, gathering_id: UUID, *, locked: bool = False) -> Questionnaire:
    """The gathering's questionnaire. Raises UnknownQuestionnaire."""
    statement = select(Questionnaire).where(Questionnaire.gathering_id == gathering_id)
    questionnaire = session.scalar(statement.with_for_update() if locked else statement)
    if questionnaire is None:
        raise UnknownQuestionnaire("This gathering has no questionnaire yet.")
    return questionnaire


def questions(session: Session, questionnaire_id: UUID) -> list[Question]:
    """What is asked, in the order it is asked."""
    asked = select(Question).where(Question.questionnaire_id == questionnaire_id)
    return list(session.scalars(asked.order_by(Question.position)))


def address(session: Session, gathering_id: UUID, *, now: datetime) -> int:
    """Open the questionnaire and tell that each person who is there may answer; returns how many were told now.

    Who was addressed before is not addressed again, so this may be repeated. People who come in later are
    addressed as they arrive. Raises UnknownGathering, UnknownQuestionnaire, NobodyPresent.
    """
    gathering = gatherings.by_id(session, gathering_id)
    questionnaire = of(session, gathering_id, locked=True)
    here = (Attendance.gathering_id == gathering_id, Attendance.present)
    if not session.scalar(select(func.count()).select_from(Attendance).where(*here)):
        raise NobodyPresent("Nobody has been checked in yet, so there is nobody to ask.")
    if questionnaire.state == "draft":
        questionnaire.state, questionnaire.opened_at = "open", now
        questionnaire.closes_at = max(now, gathering.ends_at) + OPEN_FOR
    waiting = session.scalars(
        select(Attendance)
        .where(*here, Attendance.addressed.is_(False), Attendance.email.is_not(None))
        .order_by(Attendance.participant_id)
    ).all()
    for attendance in waiting:
        address_one(session, gathering, questionnaire, attendance)
    return len(waiting)


def address_one(
    session: Session, gathering: Gathering, questionnaire: Questionnaire, attendance: Attendance
) -> None:
    """Give one person a link, tell it, and forget how to reach them.

    Only the link's digest is kept. Nothing here leads from the token to the person; only the letter does.
    """
    link = secrets.token_urlsafe(16)
    session.add(Token(digest=digest(link), questionnaire_id=questionnaire.id))
    publish(
        session,
        QuestionnaireAddressed,
        about={
            "invite_id": uuid4(),
            "gathering_id": gathering.id,
            "participant_id": attendance.participant_id,
            "email": attendance.email,
            "given": attendance.given or "",
            "family": attendance.family or "",
            "language": attendance.language or gathering.language,
            "link": f"{gatherings.home(gathering)}/q/{link}",
            "closes_at": questionnaire.closes_at,
        },
    )
    attendance.addressed = True
    attendance.email = attendance.given = attendance.family = attendance.language = None


def blot(session: Session, now: datetime) -> int:
    """Strike people and links out of what was told, once every hearer has it; returns how many were struck.

    Until then the outbox must know them, to tell again. Afterwards it would be the one place here that leads from a
    token to a person.
    """
    unheard = exists().where(delivery.c.event_id == outbox.c.event_id, delivery.c.acked_at.is_(None))
    told = session.execute(
        select(outbox.c.event_id, outbox.c.body)
        .where(outbox.c.type == QuestionnaireAddressed.type, outbox.c.body["link"].as_string() != "", ~unheard)
        .limit(1000)
    ).all()
    for event_id, body in told:
        struck = {**body, **dict.fromkeys(("email", "given", "family", "link"), "")}
        session.execute(update(outbox).where(outbox.c.event_id == event_id).values(body=struck))
    return len(told)


def worded(texts: Mapping[str, str], language: str) -> str:
    """These words in `language`, or in the one they were first written in; empty when there are none."""
    return texts.get(language) or next(iter(texts.values()), "")


def choice_words(choice: Mapping[str, str], language: str) -> str:
    """What a choice says; its key when nobody gave it words, as in the middle of a scale."""
    return worded({key: text for key, text in choice.items() if key != "key"}, language) or choice["key"]


def digest(secret: str) -> str:
    """What is kept of a link or a code; both are random and long enough not to be guessed from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


@cache
def _pattern() -> dict[str, Any]:
    text = (Path(__file__).parent / "patterns" / "participatory_day.toml").read_text("utf-8")
    return tomllib.loads(text)
