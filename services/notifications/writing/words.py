"""Dates, names and hostile values, as a letter prints them."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location

from services.chassis.moments import day, hour

# Line and paragraph separators, controls, and the marks that turn the direction of what follows.
# Joiners (U+200C, U+200D) stay: scripts and emoji need them.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ue000-\ue00f\ud800-\udfff]+"
)
_SPACES = re.compile(r"[ \t]+")


def one_line(value: str, *, limit: int = 500) -> str:
    """A value that came from outside, fit for one line of a letter or a header: no controls, at most `limit` long."""
    clean = _SPACES.sub(" ", _UNFIT.sub(" ", value)).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def pieces(text: str) -> list[str]:
    """A text of several lines as values that each fit one paragraph of a letter; none of an empty text."""
    return [piece for line in text.splitlines() for piece in textwrap.wrap(line, 400)]


def isolated(value: str) -> str:
    """The value between isolation marks when it reads from right to left, so that it does not turn its neighbours."""
    if any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in value):
        return f"\u2068{value}\u2069"
    return value


def full_name(given: str, family: str) -> str:
    return one_line(f"{given} {family}", limit=160)


def span(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> str:
    """From when to when, in words, with the zone's city: a reader may be an ocean away."""
    first, last = day(starts_at, zone, language), day(ends_at, zone, language)
    begins, ends = hour(starts_at, zone, language), hour(ends_at, zone, language)
    if language == "fr":
        if first == last:
            return f"{first}, de {begins} à {ends} ({_zone_words(zone, 'fr')})"
        return f"du {first} à {begins} au {last} à {ends} ({_zone_words(zone, 'fr')})"
    if first == last:
        return f"{first}, {begins} to {ends} ({_zone_words(zone, 'en')})"
    return f"{first} at {begins} to {last} at {ends} ({_zone_words(zone, 'en')})"


def instant(at: datetime, zone: str, language: str) -> str:
    """« jeudi 8 avril 2027 à 9 h 30 », a deadline in words."""
    joint = "à" if language == "fr" else "at"
    return f"{day(at, zone, language)} {joint} {hour(at, zone, language)}"


@lru_cache(maxsize=256)
def _zone_words(zone: str, language: str) -> str:
    city = get_timezone_location(ZoneInfo(zone), locale=language, return_city=True)
    if language == "fr":
        return f"heure d’{city}" if city[:1].lower() in "aeiouyéèh" else f"heure de {city}"
    return f"{city} time"
