"""The organisers' digest: failures first, what waits, silence; once a day, at eight, for those who want it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services.notifications import digests, hours
from services.notifications.models import Delivery, Digest, Gathering, Letter
from tests.unit.notifications.conftest import ODILE, SPRING, a_person, registered
from tests.unit.notifications.reading import opened, strictly
from tests.unit.notifications.test_hours import ZONES, instants, nights
from tests.unit.notifications.test_pages import HERE, press

PAGE = f"{HERE}/resume"
EIGHT = datetime(2027, 3, 2, 7, tzinfo=UTC)  # in Paris
DAY = timedelta(days=1)


@pytest.fixture
def morning(street):
    """Odile organises, and her digest is due at EIGHT."""
    granted(street, ODILE, "Odile", "odile@passerelles.example")
    with street.database.transaction() as session:
        digests.write_due(session, EIGHT - timedelta(hours=1))
    return street


def granted(street, organiser_id, name, email, role="owner"):
    row = {
        "role_id": str(uuid4()),
        "gathering_id": str(SPRING),
        "organiser_id": str(organiser_id),
        "role": role,
    }
    street.hear("registration.role_granted.v1", {**row, "name": name, "email": email}, subject="role_id")


def write(street, now):
    with street.database.transaction() as session:
        return digests.write_due(session, now)


def fails(street, given, state, at=EIGHT - timedelta(hours=2)):
    """A letter to this person that went wrong at that hour."""
    street.hear("registration.participant_registered.v1", registered(a_person(given=given)))
    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.name == f"{given} Kermarrec")).one()
        letter.state = state
        session.add(Delivery(letter_id=letter.id, at=at, outcome=state, reply="550 no"))


def invites(street, *people):
    for one in people:
        invited = {**a_person(given=one), "invitation_id": str(uuid4())}
        street.hear("registration.person_invited.v1", invited, subject="invitation_id")


def test_failures_come_first_then_what_waits(morning):
    invites(morning, "Bo", "Cy")
    fails(morning, "Ada", "bounced")

    assert write(morning, EIGHT) == 1

    (letter,) = morning.letters("digest")
    assert (letter.email, letter.name, letter.is_solicitation) == ("odile@passerelles.example", "Odile", False)
    said = letter.text.replace("\u202f", " ").replace("\u00a0", " ")
    assert "- Ada Kermarrec : « Votre place est réservée : La table de printemps », revenu" in " ".join(
        said.split()
    )
    assert said.index("Ada Kermarrec") < said.index("2 courriers attendent votre relecture.")
    assert "https://palabre.example/c/table-de-printemps/resume" in said
    strictly(letter.html)
    opened(letter)


def test_nothing_to_do_is_silence(morning):
    morning.hear("registration.participant_registered.v1", registered(a_person()))

    assert write(morning, EIGHT) == 0
    assert morning.letters("digest") == []


def test_it_is_written_once_a_day(morning):
    invites(morning, "Bo")

    assert [write(morning, EIGHT + minutes * timedelta(minutes=1)) for minutes in (0, 1, 5)] == [1, 0, 0]
    assert write(morning, EIGHT + DAY) == 1


def test_what_failed_yesterday_is_not_told_again(morning):
    fails(morning, "Ada", "failed")
    write(morning, EIGHT)

    assert write(morning, EIGHT + DAY) == 0


def test_what_was_settled_meanwhile_is_not_told(morning):
    fails(morning, "Ada", "unknown")
    with morning.database.transaction() as session:
        session.scalars(select(Letter).where(Letter.state == "unknown")).one().state = "sent"

    assert write(morning, EIGHT) == 0


def test_many_failures_are_eight_names_and_a_number(morning):
    for number in range(13):
        fails(morning, f"Ada{number}", "failed")

    write(morning, EIGHT)

    (letter,) = morning.letters("digest")
    assert letter.text.count("\n- ") == 9
    assert "- 5 autres" in letter.text
    assert "13 courriers" in letter.text


def test_only_who_organises_and_wants_it_is_written_to_once(morning):
    bo, cy = uuid4(), uuid4()
    granted(morning, ODILE, "Odile", "odile@passerelles.example", role="organiser")
    granted(morning, bo, "Bo", "bo@passerelles.example", role="organiser")
    granted(morning, cy, "Cy", "cy@passerelles.example", role="desk")
    invites(morning, "Ada")
    with morning.database.transaction() as session:
        digests.switch(session, SPRING, bo, is_on=False)

    write(morning, EIGHT)

    assert [letter.name for letter in morning.letters("digest")] == ["Odile"]


def test_a_morning_that_was_slept_through_is_left_out(morning):
    invites(morning, "Ada")

    assert write(morning, EIGHT + timedelta(hours=7)) == 0
    assert write(morning, EIGHT + DAY) == 1


def test_a_cancelled_gathering_says_nothing(morning):
    fails(morning, "Ada", "failed")
    morning.describe(version=2, state="cancelled")

    assert write(morning, EIGHT) == 0


@given(now=instants, zone=st.sampled_from(ZONES), night=nights)
def test_it_leaves_once_a_day_by_the_gathering_s_clock_and_never_at_night(now, zone, night):
    gathering = Gathering(zone=zone, night_from=night[0], night_to=night[1])

    at = digests.next_at(gathering, now)

    after = digests.next_at(gathering, at)
    assert now < at <= now + timedelta(hours=50)
    assert not hours.is_night(at, zone, night)
    assert at.astimezone(ZoneInfo(zone)).date() < after.astimezone(ZoneInfo(zone)).date()


@pytest.mark.parametrize(
    "zone, leaves", [("Europe/Paris", "07:00"), ("Indian/Reunion", "04:00"), ("America/Guadeloupe", "12:00")]
)
def test_eight_in_the_morning_is_the_gathering_s(zone, leaves):
    gathering = Gathering(zone=zone, night_from="20:00", night_to="08:00")

    assert f"{digests.next_at(gathering, datetime(2027, 3, 1, 13, tzinfo=UTC)):%H:%M}" == leaves


def test_the_page_shows_what_it_would_say_and_to_whom(odile, street):
    invites(street, "Ada", "Bo")

    page = BeautifulSoup(odile.get(PAGE).text, "html.parser")

    assert "2 courriers attendent votre relecture." in page.find("pre").text
    assert "2 courriers attendent votre relecture." in odile.get(f"{PAGE}/html").text
    assert "Odile" in page.find("ul", class_="list").text


def test_the_page_says_when_there_is_nothing_to_do(odile):
    assert "Rien à faire" in odile.get(PAGE).text
    assert odile.get(f"{PAGE}/html").text == ""


def test_an_organiser_switches_their_own_digest_off_and_on(odile, street):
    def wants():
        with street.database.reading() as session:
            return [one.wants for one in digests.readers(session, SPRING)]

    press(odile, odile.get(PAGE), PAGE)
    assert wants() == [False]
    press(odile, odile.get(PAGE), PAGE)
    assert wants() == [True]


def test_the_digest_is_its_organisers_only(visitor, street):
    assert [visitor.get(path).status_code for path in (PAGE, f"{PAGE}/html")] == [401, 401]


def test_each_gathering_has_its_hour(morning):
    with morning.database.reading() as session:
        assert session.scalars(select(Digest.due_at)).all() == [EIGHT]
