from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.hours import NoSuchHour, deadline, instant, is_awake

FAR = datetime(2040, 1, 1, tzinfo=UTC)


def test_an_hour_the_clock_jumps_over_is_refused():
    with pytest.raises(NoSuchHour):
        instant(date(2027, 3, 28), time(2, 30), "Europe/Paris")


def test_an_hour_shown_twice_means_the_first():
    assert instant(date(2027, 10, 31), time(2, 30), "Europe/Paris") == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hour"), [("Indian/Reunion", 4), ("America/Guadeloupe", 12), ("Europe/Paris", 6)]
)
def test_overseas_hours_are_those_of_the_place(zone, hour):
    assert instant(date(2027, 7, 1), time(8), zone) == datetime(2027, 7, 1, hour, tzinfo=UTC)


@given(st.integers(0, 5 * 365 * 24 * 60), st.integers(1, 100))
def test_deadlines_fall_when_people_are_awake(minute, within_h):
    asked = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)

    until = deadline(asked, "Europe/Paris", within=timedelta(hours=within_h), before=FAR)

    local = until.astimezone(ZoneInfo("Europe/Paris"))
    assert time(8) <= local.time() < time(20)
    assert until >= asked + timedelta(hours=within_h)


def test_no_deadline_lies_behind_the_last_moment():
    last = datetime(2027, 4, 7, 7, tzinfo=UTC)

    assert deadline(last - timedelta(hours=1), "Europe/Paris", within=timedelta(hours=48), before=last) == last


def test_night_is_counted_where_the_gathering_is():
    three_utc = datetime(2027, 7, 1, 5, tzinfo=UTC)

    assert (is_awake(three_utc, "Indian/Reunion"), is_awake(three_utc, "Europe/Paris")) == (True, False)
