"""Changes told soon after one another are one letter; the night holds back what nobody asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from services.notifications.models import Gathering, Letter
from tests.unit.notifications.conftest import a_person, registered
from tests.unit.notifications.reading import appointment
from tests.unit.notifications.test_announcements import placed

DAY = datetime(2027, 3, 2, 10, tzinfo=UTC)
NIGHT = datetime(2027, 3, 2, 21, tzinfo=UTC)
MORNING = datetime(2027, 3, 3, 7, tzinfo=UTC)


@pytest.fixture
def ada(street):
    with time_machine.travel(DAY, tick=False):
        person = a_person()
        street.hear("registration.participant_registered.v1", registered(person))
    return person


def change(street, person, at=DAY, **fields):
    """Ada's fields become others: field=(before, after)."""
    with time_machine.travel(at, tick=False):
        street.hear(
            "registration.participant_changed.v1",
            {
                **person,
                "before": {name: both[0] for name, both in fields.items()},
                "after": {name: both[1] for name, both in fields.items()},
            },
        )


def leave(street, kind):
    with street.database.transaction() as session:
        session.execute(update(Letter).where(Letter.kind == kind).values(state="sent", next_at=None))


def test_five_changes_in_a_minute_are_one_letter(street, ada):
    for number in range(5):
        at = DAY + timedelta(seconds=10 * number)
        change(street, ada, at, structure=(f"Atelier {number}", f"Atelier {number + 1}"))

    (letter,) = street.letters("changed")
    assert letter.next_at == DAY + timedelta(minutes=1)
    assert "« Atelier 0 » devient « Atelier 5 »" in letter.text.replace("\u202f", " ").replace("\u00a0", " ")
    assert letter.text.count("Atelier") == 2


def test_fields_changed_one_after_the_other_are_all_told(street, ada):
    change(street, ada, structure=("Atelier", "Fabrique"))
    change(street, ada, DAY + timedelta(seconds=5), given=("Ada", "Adèle"))

    (letter,) = street.letters("changed")
    assert "Fabrique" in letter.text
    assert "Adèle" in letter.text


def test_what_was_changed_back_is_not_told(street, ada):
    change(street, ada, structure=("Atelier", "Fabrique"))
    change(street, ada, DAY + timedelta(seconds=5), structure=("Fabrique", "Atelier"))

    assert [letter.state for letter in street.letters("changed")] == ["discarded"]


def test_a_change_after_the_letter_left_is_a_letter_of_its_own(street, ada):
    change(street, ada, structure=("Atelier", "Fabrique"))
    leave(street, "changed")
    change(street, ada, DAY + timedelta(seconds=30), structure=("Fabrique", "Usine"))

    first, second = street.letters("changed")
    assert "Atelier" in first.text
    assert "Atelier" not in second.text


def test_a_joined_letter_goes_to_the_newest_address_and_its_calendar_rises(street, ada):
    change(street, ada, structure=("Atelier", "Fabrique"))
    (before,) = street.letters("changed")
    newer = {**ada, "email": "ada.lovelace@example.org"}
    change(street, newer, DAY + timedelta(seconds=5), email=("ada@example.org", "ada.lovelace@example.org"))

    (letter,) = street.letters("changed")
    assert letter.email == "ada.lovelace@example.org"
    assert letter.message_id == before.message_id
    assert int(appointment(letter)[1]["sequence"]) > int(appointment(before)[1]["sequence"])


def test_a_day_moved_five_times_in_a_minute_is_one_letter_from_the_first_day_to_the_last(street, ada):
    for number in range(5):
        with time_machine.travel(DAY + timedelta(seconds=10 * number), tick=False):
            street.describe(version=2 + number, starts_at=f"2027-04-{10 + number}T07:30:00+00:00",
                            ends_at=f"2027-04-{10 + number}T15:00:00+00:00")  # fmt: skip

    (letter,) = street.letters("gathering-changed")
    text = letter.text.replace("\u202f", " ").replace("\u00a0", " ")
    assert "mercredi 14 avril 2027" in text
    assert "jeudi 8 avril 2027" in text
    assert "13 avril" not in text


def test_a_day_moved_and_moved_back_is_nobody_s_letter(street, ada):
    with time_machine.travel(DAY, tick=False):
        street.describe(version=2, place="Salle du Chêne, Rennes")
        street.describe(version=3)

    assert [letter.state for letter in street.letters("gathering-changed")] == ["discarded"]


def test_a_gathering_cancelled_while_its_change_waits_is_only_cancelled(street, ada):
    with time_machine.travel(DAY, tick=False):
        street.describe(version=2, place="Salle du Chêne, Rennes")
        street.describe(version=3, place="Salle du Chêne, Rennes", state="cancelled")

    assert [letter.state for letter in street.letters("gathering-changed")] == ["discarded"]
    assert [letter.state for letter in street.letters("gathering-cancelled")] == ["queued"]


def move(street, person, number, version, at):
    with time_machine.travel(at, tick=False):
        street.hear(
            "grouping.person_placed.v1",
            placed(person, group_number=number, version=version, moved=version > 1, before_number=number - 1),
            subject="placement_id",
        )


def test_someone_moved_twice_at_once_is_told_where_from_and_where_to(street, ada):
    move(street, ada, 4, 1, DAY)
    move(street, ada, 6, 2, DAY)
    move(street, ada, 9, 3, DAY + timedelta(seconds=5))

    (letter,) = street.letters("moved")
    assert "vous quittez le groupe 4 pour le groupe 9" in letter.text.replace("\n", " ")


def test_someone_moved_and_moved_back_is_not_told(street, ada):
    move(street, ada, 4, 1, DAY)
    move(street, ada, 6, 2, DAY)
    move(street, ada, 4, 3, DAY + timedelta(seconds=5))

    assert [letter.state for letter in street.letters("moved")] == ["discarded"]


def test_at_night_only_what_was_just_asked_for_leaves(street):
    with time_machine.travel(NIGHT, tick=False):
        ada = a_person()
        asked = {**ada, "code": "482 913", "expires_at": "2027-03-04T18:00:00+00:00"}
        street.hear("registration.address_to_confirm.v1", asked)
        street.hear("registration.participant_registered.v1", registered(ada))
        street.hear(
            "registration.participant_waitlisted.v1", {**a_person(given="Bo"), "rank": 1, "reason": "full"}
        )
        move(street, ada, 4, 1, NIGHT)

    leaves = {letter.kind: letter.next_at for letter in street.letters()}
    assert leaves == {"confirm-address": NIGHT, "registered": NIGHT, "waiting": NIGHT, "placement": MORNING}


def test_a_gathering_may_have_another_night_or_none(street, ada):
    with street.database.transaction() as session:
        session.execute(update(Gathering).values(night_from="00:00", night_to="00:00"))

    move(street, ada, 4, 1, NIGHT)

    assert [letter.next_at for letter in street.letters("placement")] == [NIGHT]


def test_a_seat_handed_to_a_colleague_is_said_on_both_sides(street, ada):
    asked = {
        **a_person(given="Bo"),
        "code": "1",
        "expires_at": "2027-03-04T18:00:00+00:00",
        "handed_by": "Ada K.",
    }
    gone = {**ada, "cancelled_at": "2027-03-04T18:00:00+00:00", "held_seat": True, "handed_to": "Bo"}

    street.hear("registration.address_to_confirm.v1", asked)
    street.hear("registration.participant_cancelled.v1", gone)

    (confirm,), (cancelled,) = street.letters("confirm-address"), street.letters("cancelled")
    assert "Ada K. vous confie sa place" in confirm.text
    assert "est maintenant celle de Bo" in cancelled.text.replace("\n", " ")
    assert "24 heures" not in cancelled.text


def test_a_seat_that_was_not_confirmed_in_time_is_said_to_be_free(street):
    street.hear("registration.hold_expired.v1", a_person())

    assert "libérée" in street.letters("hold-expired")[0].text
