"""What the answers add up to, as far as it may be told."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.feedback import attendances, questionnaires, quotes
from services.feedback.counting.cells import join_scale, mean_of, veil_any_of, veil_one_of
from services.feedback.counting.shares import share_bounds
from services.feedback.models import Answer, Question, Token


@dataclass(frozen=True)
class Cell:
    """One choice, or several values of a scale joined; `count` is None where it is hidden."""

    label: str
    count: int | None
    first: int = 0
    last: int = 0


@dataclass
class Tally:
    """What was answered to one question; `veiled` tells that something of it is hidden or joined."""

    name: str
    kind: str
    wording: str
    answers: int | None = None
    cells: list[Cell] = field(default_factory=list)
    mean: float | None = None
    high: tuple[float, float] | None = None
    texts: list[str] = field(default_factory=list)
    veiled: bool = False


@dataclass(frozen=True)
class Results:
    """`received` answers to `addressed` links, of which `counted` may be shown; None: fewer than `minimum`."""

    present: int
    addressed: int
    received: int | None
    counted: int
    minimum: int
    tallies: list[Tally]
    quotes: list[str]
    withdrawn: int

    @property
    def enough(self) -> bool:
        return self.counted >= self.minimum

    @property
    def rate(self) -> float | None:
        """The share of people asked who answered, 0..1; None as long as it may not be told."""
        return None if self.received is None or not self.addressed else self.received / self.addressed


def of(session: Session, gathering_id: UUID, *, language: str) -> Results:
    """Everything that may be shown of a gathering's answers. Raises UnknownQuestionnaire.

    Answers are counted from the box `minimum` or more at a time (see answers.py), so comparing two looks at
    this tells no more than one look does.
    """
    questionnaire = questionnaires.of(session, gathering_id)
    minimum = questionnaire.minimum
    of_this = Token.questionnaire_id == questionnaire.id
    addressed = session.scalars(select(func.count()).where(of_this)).one()
    received = session.scalars(select(func.count()).where(of_this, Token.used)).one()
    counted = select(Answer).where(Answer.questionnaire_id == questionnaire.id, Answer.counted)
    sheets = list(session.scalars(counted.order_by(Answer.id)))
    return Results(
        present=attendances.present(session, gathering_id),
        addressed=addressed,
        received=received if received >= minimum else None,
        counted=len(sheets),
        minimum=minimum,
        tallies=[
            _tally(question, sheets, minimum=minimum, language=language)
            for question in questionnaires.questions(session, questionnaire.id)
        ],
        quotes=[q.sentence or "" for q in quotes.publishable(session, questionnaire.id)],
        withdrawn=quotes.withdrawn(session, questionnaire.id) if len(sheets) >= minimum else 0,
    )


def _tally(question: Question, sheets: Sequence[Answer], *, minimum: int, language: str) -> Tally:
    tally = Tally(question.name, question.kind, questionnaires.worded(question.wording, language))
    given = [sheet.given[question.name] for sheet in sheets if question.name in sheet.given]
    if len(sheets) < minimum:
        tally.veiled = True
    elif question.kind == "text":
        _texts(tally, question, sheets, minimum)
    elif question.kind == "scale" and question.required:
        _scale(tally, question, given, minimum)
    else:
        _choices(tally, question, given, blanks=len(sheets) - len(given), minimum=minimum, language=language)
    return tally


def _scale(tally: Tally, question: Question, given: Sequence[str], minimum: int) -> None:
    times = Counter(given)
    counts = [times[choice["key"]] for choice in question.choices]
    runs = join_scale(counts, minimum=minimum)
    tally.answers = sum(counts)
    tally.cells = [
        Cell(
            str(run.first) if run.first == run.last else f"{run.first}–{run.last}",
            run.people,
            run.first,
            run.last,
        )
        for run in runs
    ]
    tally.mean = mean_of(counts, minimum=minimum)
    tally.veiled = len(runs) < len(counts)
    if (agree := agreement(tally, highest=len(counts))) is not None:
        tally.high = share_bounds(agree, tally.answers)


def agreement(tally: Tally, *, highest: int) -> int | None:
    """How many chose one of the two highest values; None when they are joined with lower ones."""
    top = [cell for cell in tally.cells if cell.last >= highest - 1]
    if not top or top[0].first < highest - 1:
        return None
    return sum(cell.count or 0 for cell in top)


def _choices(
    tally: Tally, question: Question, given: Sequence[Any], *, blanks: int, minimum: int, language: str
) -> None:
    labels = {choice["key"]: questionnaires.choice_words(choice, language) for choice in question.choices}
    if question.kind == "multiple":
        times = Counter(key for keys in given for key in set(keys))
        shown = veil_any_of({key: times[key] for key in labels}, answers=len(given) + blanks, minimum=minimum)
    else:
        times = Counter(given)
        counts = {key: times[key] for key in labels}
        if not question.required:
            # Whoever left it empty is a choice like the others: it could be found by subtraction.
            labels[""], counts[""] = "", blanks
        shown = veil_one_of(counts, minimum=minimum)
    tally.answers = len(given) + blanks
    tally.cells = [Cell(labels[key], count) for key, count in shown.items()]
    tally.veiled = None in shown.values()


def _texts(tally: Tally, question: Question, sheets: Sequence[Answer], minimum: int) -> None:
    """Sentences in an order of their own for each question, so that nobody's answers stand in one line."""
    drawn = {
        hashlib.sha256(f"{question.id}{sheet.id}".encode()).digest(): sheet.given[question.name]
        for sheet in sheets
        if question.name in sheet.given
    }
    if len(drawn) < minimum:
        tally.veiled = True
    else:
        tally.answers, tally.texts = len(drawn), [drawn[place] for place in sorted(drawn)]
