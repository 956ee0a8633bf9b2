"""What a gathering asks beside a name: making, changing, moving and removing questions; forgetting the answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import String, cast, select, update
from sqlalchemy.orm import Session

from services.chassis.catalogues import N_
from services.chassis.errors import Misshapen, NotFound
from services.registration import telling, waiting_list
from services.registration.asking import questions as asking
from services.registration.asking.questions import CHOICES, LEADING, Condition, Kind, Option, Question
from services.registration.gatherings import ChangedMeanwhile
from services.registration.models import HOLDING, Gathering, Participant, State

COUNTED = (*HOLDING, State.waiting)
_AT_ONCE = 500


def add(
    session: Session, gathering_id: UUID, *, version: int | None = None, by: UUID, now: datetime, **wanted: Any
) -> Question:
    """Ask one more question, after the others.

    `wanted` names kind, wording, purpose, keep_days, required, options (texts by language) and only_if
    ({key, answer} or None). `version` is the gathering's when the page was opened; None takes any. Raises NotFound,
    ChangedMeanwhile, Misshapen (with the fields of a question).
    """
    gathering = _locked(session, gathering_id, version)
    questions = asking.of(gathering.questions)
    question = asking.begun(_made(**wanted), f"q{uuid4().hex[:8]}")
    if len(questions) >= asking.MOST:
        raise Misshapen({"wording": [N_("A gathering asks thirty questions at most.")]})
    _check(gathering, questions, question)
    _keep(session, gathering, [*questions, question], "question added", by=by, now=now)
    return question


def change(
    session: Session,
    gathering_id: UUID,
    key: str,
    *,
    version: int | None = None,
    by: UUID,
    now: datetime,
    **wanted: Any,
) -> Question:
    """Ask a question otherwise; answers already given stay, each beside the words that it answered.

    `wanted` is that of `add`. The kind stays once somebody has answered. Raises NotFound, ChangedMeanwhile, Misshapen.
    """
    gathering = _locked(session, gathering_id, version)
    questions = asking.of(gathering.questions)
    was = _find(questions, key)
    question = asking.changed(was, _made(**wanted))
    if question.kind != was.kind and answered(session, gathering_id)[key]:
        said = N_("People have answered already: remove this question and ask another one.")
        raise Misshapen({"kind": [said]})
    _check(gathering, questions, question)
    if question != was:
        after = [question if one.key == key else one for one in questions]
        _keep(session, gathering, after, "question changed", by=by, now=now)
    return question


def remove(
    session: Session, gathering_id: UUID, key: str, *, version: int | None = None, by: UUID, now: datetime
) -> None:
    """Ask a question no more. Answers already given are kept as long as was promised; without any it goes for good.

    Raises NotFound, ChangedMeanwhile.
    """
    gathering = _locked(session, gathering_id, version)
    questions = asking.of(gathering.questions)
    if _find(questions, key).removed_at:
        return
    if answered(session, gathering_id)[key]:
        gone = now.isoformat()
        after = [replace(one, removed_at=gone) if one.key == key else one for one in questions]
    else:
        after = [one for one in questions if one.key != key]
    _keep(session, gathering, after, "question removed", by=by, now=now)


def ask_again(
    session: Session, gathering_id: UUID, key: str, *, version: int | None = None, by: UUID, now: datetime
) -> None:
    """Ask a removed question again, with the answers it has. Raises NotFound, ChangedMeanwhile."""
    gathering = _locked(session, gathering_id, version)
    questions = asking.of(gathering.questions)
    _find(questions, key)
    after = [replace(one, removed_at=None) if one.key == key else one for one in questions]
    _keep(session, gathering, after, "question asked again", by=by, now=now)


def move(
    session: Session,
    gathering_id: UUID,
    key: str,
    *,
    earlier: bool,
    version: int | None = None,
    by: UUID,
    now: datetime,
) -> None:
    """Ask a question before (or after) its neighbour of the same condition. Raises NotFound, ChangedMeanwhile."""
    gathering = _locked(session, gathering_id, version)
    questions = asking.of(gathering.questions)
    question = _find(questions, key)
    beside = [one for one in questions if one.only_if == question.only_if and not one.removed_at]
    if question not in beside:
        return
    place = beside.index(question) + (-1 if earlier else 1)
    if 0 <= place < len(beside):
        here, there = questions.index(question), questions.index(beside[place])
        questions[here], questions[there] = questions[there], questions[here]
        _keep(session, gathering, questions, "question moved", by=by, now=now)


def find(gathering: Gathering, key: str) -> Question:
    """Raises NotFound."""
    return _find(asking.of(gathering.questions), key)


def answered(session: Session, gathering_id: UUID) -> Counter[str]:
    """How many people have answered each question, whatever became of their seat."""
    counts: Counter[str] = Counter()
    for answers in _answers(session, Participant.gathering_id == gathering_id):
        counts.update(answers.keys())
    return counts


def tally(session: Session, gathering_id: UUID, question: Question) -> list[tuple[str, int]]:
    """How many of the people who come or wait chose each answer, in the order of the list.

    Answers that are offered no more stand there while somebody holds them. Empty for questions answered freely.
    """
    counts: Counter[str] = Counter()
    here = (Participant.gathering_id == gathering_id, Participant.state.in_(COUNTED))
    for answers in _answers(session, *here):
        said = answers.get(question.key, {}).get("said", [])
        counts.update([said] if isinstance(said, str) else said)
    if question.kind not in LEADING:
        return []
    others = [one.key for one in question.options if one.gone and counts[one.key]]
    return [(key, counts[key]) for key in (*question.choices, *others)]


def forget(session: Session, now: datetime) -> int:
    """Erase the answers whose time is over, one audit line for each question; return how many answers went."""
    soonest = now - timedelta(days=min(asking.RETENTIONS))
    over = session.execute(
        select(Gathering.id, Gathering.ends_at, Gathering.questions).where(
            Gathering.ends_at <= soonest, cast(Gathering.questions, String) != "[]"
        )
    ).all()
    gone = 0
    for gathering_id, ends_at, rows in over:
        if _due(asking.of(rows), ends_at, now=now):
            gone += _forget_at(session, waiting_list.lock(session, gathering_id), now=now)
    return gone


def _due(questions: list[Question], ends_at: datetime, *, now: datetime) -> set[str]:
    """The keys of the questions whose answers are to go and did not yet."""
    ends = {one.key: asking.kept_until(one, ends_at) for one in questions}
    return {
        one.key
        for one in questions
        if ends[one.key] <= now
        and (not one.forgotten_at or datetime.fromisoformat(one.forgotten_at) < ends[one.key])
    }


def _forget_at(session: Session, gathering: Gathering, *, now: datetime) -> int:
    questions = asking.of(gathering.questions)
    due, gone = _due(questions, gathering.ends_at, now=now), 0
    people = select(Participant.id, Participant.answers).where(Participant.gathering_id == gathering.id)
    for participant_id, answers in session.execute(people).all():
        if left := due & set(answers):
            rest = {key: one for key, one in answers.items() if key not in due}
            session.execute(update(Participant).where(Participant.id == participant_id).values(answers=rest))
            gone += len(left)
    at = now.isoformat()
    gathering.questions = asking.rows(
        replace(one, forgotten_at=at) if one.key in due else one for one in questions
    )
    for _ in due:
        telling.note(session, "answers erased", gathering.id, gathering_id=gathering.id, by=None, now=now)
    session.flush()
    return gone


def _made(
    *,
    kind: str,
    wording: dict[str, str],
    purpose: dict[str, str],
    keep_days: int,
    required: bool,
    options: Sequence[dict[str, str]],
    only_if: dict[str, str] | None,
) -> Question:
    """A question as it is wished for, without a key; its options have none either."""
    return Question(
        "",
        Kind(kind),
        {language: text for language, text in wording.items() if text},
        {language: text for language, text in purpose.items() if text},
        keep_days,
        required,
        tuple(Option("", words) for words in options) if kind in CHOICES else (),
        Condition(**only_if) if only_if else None,
    )


def _check(gathering: Gathering, questions: list[Question], question: Question) -> None:
    """Raise Misshapen unless the question can be asked here."""
    errors: dict[str, list[str]] = {}
    if not question.wording.get(gathering.language):
        errors["wording"] = [N_("Write the question.")]
    if not question.purpose.get(gathering.language):
        errors["purpose"] = [N_("Say what the answer is for: people read it below the question.")]
    if question.kind in CHOICES and not 2 <= len(question.choices) <= asking.MOST_OPTIONS:  # noqa: PLR2004
        errors["options"] = [N_("Write from two to forty answers, one on each line.")]
    if question.twice:
        errors["options"] = [N_("One answer stands here twice.")]
    if question.only_if and not _can_lead(questions, question):
        errors["only_if"] = [N_("This question cannot depend on that answer. Choose another one.")]
    if errors:
        raise Misshapen(errors)


def _can_lead(questions: list[Question], question: Question) -> bool:
    wanted = question.only_if
    leading = next((one for one in questions if wanted and one.key == wanted.key and not one.removed_at), None)
    if wanted is None or leading is None or wanted.answer not in leading.choices:
        return False
    after = [*(one for one in questions if one.key != question.key), question]
    return max(asking.depth(after, one) for one in after) < asking.DEEPEST


def _locked(session: Session, gathering_id: UUID, version: int | None) -> Gathering:
    gathering = waiting_list.lock(session, gathering_id)
    if version is not None and gathering.version != version:
        raise ChangedMeanwhile(
            "Somebody else has changed this gathering since you opened the page.",
            version=gathering.version,
            fields=["questions"],
        )
    return gathering


def _find(questions: list[Question], key: str) -> Question:
    found = next((one for one in questions if one.key == key), None)
    if found is None:
        raise NotFound("There is no such question.")
    return found


def _keep(
    session: Session, gathering: Gathering, questions: list[Question], deed: str, *, by: UUID, now: datetime
) -> None:
    """Nobody else is told: questions and answers never leave this service."""
    gathering.questions = asking.rows(questions)
    gathering.version += 1
    session.flush()
    telling.note(session, deed, gathering.id, gathering_id=gathering.id, by=by, now=now)


def _answers(session: Session, *where: Any) -> Iterator[dict[str, Any]]:
    found = session.scalars(select(Participant.answers).where(*where).execution_options(yield_per=_AT_ONCE))
    yield from found
