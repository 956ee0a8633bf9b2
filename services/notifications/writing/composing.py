"""From a kind of letter and what it speaks of to its subject and its two twins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, Undefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from services.chassis.moments import day
from services.chassis.typography import typo
from services.notifications.writing import placeholders, twins, words
from services.notifications.writing.placeholders import Placeholder

FOLDER = Path(__file__).parents[1] / "templates" / "letters"
LANGUAGES = ("fr", "en")
# An HTML letter longer than this is clipped by some readers; ours stay far below.
HTML_LIMIT = 40_000


@dataclass(frozen=True, slots=True)
class Written:
    """A letter's words."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a kind of letter before anybody's values are in them: placeholders stand in braces."""

    subject: str
    text: str


def write(
    kind: str,
    language: str,
    *,
    writing: str = "epicene",
    about: Mapping[str, Any],
    words_: Words | None = None,
) -> Written:
    """Write one letter of this kind, in the house's words or in an organiser's (`words_`).

    `about` holds what the placeholders need: strings are cleaned of everything that does not fit one line, instants
    go through the filters `day`, `instant` and `span`, which need `zone`. `writing` is the gathering's style of
    inclusive writing. A value that a placeholder needs and `about` lacks is an error of ours: UndefinedError. Raises
    UnknownPlaceholder.
    """
    language = language if language in LANGUAGES else "en"
    source = words_ or house(kind, language)
    values: list[str] = []
    known = {"zone": "Europe/Paris", **about, "language": language, "writing": writing, "_values": values}
    head, body = (_filled(kind, language, _tamed(text), known) for text in (source.subject, source.text))
    if language == "fr":
        head, body = typo(head), typo(body)
    found = twins.blocks(body, values)
    subject = words.one_line(twins.subject(_BLANKS.sub(" ", head).strip(" "), values), limit=250)
    return Written(
        subject=subject,
        text=twins.text(found, values),
        html=_shell(language, subject, twins.html(found, values)),
    )


@lru_cache(maxsize=128)
def house(kind: str, language: str) -> Words:
    """The house's own words."""
    head, _, body = (FOLDER / language / f"{kind}.txt").read_text(encoding="utf-8").partition("\n\n")
    return Words(head.strip(), body)


def _filled(kind: str, language: str, text: str, known: Mapping[str, Any]) -> str:
    placeholders.check(kind, language, text)
    parts = placeholders.split(text)
    for number in range(1, len(parts), 2):
        wanted = placeholders.read(kind, language, parts[number])
        if wanted is not None:
            parts[number] = _part(language, wanted).render(known).rstrip("\n")
    return "".join(parts)


def rewrite(subject: str, text: str, *, language: str) -> Written:
    """The twins of a letter whose text was edited by hand."""
    found = twins.blocks(_tamed(text))
    subject = words.one_line(subject, limit=250)
    return Written(subject=subject, text=twins.text(found), html=_shell(language, subject, twins.html(found)))


def _tamed(text: str) -> str:
    return _TAME.sub("", text.replace("\r\n", "\n"))


# Not the fixed spaces of French.
_BLANKS = re.compile(r"[ \t\r\n]+")
_TAME = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\ue000-\ue00f\ud800-\udfff]")


def _shell(language: str, subject: str, found: list[tuple[str, list[Markup]]]) -> str:
    return _html().render(language=language, subject=subject, blocks=found)


@pass_context
def _slot(context: Context, value: object) -> object:
    """Every value of a template becomes a slot: its own signs never shape the letter."""
    if isinstance(value, Undefined):
        str(value)  # raises, with the name that is missing
    if isinstance(value, (str, int, float)):
        values: list[str] = context["_values"]
        values.append(words.isolated(words.one_line(str(value))))
        return twins.slot(len(values) - 1)
    raise TypeError(f"a letter cannot print {type(value).__name__}")


@pass_context
def _day(context: Context, at: datetime) -> str:
    return day(at, context["zone"], context["language"])


@pass_context
def _instant(context: Context, at: datetime) -> str:
    return words.instant(at, context["zone"], context["language"])


@pass_context
def _span(context: Context, starts_at: datetime, ends_at: datetime) -> str:
    return words.span(starts_at, ends_at, context["zone"], context["language"])


@pass_context
def _styled(context: Context, *, median: str, doublet: str, epicene: str) -> str:
    """The wording that the gathering's style of inclusive writing asks for."""
    return {"median": median, "doublet": doublet}.get(context["writing"], epicene)


@lru_cache(maxsize=1)
def _letters() -> Environment:
    letters = Environment(  # noqa: S701 - text, not HTML: the twins escape
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        finalize=_slot,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    letters.filters.update(day=_day, instant=_instant)
    letters.globals.update(span=_span, styled=_styled)
    return letters


@lru_cache(maxsize=256)
def _part(language: str, placeholder: Placeholder) -> Template:
    if placeholder.value:
        return _letters().from_string(placeholder.value)
    return _letters().get_template(f"{language}/_{placeholder.key}.txt")


@lru_cache(maxsize=1)
def _html() -> Template:
    shells = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return shells.get_template("shell.html")
