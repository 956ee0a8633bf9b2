"""Instants are said as a clock at the gathering's place shows them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.chassis import moments

NB, NN = "\u00a0", "\u202f"
NOON = datetime(2022, 4, 7, 7, 30, tzinfo=UTC)


def test_a_moment_is_said_in_french_and_in_english():
    assert moments.when(NOON, "Europe/Paris", "fr") == f"jeudi 7{NB}avril 2022, 9{NN}h{NN}30"
    assert moments.when(NOON, "Europe/Paris", "en") == f"Thursday 7{NB}April 2022, 9:30{NB}am"


def test_the_first_of_a_month_and_a_full_hour_are_said_as_people_do():
    first = datetime(2027, 4, 1, 12, 0, tzinfo=UTC)

    assert moments.when(first, "Europe/Paris", "fr") == f"jeudi 1er{NB}avril 2027, 14{NN}h"
    assert moments.day(first, "Europe/Paris", "fr", year=False, weekday=False) == f"1er{NB}avril"
    assert moments.day(first, "Europe/Paris", "en") == f"Thursday 1{NB}April 2027"


@pytest.mark.parametrize(
    ("zone", "said"), [("Indian/Reunion", f"11{NN}h{NN}30"), ("America/Guadeloupe", f"3{NN}h{NN}30")]
)
def test_overseas_zones_have_their_own_clock(zone, said):
    assert moments.hour(NOON, zone, "fr") == said


def test_the_night_the_clocks_change_is_said_right():
    before, after = datetime(2027, 3, 28, 0, 59, tzinfo=UTC), datetime(2027, 3, 28, 1, 0, tzinfo=UTC)

    assert moments.hour(before, "Europe/Paris", "fr") == f"1{NN}h{NN}59"
    assert moments.hour(after, "Europe/Paris", "fr") == f"3{NN}h"


def test_a_span_says_its_day_once():
    ends = datetime(2022, 4, 7, 14, 30, tzinfo=UTC)
    later = datetime(2022, 4, 8, 14, 0, tzinfo=UTC)

    assert moments.span(NOON, ends, "Europe/Paris", "fr").endswith(f"2022, 9{NN}h{NN}30 – 16{NN}h{NN}30")
    assert moments.span(NOON, later, "Europe/Paris", "fr").endswith(f"– vendredi 8{NB}avril 2022, 16{NN}h")


def test_numbers_are_grouped_as_each_language_does():
    assert (moments.number(1204, "fr"), moments.number(1204, "en")) == (f"1{NN}204", "1,204")


def test_a_naive_instant_is_refused():
    with pytest.raises(ValueError, match="naive"):
        moments.hour(datetime(2027, 1, 1), "Europe/Paris", "fr")  # noqa: DTZ001
