from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from services.chassis.db import delivery
from services.feedback import attendances, questionnaires
from services.feedback.models import Attendance, Name, Question, Questionnaire, Token
from tests.unit.feedback.cast import EVENING, GATHERING, HOME, NOON, Day


def address(day):
    with day.database.transaction() as session:
        return questionnaires.address(session, GATHERING, now=EVENING)


def test_a_described_gathering_has_the_questions_of_a_participatory_day(day):
    with day.database.reading() as session:
        asked = questionnaires.questions(session, questionnaires.of(session, GATHERING).id)

    assert [(question.name, question.kind) for question in asked] == [
        ("useful", "scale"),
        ("pace", "single"),
        ("takeaway", "text"),
        ("change", "text"),
        ("words", "text"),
    ]


def test_a_new_description_does_not_ask_twice(day):
    day.describe(version=2, title="Chemins décroisés")

    with day.database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Questionnaire)).one() == 1
        assert session.scalars(select(func.count()).select_from(Question)).one() == 5


def test_each_person_who_is_there_gets_one_link(day):
    people = day.check_in("Le Goff", "Nguyễn", "O'Connor")
    day.hear(
        "registration.participant_absent.v1",
        participant_id=str(people[2]),
        gathering_id=str(GATHERING),
        noted_at=NOON.isoformat(),
    )

    assert address(day) == 2

    told = day.told("feedback.questionnaire_addressed.v1")
    assert {fact["participant_id"] for fact in told} == {str(person) for person in people[:2]}
    assert len({fact["link"] for fact in told}) == 2
    assert all(fact["link"].startswith(f"{HOME}/q/") for fact in told)


def test_opening_twice_writes_to_nobody_twice(day):
    day.check_in("Le Goff", "Nguyễn")

    assert (address(day), address(day)) == (2, 0)


def test_a_late_arrival_gets_a_link_at_once(day):
    day.check_in("Le Goff")
    address(day)

    day.check_in("Tardif")

    assert [fact["family"] for fact in day.told("feedback.questionnaire_addressed.v1")] == ["Le Goff", "Tardif"]


def test_nobody_there_is_nobody_to_ask(day):
    with pytest.raises(questionnaires.NobodyPresent):
        address(day)


def test_a_link_is_kept_as_a_digest_only(day):
    day.check_in("Le Goff")
    address(day)

    link = day.links()[0].removeprefix("/q/")
    with day.database.reading() as session:
        assert session.scalars(select(Token.digest)).all() == [questionnaires.digest(link)]


def test_a_contact_is_forgotten_once_addressed(day):
    day.check_in("Le Goff")
    address(day)

    with day.database.reading() as session:
        kept = session.scalars(select(Attendance)).one()
    assert (kept.email, kept.given, kept.family, kept.language) == (None, None, None, None)


def test_contacts_nobody_wrote_to_and_names_are_forgotten_in_time(day):
    day.check_in("Le Goff")

    with day.database.transaction() as session:
        assert attendances.forget(session, EVENING + attendances.CONTACTS_KEPT) == 1
        assert attendances.forget(session, EVENING + attendances.NAMES_KEPT) == 1

    with day.database.reading() as session:
        assert session.scalars(select(Attendance.email)).all() == [None]
        assert session.scalars(select(Name)).all() == []


def test_somebody_checked_in_before_the_gathering_is_known_is_asked_too(feedback):
    early = Day(feedback)
    early.check_in("Le Goff")
    early.describe()

    assert address(early) == 1


def test_what_was_told_of_people_is_struck_out_once_it_was_heard(day):
    day.check_in("Le Goff", "Nguyễn")
    address(day)
    with day.database.transaction() as session:
        first = session.scalars(select(delivery.c.event_id).order_by(delivery.c.sequence)).first()
        session.execute(update(delivery).where(delivery.c.event_id == first).values(acked_at=EVENING))
        struck = [questionnaires.blot(session, EVENING), questionnaires.blot(session, EVENING)]

    gone, kept = day.told("feedback.questionnaire_addressed.v1")
    assert struck == [1, 0]
    assert [gone[field] for field in ("email", "given", "family", "link")] == [""] * 4
    assert kept["link"].startswith(f"{HOME}/q/")
