"""The questions of a gathering on a form, and answers as pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

from services.chassis.catalogues import N_
from services.chassis.errors import Misshapen
from services.chassis.i18n import day, language
from services.chassis.i18n import gettext as _
from services.chassis.pages import Form
from services.registration import newcomers
from services.registration.asking import answers as asking
from services.registration.asking.questions import Branch, Kind, Question, branches, of
from services.registration.models import Gathering, Participant

KINDS: dict[str, str] = {
    Kind.short_text: N_("Short text"),
    Kind.long_text: N_("Long text"),
    Kind.single: N_("One answer of a list"),
    Kind.multiple: N_("Several answers of a list"),
    Kind.number: N_("Number"),
    Kind.date: N_("Day"),
    Kind.yes_no: N_("Yes or no"),
    Kind.phone: N_("Phone number"),
}
RETENTIONS: dict[int, str] = {
    7: N_("erased a week after the gathering"),
    30: N_("erased a month after the gathering"),
    90: N_("erased three months after the gathering"),
    365: N_("erased a year after the gathering"),
}


@dataclass(frozen=True)
class Answered:
    """One answer on a page. `asked_as` is an earlier wording that was answered, or empty."""

    question: Question
    words: str
    asked_as: str
    is_asked: bool


def install(app: Flask) -> None:
    """Let every template of registration use these."""
    app.jinja_env.globals.update(
        answered=answered,
        answers_missing=answers_missing,
        branches_of=branches_of,
        in_words=in_words,
        kinds=KINDS,
        retentions=RETENTIONS,
        said_to=said_to,
    )


def branches_of(gathering: Gathering) -> list[Branch]:
    """What the form asks, each question below the answer that leads to it."""
    return branches(of(gathering.questions)) if gathering.questions else []


def in_words(texts: Mapping[str, str]) -> Markup:
    """These words in the language of the page; marked as another language when they were not written in it."""
    wanted = language()
    if wanted in texts or not texts:
        return escape(texts.get(wanted, ""))
    spoken = next(iter(texts))
    return Markup('<span lang="{}">{}</span>').format(spoken, texts[spoken])


def typed(gathering: Gathering, form: Form) -> dict[str, list[str]]:
    """What stands in a form below each question of the gathering."""
    return {row["key"]: [str(one) for one in form.all(f"answers.{row['key']}")] for row in gathering.questions}


def refuse_answers(gathering: Gathering, form: Form) -> Form:
    """The form, saying beside each question what is wrong with its answer."""
    if not any(name.startswith("answers.") for name in form.errors):
        try:
            newcomers.check_answers(gathering, typed(gathering, form))
        except Misshapen as error:
            form.refuse(error)
    return form


def known_answers(participant: Participant) -> dict[str, Any]:
    """A participant's answers, as a form holds them."""
    return {f"answers.{key}": one["said"] for key, one in participant.answers.items()}


def answered(gathering: Gathering, participant: Participant) -> list[Answered]:
    """What somebody answered, in the order of the questions; those that are asked no more come last."""
    if not participant.answers:
        return []
    questions = sorted(of(gathering.questions), key=lambda one: one.removed_at is not None)
    return [_answered(one, participant.answers[one.key]) for one in questions if one.key in participant.answers]


def answers_missing(gathering: Gathering, participant: Participant) -> int:
    """How many questions that need an answer somebody has not answered yet."""
    return len(asking.missing(gathering.questions, participant.answers)) if gathering.questions else 0


def words(question: Question, said: asking.Said) -> str:
    """An answer as a page shows it."""
    if question.kind == Kind.date:
        return day(datetime.fromisoformat(str(said)).replace(hour=12, tzinfo=UTC), "UTC", weekday=False)
    return asking.words(question, said, language(), _)


def said_to(question: Question, participant: Participant) -> str:
    """What somebody answered to one question; empty when they did not."""
    kept = participant.answers.get(question.key)
    return words(question, kept["said"]) if kept else ""


def tallied(question: Question, counts: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """How many people gave each answer, with the answer in words."""
    return [(words(question, key), people) for key, people in counts]


def _answered(question: Question, kept: Mapping[str, Any]) -> Answered:
    was = question.asked_as(kept["version"])
    earlier = asking.in_words(was, language()) if was != question.wording else ""
    return Answered(question, words(question, kept["said"]), earlier, not question.removed_at)
