"""Who facilitates or takes notes: told five days before, or soon after they are asked; and once when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifications import packs, reminders
from services.notifications.models import Letter, Reminder
from services.notifications.tasks import inbox
from tests.unit.notifications.conftest import SPRING, a_person, registered
from tests.unit.notifications.reading import body, opened, strictly
from tests.unit.notifications.test_announcements import placed
from tests.unit.notifications.test_reminders import due, pass_until

# The day is 8 April 2027, in Paris.
FIVE_DAYS_BEFORE = datetime(2027, 4, 3, 7, tzinfo=UTC)
LATER = FIVE_DAYS_BEFORE + timedelta(hours=3)


class Group:
    """Group 4 of the Spring table: people who come, and what grouping tells of them."""

    def __init__(self, street: Any) -> None:
        self.street = street
        self.versions: dict[str, int] = {}
        self.people: dict[str, dict[str, Any]] = {}

    def seat(self, given: str, duty: str = "", **other: Any) -> None:
        """Somebody's place as grouping tells it now."""
        if given not in self.people:
            about = {
                "given": given,
                "email": f"{given.lower()}@example.org",
                "language": other.pop("language", "fr"),
            }
            self.people[given] = a_person(**about)
            self.street.hear("registration.participant_registered.v1", registered(self.people[given]))
        self.versions[given] = self.versions.get(given, 0) + 1
        fact = placed(self.people[given], duty=duty, version=self.versions[given], **other)
        self.last = self.street.hear("grouping.person_placed.v1", fact, subject="placement_id")

    def cancel(self, given: str) -> None:
        fact = {**self.people[given], "held_seat": True, "cancelled_at": "2027-03-02T12:00:00+00:00"}
        self.street.hear("registration.participant_cancelled.v1", fact)

    def look(self, now: datetime) -> int:
        """What waits to be told is told, when it has settled."""
        with self.street.database.transaction() as session:
            return packs.write_due(session, now)

    def sent(self, *kinds: str) -> list[tuple[str, str]]:
        """Letters of ours that left or will, by whom and kind; those put aside are none."""
        told = [
            (one.email.partition("@")[0], one.kind) for one in self.street.letters() if one.state != "discarded"
        ]
        return sorted(one for one in told if one[1] in (kinds or ("pack", "relieved")))

    def post(self) -> None:
        """Everything that waits has left."""
        with self.street.database.transaction() as session:
            for letter in session.query(Letter).filter(Letter.state == "queued"):
                letter.state, letter.sent_at = "sent", FIVE_DAYS_BEFORE


@pytest.fixture
def group(street):
    """Ada facilitates, Bo takes notes, Cy keeps time, Dia has no role."""
    found = Group(street)
    for given, duty in (("Ada", "facilitator"), ("Bo", "rapporteur"), ("Cy", "timekeeper"), ("Dia", "")):
        found.seat(given, duty)
    return found


def test_who_facilitates_and_who_takes_notes_are_told_once_at_nine_five_days_before(street, group):
    group.look(FIVE_DAYS_BEFORE - timedelta(hours=1))
    pass_until(street, FIVE_DAYS_BEFORE - timedelta(minutes=1))
    assert group.sent() == []

    pass_until(street, FIVE_DAYS_BEFORE)
    pass_until(street, LATER)
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("bo", "pack")]


def test_who_gets_the_role_later_is_told_soon_after_and_the_others_are_not_told_again(street, group):
    group.look(FIVE_DAYS_BEFORE - timedelta(hours=1))
    pass_until(street, FIVE_DAYS_BEFORE)
    group.post()

    group.seat("Bo")
    group.seat("Dia", "rapporteur")
    group.look(LATER)
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("bo", "pack"), ("bo", "relieved"), ("dia", "pack")]


def test_a_plan_published_after_the_line_is_told_when_all_of_it_is_here(street):
    pass_until(street, FIVE_DAYS_BEFORE)
    group = Group(street)
    group.seat("Ada", "facilitator")
    assert group.look(datetime.now(UTC)) == 0
    group.seat("Dia")

    group.look(LATER)

    (letter,) = street.letters("pack")
    assert "Dia Kermarrec" in letter.text


def test_a_fact_heard_again_is_told_once(street, group):
    assert inbox.hear(street.database, group.last) == "again"
    group.look(LATER)
    group.seat("Ada", "facilitator")
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("bo", "pack")]


def test_who_is_replaced_before_the_letter_left_hears_nothing_at_all(street, group):
    group.look(LATER)
    group.seat("Ada")
    group.seat("Dia", "facilitator")
    group.look(LATER)

    assert group.sent() == [("bo", "pack"), ("dia", "pack")]


def test_who_has_the_role_back_before_the_second_letter_left_hears_nothing_more(street, group):
    group.look(LATER)
    group.post()
    group.seat("Ada")
    group.look(LATER)
    group.seat("Ada", "facilitator")
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("bo", "pack")]


def test_who_has_the_role_back_after_it_was_taken_is_asked_again(street, group):
    group.look(LATER)
    group.post()
    for duty in ("", "facilitator"):
        group.seat("Ada", duty)
        group.look(LATER)
        group.post()

    assert group.sent() == [("ada", "pack"), ("ada", "pack"), ("ada", "relieved"), ("bo", "pack")]


def test_another_role_is_one_letter_that_says_it_takes_the_place_of_the_first(street, group):
    group.look(LATER)
    group.post()
    group.seat("Ada", "rapporteur")
    group.seat("Bo", "facilitator")
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("ada", "pack"), ("bo", "pack"), ("bo", "pack")]
    second = [one for one in street.letters("pack") if one.email == "ada@example.org" and one.state == "queued"]
    text = " ".join(second[0].text.split())
    assert "Cela remplace ce que nous vous avions proposé avant." in text
    assert "Votre feuille de notes" in text


def test_the_same_role_in_another_group_is_asked_with_the_people_there(street, group):
    group.look(LATER)
    group.post()
    group.seat("Eve", group_number=7)
    group.seat("Ada", "facilitator", group_number=7, moved=True, before_number=4)
    group.look(LATER)

    second = [one for one in street.letters("pack") if one.state == "queued"]
    assert [one.email for one in second] == ["ada@example.org"]
    assert "Eve Kermarrec" in second[0].text
    assert "Dia Kermarrec" not in second[0].text


def test_who_gave_their_seat_back_is_told_nothing_of_the_role_and_is_in_no_list(street, group):
    group.look(LATER)
    group.post()
    group.cancel("Ada")
    group.seat("Ada")
    group.seat("Dia", "facilitator")
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("bo", "pack"), ("dia", "pack")]
    (new,) = [one for one in street.letters("pack") if one.email == "dia@example.org"]
    assert "Ada Kermarrec" not in new.text


def test_who_comes_back_and_is_asked_again_is_written_to_again(street, group):
    group.look(LATER)
    group.post()
    group.cancel("Ada")
    group.seat("Ada")
    group.look(LATER)
    group.street.hear("registration.participant_restored.v1", registered(group.people["Ada"]))
    group.seat("Ada", "facilitator")
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("ada", "pack"), ("bo", "pack")]


def test_a_line_that_is_off_tells_nobody_and_who_was_told_before_is_told_still_that_it_is_over(street, group):
    group.look(LATER)
    group.post()
    with street.database.transaction() as session:
        session.query(Reminder).filter(Reminder.kind == "pack").update({"is_on": False})
    group.seat("Ada")
    group.seat("Dia", "facilitator")
    group.look(LATER)

    assert group.sent() == [("ada", "pack"), ("ada", "relieved"), ("bo", "pack")]


def test_after_the_gathering_nobody_is_asked_for_anything(street, group):
    group.look(datetime(2027, 4, 8, 16, tzinfo=UTC))

    assert group.sent() == []


def test_a_worker_that_was_away_for_days_tells_it_late_rather_than_not_at_all(street, group):
    group.look(FIVE_DAYS_BEFORE - timedelta(hours=1))

    pass_until(street, FIVE_DAYS_BEFORE + timedelta(days=3))

    assert group.sent() == [("ada", "pack"), ("bo", "pack")]


def test_more_people_than_one_turn_holds_are_all_told(street, monkeypatch):
    monkeypatch.setattr(packs, "AT_ONCE", 2)
    monkeypatch.setattr(reminders, "AT_ONCE", 2)
    group = Group(street)
    for given in ("Ada", "Bo", "Cy", "Dia", "Eve"):
        group.seat(given, "facilitator")
    for _turn in range(3):
        group.look(FIVE_DAYS_BEFORE - timedelta(hours=1))

    pass_until(street, FIVE_DAYS_BEFORE)

    assert len(group.sent("pack")) == 5


def test_a_gathering_known_before_there_was_this_line_gets_it(street):
    with street.database.transaction() as session:
        session.query(Reminder).filter(Reminder.kind == "pack").delete()

    pass_until(street, datetime(2027, 1, 1, tzinfo=UTC))

    assert due(street, "pack", -5).due_at == FIVE_DAYS_BEFORE


@pytest.mark.parametrize(
    ("language", "kind", "card", "sheet"),
    [
        ("fr", "topics", "raconte d’abord", "Ce que retient la personne qui porte le sujet"),
        ("fr", "angles", "le groupe écoute avec son angle", "Ce que nous avons entendu"),
        ("en", "topics", "speaks first", "What whoever carries the topic keeps"),
        ("en", "angles", "the group listens with its angle", "What we heard"),
    ],
)
def test_it_holds_the_method_the_people_and_the_note_sheet_in_both_twins(street, language, kind, card, sheet):
    group = Group(street)
    group.seat("Bo", "rapporteur", kind=kind)
    group.seat("Ada", "facilitator", kind=kind, language=language)
    group.look(LATER)

    (letter,) = [one for one in street.letters("pack") if one.email == "ada@example.org"]
    for part in ("plain", "html"):
        said = " ".join(body(opened(letter), part).split())
        assert card in said
        assert sheet in said
        assert f"Bo Kermarrec ({'prend des notes' if language == 'fr' else 'takes notes'})" in said
        assert "bo@example.org" not in said
    strictly(body(opened(letter), "html"))
    assert opened(letter)["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("writing", "words"),
    [("median", "prêt·e"), ("doublet", "prêt ou prête"), ("epicene", "votre disponibilité")],
)
def test_the_letter_to_who_is_replaced_is_short_and_in_the_gatherings_writing(ears, writing, words):
    ears.describe(writing=writing)
    group = Group(ears)
    group.seat("Ada", "facilitator")
    group.look(LATER)
    group.post()
    group.seat("Ada")
    group.look(LATER)

    (letter,) = ears.letters("relieved")
    assert words in letter.text
    assert "Nous ne vous le demandons plus" in " ".join(letter.text.split())
    assert len(letter.text) < 900


def test_who_is_forgotten_is_struck_out_of_the_lists_that_were_sent(street, group):
    name = {"given": "Élo'die", "family": "de <b>Brie</b>" + " et d'une très longue lignée" * 3}
    person = a_person(**name, email="elodie@example.org")
    street.hear("registration.participant_registered.v1", registered(person))
    street.hear("grouping.person_placed.v1", placed(person), subject="placement_id")
    group.look(LATER)
    before = [letter.text for letter in street.letters("pack")]
    short = a_person(given="A", family="", email="a@example.org")
    street.hear("registration.participant_registered.v1", registered(short))

    street.hear(
        "registration.participant_erased.v1", {key: person[key] for key in ("participant_id", "gathering_id")}
    )
    street.hear(
        "registration.participant_erased.v1", {key: short[key] for key in ("participant_id", "gathering_id")}
    )

    assert all("Brie" in text for text in before)
    for letter in street.letters("pack"):
        assert "Brie" not in letter.text + letter.html
        assert "- –\n" in letter.text
        assert "Dia Kermarrec" in letter.text
        assert "Ada Kermarrec (anime)" in letter.text
        assert "Ada Kermarrec (anime)" in letter.html


def test_the_schedule_and_the_texts_know_both_letters(street, odile):
    schedule = odile.get("/c/table-de-printemps/calendrier").text
    texts = odile.get("/c/table-de-printemps/textes").text

    assert "Animer ou prendre des notes" in schedule
    assert "Animer ou prendre des notes" in texts
    assert "Rôle confié à quelqu’un d’autre" in texts
    assert str(SPRING) not in texts
