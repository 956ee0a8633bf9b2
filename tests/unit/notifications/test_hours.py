"""The clock of a gathering's zone: schedules and nights, on the days on which clocks are changed too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifications import hours

ZONES = ("Europe/Paris", "Indian/Reunion", "America/Guadeloupe")
PARIS_FORWARD, PARIS_BACK = date(2027, 3, 28), date(2027, 10, 31)
zones = st.sampled_from(ZONES)
days = st.one_of(st.sampled_from([PARIS_FORWARD, PARIS_BACK]), st.dates(date(2026, 1, 1), date(2030, 12, 31)))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))
instants = st.builds(
    lambda day, minutes: datetime.combine(day, time(), UTC) + timedelta(minutes=minutes),
    days,
    st.integers(-120, 1560),
)
nights = st.tuples(times, times).map(lambda both: (f"{both[0]:%H:%M}", f"{both[1]:%H:%M}"))


@given(day=days, at=times, zone=zones)
@example(day=PARIS_FORWARD, at=time(2, 30), zone="Europe/Paris")
@example(day=PARIS_BACK, at=time(2, 30), zone="Europe/Paris")
def test_the_clock_shows_the_hour_asked_for_or_that_hour_does_not_exist(day, at, zone):
    local = hours.instant(day, at, zone).astimezone(ZoneInfo(zone))

    is_left_out = zone == "Europe/Paris" and day.month == 3 and at.hour == 2 and local.hour == 3
    assert local.date() == day
    assert local.time() == at or is_left_out
    assert local.fold == 0


@given(starts_at=instants, zone=zones, back=st.integers(-60, 60), at=times)
def test_a_schedule_counts_local_days_whatever_the_clocks_do_between(starts_at, zone, back, at):
    due = hours.from_day(starts_at, zone, back, at).astimezone(ZoneInfo(zone))

    assert (starts_at.astimezone(ZoneInfo(zone)).date() - due.date()).days == -back


@pytest.mark.parametrize(
    "zone, said",
    [
        ("Europe/Paris", "2027-03-25T08:00"),
        ("Indian/Reunion", "2027-03-25T05:00"),
        ("America/Guadeloupe", "2027-03-25T13:00"),
    ],
)
def test_nine_in_the_morning_a_week_before_is_nine_by_the_gathering_s_clock(zone, said):
    """Between the two lies the night in which Paris changes its clocks."""
    starts_at = datetime(2027, 4, 1, 12, tzinfo=UTC)

    assert f"{hours.from_day(starts_at, zone, -7, time(9)):%Y-%m-%dT%H:%M}" == said


@given(now=instants, zone=zones, night=nights)
def test_what_is_written_at_night_leaves_in_the_morning_and_no_day_later(now, zone, night):
    leaves = hours.morning(now, zone, night)

    if not hours.is_night(now, zone, night):
        assert leaves == now
    else:
        assert now < leaves <= now + timedelta(hours=25)
        local = leaves.astimezone(ZoneInfo(zone))
        ends = time.fromisoformat(night[1])
        assert local.time() == ends or (local.hour, ends.hour) == (3, 2)
        # Nothing in between was day already, but where the clocks go back over the end of the night.
        before = leaves - timedelta(minutes=1)
        assert before <= now or hours.is_night(before, zone, night) or ends.hour == 2 or ends.hour == 3


@given(now=instants, zone=zones, at=times)
def test_a_night_that_ends_when_it_begins_is_none(now, zone, at):
    said = f"{at:%H:%M}"

    assert hours.morning(now, zone, (said, said)) == now


@pytest.mark.parametrize(
    "zone, leaves",
    [("Europe/Paris", "06:00"), ("Indian/Reunion", "04:00"), ("America/Guadeloupe", "21:30")],
)
def test_the_night_is_the_gathering_s(zone, leaves):
    """At half past nine in the evening by UTC it is night in Paris and on Réunion, and afternoon in Guadeloupe."""
    now, far = datetime(2027, 4, 1, 21, 30, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)

    assert f"{hours.may_leave(now, zone, hours.NIGHT, far):%H:%M}" == leaves


def test_news_of_a_day_so_near_that_the_morning_is_too_late_leaves_at_night():
    now = datetime(2027, 4, 1, 20, tzinfo=UTC)

    tomorrow = hours.may_leave(now, "Europe/Paris", hours.NIGHT, now + timedelta(hours=12))
    later = hours.may_leave(now, "Europe/Paris", hours.NIGHT, now + timedelta(days=2))
    over = hours.may_leave(now, "Europe/Paris", hours.NIGHT, now - timedelta(days=2))

    assert tomorrow == now
    assert later == over == datetime(2027, 4, 2, 6, tzinfo=UTC)
