"""Two weeks before everybody is forgotten, everybody is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.notifications import reminders
from services.notifications.models import Gathering, Reminder
from tests.unit.notifications.conftest import SPRING, a_person, registered
from tests.unit.notifications.reading import body, opened, strictly
from tests.unit.notifications.test_reminders import pass_until

UNTIL = datetime(2028, 4, 7, 7, tzinfo=UTC)
FORTNIGHT_BEFORE = datetime(2028, 3, 24, 8, tzinfo=UTC)


@pytest.fixture
def kept(street):
    """The Spring table, which keeps its people for a year."""
    street.describe(version=2, kept_until=UNTIL.isoformat())
    return street


def come(street, given, **other):
    person = a_person(given=given, email=f"{given.lower()}@example.org", **other)
    street.hear("registration.participant_registered.v1", registered(person))
    return person


def line(street):
    with street.database.reading() as session:
        return session.scalars(select(Reminder).where(Reminder.kind == "erasing")).one_or_none()


def warned(street):
    return sorted(letter.email.partition("@")[0] for letter in street.letters("erasing"))


def test_the_letter_leaves_two_weeks_before_at_nine_by_the_clock_of_the_place(kept):
    come(kept, "Ada")

    assert line(kept).due_at == FORTNIGHT_BEFORE
    pass_until(kept, FORTNIGHT_BEFORE - timedelta(minutes=1))
    assert warned(kept) == []
    pass_until(kept, FORTNIGHT_BEFORE)
    pass_until(kept, FORTNIGHT_BEFORE + timedelta(hours=1))
    assert warned(kept) == ["ada"]


def test_who_gave_their_seat_back_or_waits_is_told_too_and_who_is_forgotten_is_not(kept):
    come(kept, "Ada")
    bo, cy = come(kept, "Bo"), come(kept, "Cy")
    kept.hear(
        "registration.participant_cancelled.v1",
        {**bo, "held_seat": True, "cancelled_at": "2027-03-02T12:00:00+00:00"},
    )
    kept.hear(
        "registration.participant_erased.v1", {key: cy[key] for key in ("participant_id", "gathering_id")}
    )

    pass_until(kept, FORTNIGHT_BEFORE)

    assert warned(kept) == ["ada", "bo"]


def test_more_people_than_are_written_to_at_once_are_all_told_once(kept):
    for number in range(reminders.AT_ONCE + 3):
        come(kept, f"Ada{number}")

    pass_until(kept, FORTNIGHT_BEFORE)

    assert len(warned(kept)) == reminders.AT_ONCE + 3


def test_it_is_told_late_rather_than_not_at_all_and_not_when_it_is_over(kept):
    come(kept, "Ada")

    pass_until(kept, UNTIL - timedelta(days=3))

    assert warned(kept) == ["ada"]


def test_once_it_is_over_nobody_is_told(kept):
    come(kept, "Ada")

    pass_until(kept, UNTIL)

    assert warned(kept) == []


def test_a_cancelled_day_warns_its_people_too(kept):
    come(kept, "Ada")
    kept.describe(version=3, state="cancelled", kept_until=UNTIL.isoformat())

    pass_until(kept, FORTNIGHT_BEFORE)

    assert warned(kept) == ["ada"]


def test_where_no_time_is_set_the_line_is_not_there(street, kept):
    assert line(kept) is not None

    street.describe(version=3)

    assert line(street) is None


def test_another_day_moves_the_letter_and_tells_it_anew(kept):
    come(kept, "Ada")
    pass_until(kept, FORTNIGHT_BEFORE)

    kept.describe(version=3, kept_until=(UNTIL + timedelta(days=365)).isoformat())
    pass_until(kept, FORTNIGHT_BEFORE + timedelta(days=366))

    assert warned(kept) == ["ada", "ada"]


def test_nobody_switches_it_off(kept):
    with pytest.raises(reminders.LineFixed), kept.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        reminders.change(
            session, gathering, line(kept).id, days=-14, at="09:00", is_on=False, now=FORTNIGHT_BEFORE
        )


def test_the_schedule_shows_it_without_a_form(kept, odile):
    odile.set_cookie("langue", "en")
    page = odile.get("/c/table-de-printemps/calendrier").text

    assert "Data will be erased, 14 days before the erasure" in page
    assert f"/calendrier/{line(kept).id}" not in page


def test_it_says_when_what_goes_and_what_stays_in_both_languages(kept):
    come(kept, "Ada"), come(kept, "Bo", language="en")
    pass_until(kept, FORTNIGHT_BEFORE)

    letters = {letter.language: opened(letter) for letter in kept.letters("erasing")}
    said = {language: " ".join(body(letter, "plain").split()) for language, letter in letters.items()}
    for words in (
        "vendredi 7 avril 2028",
        "sera effacé",
        "une place libre",
        "https://palabre.example/moi/7hq2-secret",
    ):
        assert words in said["fr"], words
    for words in (
        "Friday 7 April 2028",
        "will be erased",
        "a free place",
        "https://palabre.example/moi/7hq2-secret",
    ):
        assert words in said["en"], words
    for letter in letters.values():
        assert (letter["List-Unsubscribe"], letter["Precedence"]) == (None, None)
        strictly(body(letter, "html"))
