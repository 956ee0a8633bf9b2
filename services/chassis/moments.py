"""How an instant and a number are said, in French and in English."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.numbers import format_decimal

from services.chassis.typography import FIXED, NARROW

_BABEL = {"fr": "fr_FR", "en": "en_GB"}


def when(moment: datetime, zone: str, language: str) -> str:
    """`jeudi 7 avril 2022, 9 h 30`, `Thursday 7 April 2022, 9:30 am`: the instant as a clock in `zone` shows it."""
    return f"{day(moment, zone, language)}, {hour(moment, zone, language)}"


def day(moment: datetime, zone: str, language: str, *, year: bool = True, weekday: bool = True) -> str:
    """`jeudi 1er avril 2027`, `Thursday 1 April 2027`; without its year or its weekday when told so."""
    local = _local(moment, zone)
    number = "1er" if language == "fr" and local.day == 1 else str(local.day)
    pattern = f"{'EEEE ' if weekday else ''}'{number}'{FIXED}MMMM{' y' if year else ''}"
    return format_date(local, pattern, locale=_BABEL[language])


def hour(moment: datetime, zone: str, language: str) -> str:
    """`9 h 30`, `14 h`; `9:30 am`."""
    local = _local(moment, zone)
    if language == "fr":
        return f"{local.hour}{NARROW}h" + (f"{NARROW}{local.minute:02}" if local.minute else "")
    return format_time(local, f"h:mm{FIXED}a", locale=_BABEL[language]).lower()


def span(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> str:
    """`jeudi 8 avril 2027, 9 h 30 – 16 h 30`; both days are said when they differ."""
    first = when(starts_at, zone, language)
    if _local(starts_at, zone).date() == _local(ends_at, zone).date():
        return f"{first} – {hour(ends_at, zone, language)}"
    return f"{first} – {when(ends_at, zone, language)}"


def number(value: float | Decimal, language: str) -> str:
    """`1 204` with a narrow space in French, `1,204` in English."""
    return format_decimal(value, locale=_BABEL[language])


def _local(moment: datetime, zone: str) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime: {moment!r}")
    return moment.astimezone(ZoneInfo(zone))
