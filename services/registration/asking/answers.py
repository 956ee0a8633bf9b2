"""Answers to the questions of a gathering: read as they were typed, kept, and said again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from services.chassis.catalogues import N_
from services.registration import names
from services.registration.asking.questions import CHOICES, Kind, Question, asked, of

SHORT, LONG = 200, 2000
NEEDED = "Missing data for required field."
YES_NO = {"yes": N_("Yes"), "no": N_("No")}

Said = str | list[str]
# What is kept of an answer: {"said": …, "version": the question's when it was answered}.
Kept = Mapping[str, Mapping[str, Any]]


class Unreadable(ValueError):
    """An answer that is not one; the text says what to write instead."""


def read(
    rows: Iterable[Mapping[str, Any]], given: Callable[[str], Sequence[str]]
) -> tuple[dict[str, Said], dict[str, list[str]]]:
    """What somebody answered, and by question what is wrong; `given` tells what was typed for a key.

    Questions whose condition is not met are not read: what was typed there is left out, and nothing is missing.
    """
    questions = of(rows)
    found: dict[str, Said] = {}
    errors: dict[str, list[str]] = {}
    for question in asked(questions):
        if not _is_asked(question, found):
            continue
        typed = [text for text in map(str, given(question.key)) if text.strip()]
        try:
            if typed:
                found[question.key] = _READERS[question.kind](question, typed)
            elif question.required:
                raise Unreadable(NEEDED)  # noqa: TRY301 - one way to say what is wrong
        except Unreadable as error:
            errors[question.key] = [str(error)]
    return found, errors


def missing(rows: Iterable[Mapping[str, Any]], kept: Kept) -> list[Question]:
    """The required questions somebody should answer and has not, as far as their answers lead."""
    said = {key: one["said"] for key, one in kept.items()}
    return [
        question
        for question in asked(of(rows))
        if question.required and _is_asked(question, said) and question.key not in said
    ]


def merged(rows: Iterable[Mapping[str, Any]], kept: Kept, said: Mapping[str, Said]) -> dict[str, Any]:
    """What is kept when somebody answers anew: `said`, and the answers to questions that are asked no more."""
    questions = of(rows)
    removed = {one.key for one in questions if one.removed_at}
    versions = {one.key: one.version for one in questions}
    old = {key: dict(one) for key, one in kept.items() if key in removed}
    return old | {key: {"said": one, "version": versions[key]} for key, one in said.items()}


def words(question: Question, said: Said, language: str, say: Callable[[str], str] = str) -> str:
    """An answer as people read it; `say` translates the words of the house."""
    if question.kind == Kind.yes_no:
        return say(YES_NO.get(str(said), str(said)))
    if question.kind not in CHOICES:
        return str(said)
    named = {one.key: in_words(one.words, language) or one.key for one in question.options}
    return ", ".join(named.get(key, key) for key in ([said] if isinstance(said, str) else said))


def in_words(texts: Mapping[str, str], language: str) -> str:
    """These words in `language`, or in another when nobody wrote them in it; empty when there are none."""
    return texts.get(language) or next((text for text in texts.values() if text), "")


def _is_asked(question: Question, said: Mapping[str, Said]) -> bool:
    if question.only_if is None:
        return True
    leading = said.get(question.only_if.key, "")
    return question.only_if.answer in ([leading] if isinstance(leading, str) else leading)


def _short(_question: Question, typed: Sequence[str]) -> str:
    return _text(typed[0], SHORT)


def _long(_question: Question, typed: Sequence[str]) -> str:
    return _text(typed[0], LONG, lines=True)


def _text(text: str, longest: int, *, lines: bool = False) -> str:
    too_long = Unreadable(f"Longer than maximum length {longest}.")
    # Nobody cleans 400 kB of pasted text to find that it is too long.
    if len(text) > longest * 20:
        raise too_long
    clean = "\n".join(map(names.clean, text.splitlines() if lines else [text])).strip()
    if len(clean) > longest:
        raise too_long
    if not clean:
        raise Unreadable(NEEDED)
    return clean


def _one(question: Question, typed: Sequence[str]) -> str:
    if len(typed) > 1 or typed[0] not in question.choices:
        raise Unreadable(N_("Choose an answer from the list."))
    return typed[0]


def _several(question: Question, typed: Sequence[str]) -> list[str]:
    if not set(typed) <= set(question.choices):
        raise Unreadable(N_("Choose answers from the list."))
    return [key for key in question.choices if key in typed]


_NUMBER = re.compile(r"([-+−]?)([0-9]{1,15})(?:[.,]([0-9]{1,6}))?")


def _number(_question: Question, typed: Sequence[str]) -> str:
    """A number as people write it in French or English; kept with a point, without spaces."""
    found = _NUMBER.fullmatch(re.sub(r"[\s’']", "", typed[0][:60]))
    if found is None:
        raise Unreadable(N_("Write a number."))
    sign = "-" if found[1] in ("-", "−") else ""
    part = (found[3] or "").rstrip("0")
    whole = found[2].lstrip("0") or "0"
    return f"{sign}{whole}.{part}" if part else "0" if whole == "0" else f"{sign}{whole}"


_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.\s-]([0-9]{1,2})[/.\s-]([0-9]{4})")


def _date(_question: Question, typed: Sequence[str]) -> str:
    """A day as a browser sends it, or as people type it where there is no calendar: 8/4/2027."""
    text = typed[0].strip()[:20]
    if found := _DAY_FIRST.fullmatch(text):
        text = f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(N_("Write a day, like 08/04/2027.")) from error
    return day.isoformat()


_PHONE = re.compile(r"\+?[0-9\s().\-/]+")


def _phone(_question: Question, typed: Sequence[str]) -> str:
    """A number one can dial: at most fifteen digits (ITU-T E.164), and the signs people put between them."""
    text = names.clean(typed[0][:60])
    digits = sum(letter.isdigit() for letter in text)
    if not _PHONE.fullmatch(text) or not 6 <= digits <= 15:  # noqa: PLR2004 - said above
        raise Unreadable(N_("Write a phone number, like 06 12 34 56 78."))
    return text


_READERS: dict[Kind, Callable[[Question, Sequence[str]], Said]] = {
    Kind.short_text: _short,
    Kind.long_text: _long,
    Kind.single: _one,
    Kind.multiple: _several,
    Kind.number: _number,
    Kind.date: _date,
    Kind.yes_no: _one,
    Kind.phone: _phone,
}
