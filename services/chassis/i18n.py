"""The language of a request: `?lang=`, then the cookie, then what the browser asks for, then French."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from babel.support import Translations
from flask import Flask, Response, g, request
from flask_babel import Babel, Domain, force_locale, get_locale, get_translations

from services.chassis import moments
from services.chassis.catalogues import LANGUAGES, N_, catalogue

__all__ = [
    "LANGUAGES",
    "N_",
    "_",
    "force_locale",
    "gettext",
    "install",
    "language",
    "ngettext",
    "sentences",
    "when",
]

COOKIE = "langue"
_YEAR_S = 365 * 24 * 3600


class _Catalogues(Domain):  # type: ignore[misc]
    """Flask-Babel's translations, read from our `.po` files."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def get_translations(self) -> Translations:
        return catalogue(self._service, language())


class _Babel(Babel):  # type: ignore[misc]
    domain_instance: Domain = None


def install(app: Flask, service: str) -> None:
    """Give the app its sentences, and each request its language. `?lang=` is remembered in a cookie."""
    babel = _Babel(app, default_locale=LANGUAGES[0], locale_selector=_chosen)
    babel.domain_instance = _Catalogues(service)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda sentence: _said().ugettext(sentence),
        lambda one, many, num: _said().ungettext(one, many, num),
        newstyle=True,
    )
    app.jinja_env.globals.update(language=language, when=when, day=day, hour=hour, span=span, number=number)
    app.after_request(_remember)


def language() -> str:
    """`fr` or `en`; French when nobody is asking."""
    here = _here()
    locale = getattr(here, "babel_locale", None) or get_locale()
    return str(locale.language) if locale else LANGUAGES[0]


def _here() -> Any:
    """What Flask-Babel keeps of this request, because a page asks for its language often; None when there is none."""
    return g.get("_flask_babel") if g else None


def _said() -> Translations:
    """The catalogue of the request, kept beside its language; who forces another language takes both away."""
    here = _here()
    kept: Translations | None = getattr(here, "babel_translations", None)
    if kept is None:
        kept = get_translations()
        if here is not None:
            here.babel_translations = kept
    return kept


def gettext(sentence: str, /, **members: object) -> str:
    """`sentence` in the language of the request, its `%(name)s` filled. A percent sign is written twice."""
    return str(_said().ugettext(sentence)) % members


_ = gettext


def ngettext(one: str, many: str, num: int, /, **members: object) -> str:
    """The sentence for `num` things, which it may say as `%(num)s`."""
    return str(_said().ungettext(one, many, num)) % {"num": number(num), **members}


def when(moment: datetime, zone: str) -> str:
    return moments.when(moment, zone, language())


def day(moment: datetime, zone: str, *, year: bool = True, weekday: bool = True) -> str:
    return moments.day(moment, zone, language(), year=year, weekday=weekday)


def hour(moment: datetime, zone: str) -> str:
    return moments.hour(moment, zone, language())


def span(starts_at: datetime, ends_at: datetime, zone: str) -> str:
    return moments.span(starts_at, ends_at, zone, language())


def number(value: float) -> str:
    return moments.number(value, language())


# What marshmallow says when a schema says nothing, and what we say instead.
_PLAINLY: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"Missing data for required field\.|Field may not be null\.", N_("This answer is needed.")),
        (r"Not a valid email address\.", N_("This is not an e-mail address. Example: ada@example.org")),
        (r"Not a valid (?:integer|number)\.", N_("Write a number.")),
        (
            r"Not a valid (?:datetime|date|time|naive datetime|aware datetime)\.",
            N_("Write a date as it is shown."),
        ),
        (r"Not a valid URL\.", N_("Write a whole web address. Example: https://example.org")),
        (r"Not a valid [\w ]+\.|Invalid (?:type|value|input)[^.]*\.", N_("We cannot read this answer.")),
        (r"Longer than maximum length (?P<max>\d+)\.", N_("Write %(max)s characters at most.")),
        (r"Shorter than minimum length 1\.", N_("This answer is needed.")),
        (r"Shorter than minimum length (?P<min>\d+)\.", N_("Write %(min)s characters at least.")),
        (r"Length must be between 1 and (?P<max>\d+)\.", N_("Write something, in %(max)s characters at most.")),
        (r"Length must be between (?P<min>\d+) and (?P<max>\d+)\.", N_("Write %(min)s to %(max)s characters.")),
        (
            r"Must be greater than or equal to (?P<min>\S+) and less than or equal to (?P<max>\S+)\.",
            N_("Write a number from %(min)s to %(max)s."),
        ),
        (r"Must be greater than or equal to (?P<min>\S+)\.", N_("Write %(min)s or more.")),
        (r"Must be less than or equal to (?P<max>\S+)\.", N_("Write %(max)s or less.")),
        (r"Must be one of: .*|One or more of the choices .*", N_("Choose an answer from the list.")),
        (r"Unknown field\.", N_("This question is not in the form.")),
    )
]


def sentences(messages: object) -> dict[str, list[str]]:
    """A validation's messages, by field, in the language of the request.

    `messages` is what marshmallow gives: texts, lists and mappings, nested as the fields are; a nested field is
    named `team.0.email`. Messages of the whole are under "".
    """
    found: dict[str, list[str]] = {}
    for name, text in _flat("", messages):
        said = found.setdefault(name, [])
        if text not in said:
            said.append(text)
    return found


def _flat(name: str, messages: object) -> Iterable[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            below = "" if key in ("_schema", "") else str(key)
            yield from _flat(".".join(part for part in (name, below) if part), inner)
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _flat(name, inner)
    else:
        yield name, _plainly(str(messages))


def _plainly(message: str) -> str:
    for pattern, sentence in _PLAINLY:
        if found := pattern.fullmatch(message):
            return gettext(sentence, **found.groupdict())
    translated: str = get_translations().ugettext(message)
    return translated


def _chosen() -> str:
    for wanted in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if wanted in LANGUAGES:
            return wanted
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def _remember(response: Response) -> Response:
    wanted = request.args.get("lang")
    if wanted in LANGUAGES:
        response.set_cookie(
            COOKIE, wanted, max_age=_YEAR_S, samesite="Lax", secure=request.is_secure, httponly=True
        )
    return response
