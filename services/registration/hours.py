"""Hours as a gathering's place counts them, and deadlines that fall when people are awake."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING, EVENING = time(8), time(20)


class NoSuchHour(ValueError):
    """The clock jumps over this hour on that day."""


def instant(day: date, hour: time, zone: str) -> datetime:
    """The instant (UTC) at which the clock of `zone` shows `hour` on `day`; the first one when it shows it
    twice.

    Raises NoSuchHour when the clock jumps over it (the night summer time begins), ZoneInfoNotFoundError for
    an unknown zone.
    """
    local = datetime.combine(day, hour, tzinfo=ZoneInfo(zone))
    at = local.astimezone(UTC)
    if at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise NoSuchHour(f"{day} {hour} in {zone}")
    return at


def kept_until(ends_at: datetime, zone: str, keep_days: int | None) -> datetime | None:
    """When who came is forgotten, at nine in the morning of `zone`, so many days after the end; None for never."""
    if keep_days is None:
        return None
    last = ends_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=keep_days)
    return datetime.combine(last, time(9), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def is_awake(now: datetime, zone: str) -> bool:
    """Whether it is between 8 and 20 h in `zone`: the hours in which something may expire."""
    return MORNING <= now.astimezone(ZoneInfo(zone)).time() < EVENING


def deadline(now: datetime, zone: str, *, within: timedelta, before: datetime) -> datetime:
    """When something held from `now` on for `within` lapses: in waking hours of `zone`, and never after
    `before`.

    A deadline that would fall in the night is put off to the next morning at 8. When that is later than
    `before`, `before` holds.
    """
    local = (now + within).astimezone(ZoneInfo(zone))
    if local.time() >= EVENING:
        local = datetime.combine(local.date() + timedelta(days=1), MORNING, tzinfo=local.tzinfo)
    elif local.time() < MORNING:
        local = datetime.combine(local.date(), MORNING, tzinfo=local.tzinfo)
    return min(local.astimezone(UTC), before)
