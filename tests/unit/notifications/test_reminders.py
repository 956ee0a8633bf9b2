"""The schedule: who is written to when, who is not, and what happens when the day moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, select

from services.notifications import reminders
from services.notifications.models import Gathering, Letter, Reminder
from tests.unit.notifications.conftest import SPRING, a_person, registered

# The Spring table begins on 8 April 2027 at 9:30 in Paris.
WEEK_BEFORE = datetime(2027, 4, 1, 7, tzinfo=UTC)
FORTNIGHT_BEFORE = datetime(2027, 3, 24, 8, tzinfo=UTC)
MORNING = datetime(2027, 4, 8, 5, 30, tzinfo=UTC)


def pass_until(street, now):
    """The duty of the relay, as often as it has something to write."""
    written = 0
    for _ in range(200):
        with street.database.transaction() as session:
            written += reminders.write_due(session, now)
            due = (Reminder.is_on, Reminder.done_at.is_(None), Reminder.due_at <= now)
            if session.scalar(select(Reminder.id).where(*due).limit(1)) is None:
                return written
    raise AssertionError("the schedule does not end")


def due(street, kind, days):
    with street.database.reading() as session:
        return session.scalars(select(Reminder).where(Reminder.kind == kind, Reminder.days == days)).one()


def seat(street, given, registered_at="2027-03-01T12:00:00+00:00", **other):
    person = a_person(given=given, email=f"{given.lower()}@example.org", **other)
    street.hear("registration.participant_registered.v1", registered(person, registered_at=registered_at))
    return person


def invite(street, given, sent_at=None):
    """An invitation that left (or not)."""
    person = a_person(given=given, email=f"{given.lower()}@example.org")
    street.hear(
        "registration.person_invited.v1", {**person, "invitation_id": str(uuid4())}, subject="invitation_id"
    )
    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.email == person["email"])).one()
        if sent_at is not None:
            letter.state, letter.sent_at = "sent", sent_at
    return person


def to(street, kind):
    return sorted(letter.email.partition("@")[0] for letter in street.letters(kind))


def test_a_gathering_begins_with_the_schedule_of_the_house(street):
    with street.database.reading() as session:
        rows = reminders.listed(session, SPRING)

    assert [(row.kind, row.days, row.at, row.is_on) for row in rows] == [
        (line.kind, line.days, line.at, line.is_on) for line in reminders.HOUSE
    ]
    assert due(street, "practical", -7).due_at == WEEK_BEFORE
    assert due(street, "day", 0).due_at == MORNING


def test_a_gathering_known_before_there_were_schedules_gets_one(street):
    with street.database.transaction() as session:
        session.execute(delete(Reminder))

    with street.database.transaction() as session:
        reminders.write_due(session, WEEK_BEFORE)

    assert due(street, "practical", -1).done_at is None


def test_a_week_before_all_who_hold_a_seat_are_told_once(street):
    seat(street, "Ada"), seat(street, "Bo")
    waiting = a_person(given="Cy", email="cy@example.org")
    street.hear("registration.participant_waitlisted.v1", {**waiting, "rank": 1, "reason": "full"})

    assert pass_until(street, WEEK_BEFORE - timedelta(minutes=1)) == 0
    assert pass_until(street, WEEK_BEFORE) == 2
    assert pass_until(street, WEEK_BEFORE + timedelta(hours=1)) == 0

    assert to(street, "practical") == ["ada", "bo"]


def test_who_got_their_seat_in_the_last_day_is_not_reminded_but_gets_the_page_of_the_day(street):
    seat(street, "Ada")
    seat(street, "Bo", registered_at=(WEEK_BEFORE - timedelta(hours=23)).isoformat())
    seat(street, "Cy", registered_at=(MORNING - timedelta(hours=1)).isoformat())

    pass_until(street, WEEK_BEFORE)
    pass_until(street, MORNING)

    assert "bo" not in to(street, "practical")
    assert to(street, "day") == ["ada", "bo", "cy"]


def test_more_people_than_are_written_to_at_once_are_all_told_once(street):
    for number in range(reminders.AT_ONCE * 2 + 3):
        seat(street, f"Ada{number}")

    assert pass_until(street, WEEK_BEFORE) == reminders.AT_ONCE * 2 + 3

    assert len(set(to(street, "practical"))) == reminders.AT_ONCE * 2 + 3


def test_the_silent_are_reminded_and_who_answered_is_not(street):
    early = FORTNIGHT_BEFORE - timedelta(days=10)
    invite(street, "Ada", early)
    bo = invite(street, "Bo", early)
    invite(street, "Cy")
    invite(street, "Di", FORTNIGHT_BEFORE - timedelta(days=1))
    street.hear("registration.participant_cancelled.v1", {**bo, "cancelled_at": "2027-03-10T12:00:00+00:00"})

    pass_until(street, FORTNIGHT_BEFORE)

    (letter,) = street.letters("reminder")
    assert (letter.email, letter.is_solicitation) == ("ada@example.org", True)
    assert "https://palabre.example/moi/7hq2-secret" in letter.text


def test_who_registered_before_their_invitation_was_heard_of_is_not_silent(street):
    seat(street, "Ada")
    person = a_person(given="Ada", email="Ada@example.org")
    invited = {**person, "invitation_id": str(uuid4())}
    street.hear("registration.person_invited.v1", invited, subject="invitation_id")
    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "invitation")).one()
        letter.state, letter.sent_at = "sent", FORTNIGHT_BEFORE - timedelta(days=10)

    pass_until(street, FORTNIGHT_BEFORE)

    assert to(street, "reminder") == []


def test_an_answer_keeps_a_reminder_back_that_waits_for_the_morning(street):
    ada = invite(street, "Ada", FORTNIGHT_BEFORE - timedelta(days=10))
    pass_until(street, FORTNIGHT_BEFORE)

    street.hear("registration.participant_registered.v1", registered(ada))

    assert [letter.state for letter in street.letters("reminder")] == ["discarded"]


def test_the_schedule_follows_the_day(street):
    street.describe(version=2, starts_at="2027-05-20T07:30:00+00:00", ends_at="2027-05-20T15:00:00+00:00")

    assert due(street, "practical", -7).due_at == datetime(2027, 5, 13, 7, tzinfo=UTC)


def test_a_day_that_moves_after_its_reminder_is_reminded_of_anew(street, ears):
    seat(street, "Ada")
    pass_until(street, WEEK_BEFORE)
    move(street, "2027-05-20T07:30:00+00:00", WEEK_BEFORE + timedelta(days=1))

    assert pass_until(street, datetime(2027, 5, 13, 7, tzinfo=UTC)) == 1

    assert to(street, "practical") == ["ada", "ada"]


def test_a_day_that_moves_by_hours_is_not_reminded_of_twice(street):
    seat(street, "Ada")
    pass_until(street, WEEK_BEFORE)
    move(street, "2027-04-08T10:00:00+00:00", WEEK_BEFORE + timedelta(days=1))

    assert pass_until(street, WEEK_BEFORE + timedelta(days=2)) == 0


def move(street, starts_at, now):
    """As `describe` does, at an hour of our own."""
    with street.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        gathering.starts_at = datetime.fromisoformat(starts_at)
        reminders.follow(session, gathering, now)


@pytest.mark.parametrize("state", ["cancelled", "draft"])
def test_a_gathering_that_is_not_on_reminds_nobody(street, state):
    seat(street, "Ada")
    street.describe(version=2, state=state)

    assert pass_until(street, WEEK_BEFORE) == 0


def test_a_line_whose_hour_went_by_long_ago_is_not_made_up_for(street):
    """A gathering made ten days ahead: its reminders of a month and a fortnight before were never due."""
    seat(street, "Ada")

    assert pass_until(street, WEEK_BEFORE + reminders.TOO_LATE + timedelta(minutes=1)) == 0

    assert reminders.is_missed(due(street, "practical", -7))
    assert not reminders.is_missed(due(street, "practical", -1))


def test_a_line_can_be_moved_and_switched_off(street):
    seat(street, "Ada")
    week, eve = due(street, "practical", -7).id, due(street, "practical", -1).id
    now = WEEK_BEFORE - timedelta(days=5)
    with street.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        reminders.change(session, gathering, week, days=-8, at="18:15", is_on=True, now=now)
        reminders.change(session, gathering, eve, days=-1, at="09:00", is_on=False, now=now)

    assert pass_until(street, datetime(2027, 3, 31, 16, 15, tzinfo=UTC)) == 1
    assert pass_until(street, datetime(2027, 4, 7, 8, tzinfo=UTC)) == 0


def test_a_line_that_comes_up_again_writes_nothing_twice(street):
    """A relay that was killed before its commit, or a row set back by hand."""
    seat(street, "Ada")
    pass_until(street, WEEK_BEFORE)
    with street.database.transaction() as session:
        row = session.get_one(Reminder, due(street, "practical", -7).id)
        row.done_at = row.upto = None

    assert pass_until(street, WEEK_BEFORE) == 0

    assert to(street, "practical") == ["ada"]


LINK = "https://palabre.example/q/abc"
EVENING = datetime(2027, 4, 8, 16, tzinfo=UTC)
THREE_DAYS_AFTER = datetime(2027, 4, 11, 7, tzinfo=UTC)


def ask(street, given, state="sent", sent_at=EVENING, **other):
    """A questionnaire that was handed to somebody, and left (or not)."""
    person = a_person(given=given, email=f"{given.lower()}@example.org", link=LINK)
    street.hear(
        "feedback.questionnaire_addressed.v1",
        {**person, "invite_id": str(uuid4()), "closes_at": "2027-04-22T15:00:00+00:00", **other},
        subject="invite_id",
    )
    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.email == person["email"])).one()
        letter.state, letter.sent_at = state, sent_at
    return person


def test_the_questionnaire_is_sent_once_more_to_all_who_got_it_by_the_same_link(street):
    ask(street, "Ada"), ask(street, "Bo")

    assert pass_until(street, THREE_DAYS_AFTER) == 2
    assert pass_until(street, THREE_DAYS_AFTER + timedelta(days=6)) == 0

    again = street.letters("questionnaire-reminder")
    assert sorted(letter.name for letter in again) == ["Ada Kermarrec", "Bo Kermarrec"]
    assert all(LINK in letter.text and letter.is_solicitation for letter in again)
    assert "personne ne peut savoir qui a répondu" in " ".join(again[0].text.split())


@pytest.mark.parametrize(
    "asked",
    [
        {"state": "bounced"},
        {"state": "discarded", "sent_at": None},
        {"sent_at": THREE_DAYS_AFTER - timedelta(hours=2)},
        {"closes_at": "2027-04-11T06:00:00+00:00"},
    ],
    ids=["it came back", "it never left", "it left just now", "it is closed"],
)
def test_nobody_is_asked_again_in_vain(street, asked):
    ask(street, "Ada", **asked)

    assert pass_until(street, THREE_DAYS_AFTER) == 0


def test_who_was_forgotten_is_not_asked_again(street):
    ada = ask(street, "Ada")
    street.hear(
        "registration.participant_erased.v1", {key: ada[key] for key in ("participant_id", "gathering_id")}
    )

    assert pass_until(street, THREE_DAYS_AFTER) == 0


def test_a_second_time_is_for_the_organiser_to_switch_on(street):
    row = due(street, "questionnaire-reminder", 8)
    ask(street, "Ada")
    with street.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        reminders.change(session, gathering, row.id, days=8, at="09:00", is_on=True, now=EVENING)

    assert not row.is_on
    assert [pass_until(street, THREE_DAYS_AFTER + timedelta(days=days)) for days in (0, 4, 5)] == [1, 0, 1]


def test_hundreds_are_asked_again_once_each(street):
    for number in range(2 * reminders.AT_ONCE + 3):
        ask(street, f"Ada{number}")

    assert pass_until(street, THREE_DAYS_AFTER) == 2 * reminders.AT_ONCE + 3
