"""Six weeks after the day a carrier's own plan comes back to them, and to nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from services.notifications.models import Plan
from tests.unit.notifications.conftest import SPRING, a_person, registered
from tests.unit.notifications.reading import body, opened, strictly
from tests.unit.notifications.test_reminders import pass_until

# The day is 8 April 2027.
SIX_WEEKS_AFTER = datetime(2027, 5, 20, 7, tzinfo=UTC)
PLAN = "Appeler la maison des adolescents.\nEn parler <b>lundi</b> à l'équipe."


@pytest.fixture
def ada(street):
    person = a_person()
    street.hear("registration.participant_registered.v1", registered(person))
    return person


def keep(street, person, plan=PLAN, topic=None):
    fact = {"topic_id": topic or str(uuid4()), "gathering_id": str(SPRING), "plan": plan}
    street.hear(
        "registration.plan_kept.v1", {**fact, "participant_id": person["participant_id"]}, subject="topic_id"
    )
    return fact["topic_id"]


def forget(street, person):
    street.hear(
        "registration.participant_erased.v1", {key: person[key] for key in ("participant_id", "gathering_id")}
    )


def plans(street):
    with street.database.reading() as session:
        return session.scalars(select(Plan.plan)).all()


def test_it_leaves_once_at_nine_six_weeks_after_the_day(street, ada):
    keep(street, ada)

    pass_until(street, SIX_WEEKS_AFTER - timedelta(minutes=1))
    assert street.letters("follow-up") == []
    pass_until(street, SIX_WEEKS_AFTER)
    pass_until(street, SIX_WEEKS_AFTER + timedelta(hours=1))

    assert [letter.email for letter in street.letters("follow-up")] == ["ada@example.org"]


def test_it_holds_their_own_words_in_both_twins_and_is_no_solicitation(street, ada):
    bo = a_person(given="Bo", language="en")
    street.hear("registration.participant_registered.v1", registered(bo))
    keep(street, ada), keep(street, bo)
    pass_until(street, SIX_WEEKS_AFTER)

    letters = {letter.language: opened(letter) for letter in street.letters("follow-up")}
    for language, words in (
        ("fr", "personne d’autre ne lit ces mots"),
        ("en", "nobody else reads these words"),
    ):
        text, page = body(letters[language], "plain"), body(letters[language], "html")
        assert "  Appeler la maison des adolescents.\r\n\r\n  En parler <b>lundi</b> à l'équipe." in text
        assert words in " ".join(text.split())
        assert "En parler &lt;b&gt;lundi&lt;/b&gt;" in page
        strictly(page)
        assert letters[language]["List-Unsubscribe"] is None


def test_who_kept_no_plan_or_took_it_back_gets_no_letter(street, ada):
    topic = keep(street, ada)
    keep(street, ada, "", topic)

    assert pass_until(street, SIX_WEEKS_AFTER) == 0


def test_who_gave_their_seat_back_gets_no_letter(street, ada):
    keep(street, ada)
    street.hear(
        "registration.participant_cancelled.v1",
        {**ada, "held_seat": True, "cancelled_at": "2027-03-02T12:00:00+00:00"},
    )

    pass_until(street, SIX_WEEKS_AFTER)
    assert street.letters("follow-up") == []


def test_a_plan_goes_with_who_is_forgotten_also_when_it_is_heard_late(street, ada):
    keep(street, ada)

    forget(street, ada)
    keep(street, ada)

    assert plans(street) == ["", ""]


def test_organisers_read_that_it_left_and_not_what_it_says(street, ada, odile, program):
    keep(street, ada)
    pass_until(street, SIX_WEEKS_AFTER)
    (letter,) = street.letters("follow-up")

    page = odile.get(f"/c/table-de-printemps/{letter.id}/html").text
    about = odile.get(f"/c/table-de-printemps/{letter.id}").text
    told = program.get(f"/api/notifications/gatherings/{SPRING}/letters/{letter.id}")

    for said in (page, about, told.text):
        assert "adolescents" not in said
    assert told.json["text"] == "Ce que dit ce courrier n’est que pour la personne qui le reçoit.\n"


def test_a_letter_that_is_not_private_is_read_as_it_is(street, ada, program):
    (letter,) = street.letters("registered")

    told = program.get(f"/api/notifications/gatherings/{SPRING}/letters/{letter.id}").json

    assert (told["text"], told["html"], told["deliveries"]) == (letter.text, letter.html, [])
