"""Everybody is forgotten when the time is over for which a gathering keeps its people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.chassis.errors import Misshapen
from services.registration import erasures, gatherings, hours, merges
from services.registration.models import Base, Erasure, Gathering, State
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import LINKS

# The Spring table ends on 8 April 2027; a year later it is 7 April, since 2028 is a leap year.
LAST_MORNING = datetime(2028, 4, 7, 7, tzinfo=UTC)


@pytest.fixture
def registration(open_database):
    return open_database(Base.metadata, "registration")


@pytest.fixture
def kept(a_gathering):
    """It keeps its people for a year."""
    return a_gathering(keep_days=365, seats=60)


@pytest.fixture
def end_keeping(registration):
    def end(now):
        with registration.transaction() as session:
            session.info["settings"] = some_settings()
            return erasures.end_keeping(session, now)

    return end


def test_both_rows_of_a_person_who_was_here_twice_are_forgotten(kept, come, act, odile, end_keeping, states):
    ada, again = come(kept), come(kept, "Adah")
    act(merges.merge, kept.id, ada, again, by=odile.id)

    end_keeping(LAST_MORNING)
    end_keeping(LAST_MORNING)

    assert states(ada, again) == [State.erased, State.erased]


def test_people_are_forgotten_in_the_morning_of_the_day_that_was_said(kept, come, end_keeping, states):
    ada, bo = come(kept), come(kept, "Bo")

    assert end_keeping(LAST_MORNING - timedelta(minutes=1)) == 0
    assert end_keeping(LAST_MORNING) == 2
    assert end_keeping(LAST_MORNING + timedelta(hours=1)) == 0

    assert states(ada, bo) == [State.erased, State.erased]


def test_the_others_hear_why(kept, come, end_keeping, registration):
    come(kept)
    end_keeping(LAST_MORNING)

    with registration.reading() as session:
        told = session.scalars(
            select(outbox.c.body).where(outbox.c.type == "registration.participant_erased.v1")
        ).all()
        asked_by = session.scalars(select(Erasure.asked_by)).all()
    assert ([one["reason"] for one in told], asked_by) == (["retention"], [None])


def test_nobody_is_written_to_at_night_because_a_server_was_away(kept, come, end_keeping):
    come(kept)

    assert end_keeping(LAST_MORNING + timedelta(hours=16)) == 0
    assert end_keeping(LAST_MORNING + timedelta(days=1)) == 1


def test_more_people_than_go_at_once_all_go(kept, come, end_keeping):
    for number in range(erasures.AT_ONCE + 3):
        come(kept, f"Ada{number}")

    assert [end_keeping(LAST_MORNING) for _ in range(3)] == [erasures.AT_ONCE, 3, 0]


def test_where_no_time_is_set_nobody_goes_by_themselves(a_gathering, come, end_keeping):
    come(a_gathering())

    assert end_keeping(LAST_MORNING + timedelta(days=3650)) == 0


def test_the_day_is_counted_by_the_clock_of_the_place():
    ends_at = datetime(2027, 4, 8, 20, 30, tzinfo=UTC)

    assert hours.kept_until(ends_at, "Indian/Reunion", 90) == datetime(2027, 7, 8, 5, tzinfo=UTC)
    assert hours.kept_until(ends_at, "America/Guadeloupe", 90) == datetime(2027, 7, 7, 13, tzinfo=UTC)
    assert hours.kept_until(ends_at, "Europe/Paris", None) is None


def test_a_day_that_leaves_no_time_for_the_warning_is_refused_beside_its_field(kept, registration, odile):
    late = LAST_MORNING - timedelta(days=195)

    with pytest.raises(Misshapen) as refusal, registration.transaction() as session:
        version = session.get_one(Gathering, kept.id).version
        gatherings.change(session, kept.id, version=version, keep_days=180, by=odile.id, links=LINKS, now=late)

    assert list(refusal.value.errors) == ["keep_days"]


def test_the_others_hear_how_long_people_are_kept(kept, registration):
    with registration.reading() as session:
        told = session.scalars(
            select(outbox.c.body).where(outbox.c.type == "registration.gathering_described.v1")
        ).all()

    assert {one["kept_until"] for one in told} == {LAST_MORNING.isoformat()}


def test_an_organiser_says_it_in_the_form_and_a_person_reads_it(kept, come, organiser, a_browser):
    form = organiser.get(f"/o/{kept.slug}/modifier")
    browser = a_browser()
    browser.client.set_cookie("langue", "en")
    page = browser.get(f"/moi/{LINKS.participant_token(come(kept))}/effacer")

    assert form.form(f"/o/{kept.slug}/modifier").value("keep_days") == "365"
    assert "7 April 2028" in page.text
