"""Hours as people live them: the clock of a gathering's zone, and the night in which nobody is written to."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# How far from its day a gathering's letters may be planned.
DAYS = (-120, 60)
NIGHT = ("20:00", "08:00")
# A letter about a day so near that the morning may be too late leaves at night.
NEAR = timedelta(hours=12)


def instant(day: date, at: time, zone: str) -> datetime:
    """When the clocks of `zone` show `at` on this day, in UTC.

    An hour that a clock change leaves out is the same time later; of an hour that comes twice it is the first.
    """
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def from_day(starts_at: datetime, zone: str, days: int, at: time) -> datetime:
    """The instant `days` before (negative) or after the local day on which a gathering begins, at `at`, in UTC."""
    return instant(starts_at.astimezone(ZoneInfo(zone)).date() + timedelta(days=days), at, zone)


def is_night(now: datetime, zone: str, night: tuple[str, str]) -> bool:
    """Whether the clocks of `zone` stand in the night, from its first minute to the one before it ends.

    A night that begins and ends at the same minute is none.
    """
    begins, ends = map(time.fromisoformat, night)
    local = now.astimezone(ZoneInfo(zone)).time()
    if begins <= ends:
        return begins <= local < ends
    return local >= begins or local < ends


def morning(now: datetime, zone: str, night: tuple[str, str]) -> datetime:
    """`now`, or the end of the night it falls into."""
    if not is_night(now, zone, night):
        return now
    ends, local = time.fromisoformat(night[1]), now.astimezone(ZoneInfo(zone))
    day = local.date() if local.time() < ends else local.date() + timedelta(days=1)
    at = datetime.combine(day, ends, ZoneInfo(zone))
    # Where the clocks were put back over the end of the night, the first of the two may have gone by.
    first = at.astimezone(UTC)
    return first if first > now else at.replace(fold=1).astimezone(UTC)


def may_leave(now: datetime, zone: str, night: tuple[str, str], starts_at: datetime) -> datetime:
    """From when a letter about what starts at `starts_at` may leave: in the morning, unless that is too late."""
    at = morning(now, zone, night)
    return now if now < starts_at < at + NEAR else at
