"""Who asked not to be asked: one click in a mail program, or a button on a page (RFC 8058)."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from services.notifications import deliveries, disclosures, drafts, erasures, letters, refusals
from services.notifications.doors import Doors
from services.notifications.models import Delivery, Gathering, Letter, Refusal
from services.notifications.writing import composing
from services.notifications.writing.kinds import KINDS
from tests.unit.notifications.conftest import NOON, SPRING, a_person, registered
from tests.unit.notifications.posted import At, a_letter, queue
from tests.unit.notifications.test_pages import HERE, press

DOORS = Doors("https://palabre.example", "s" * 32)
SOLICITS = ("invitation", "reminder", "questionnaire", "questionnaire-reminder")
CLICK = {"List-Unsubscribe": "One-Click"}


def invite(street, **other):
    invitation = {**a_person(**other), "invitation_id": str(uuid4())}
    street.hear("registration.person_invited.v1", invitation, subject="invitation_id")
    return next(letter for letter in street.letters("invitation") if letter.name.startswith(other["given"]))


@pytest.fixture
def ada(street):
    """An invitation to Ada, still a draft."""
    return invite(street, given="Ada")


def door(letter):
    return urlsplit(DOORS.refusal(letter.id)).path


def state(street, letter):
    return next(one.state for one in street.letters() if one.id == letter.id)


@pytest.mark.parametrize(("language", "said"), [("fr", "Ne plus recevoir"), ("en", "Get no more")])
def test_who_is_solicited_reads_how_to_say_no_in_both_twins(sink, a_poster, street, language, said):
    written = composing.rewrite("Bonjour", "Bonjour Ada,\n\nVenez.", language=language)
    letter = a_letter(kind="invitation", is_solicitation=True, language=language, html=written.html)
    queue(street.database, letter)

    a_poster(sink.start(), doors=DOORS).post(street.database)

    message = message_from_bytes(sink.messages[0], policy=default)
    for kind in ("plain", "html"):
        shown = message.get_body((kind,)).get_content()
        assert said in shown
        assert DOORS.refusal(letter.id) in shown
    page = BeautifulSoup(message.get_body(("html",)).get_content(), "html.parser")
    assert page.find("p", class_="foot").find("a")["href"] == DOORS.refusal(letter.id)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_what_solicits_can_be_refused(sink, a_poster, street, kind):
    solicits = KINDS[kind].is_solicitation
    letter = a_letter(kind=kind, is_solicitation=solicits)
    queue(street.database, letter)

    a_poster(sink.start(), doors=DOORS).post(street.database)

    message = message_from_bytes(sink.messages[0], policy=default)
    told = (message["List-Unsubscribe"], message["List-Unsubscribe-Post"])
    assert solicits == (kind in SOLICITS)
    assert solicits == (DOORS.refusal(letter.id) in message.get_body(("plain",)).get_content())
    assert told == (
        (f"<{DOORS.refusal(letter.id)}>", "List-Unsubscribe=One-Click") if solicits else (None, None)
    )


def test_a_house_without_tls_offers_a_page_and_no_click(sink, a_poster, street):
    queue(street.database, a_letter(kind="invitation", is_solicitation=True))

    a_poster(sink.start(), doors=replace(DOORS, public_url="http://127.0.0.1:8000")).post(street.database)

    message = message_from_bytes(sink.messages[0], policy=default)
    assert message["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/refus/")
    assert message["List-Unsubscribe-Post"] is None


def test_opening_the_door_changes_nothing(visitor, street, ada):
    for _ in range(2):
        page = visitor.get(door(ada))

    assert (page.status_code, "Ne plus recevoir ces courriers" in page.text) == (200, True)
    assert state(street, ada) == "draft"


def test_one_click_of_a_mail_program_holds_back_what_solicits(visitor, street, ada):
    answers = [visitor.post(door(ada), data=CLICK).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert state(street, ada) == "suppressed"
    with street.database.reading() as session:
        assert session.scalars(select(Delivery.outcome).where(Delivery.letter_id == ada.id)).all() == [
            "unwanted"
        ]


def test_a_click_travels_as_a_form_of_many_parts_too(visitor, street, ada):
    answer = visitor.post(door(ada), data=CLICK, content_type="multipart/form-data")

    assert (answer.status_code, state(street, ada)) == (200, "suppressed")


@pytest.mark.parametrize("sent", [{}, {"List-Unsubscribe": "no"}])
def test_a_post_that_is_no_click_changes_nothing(visitor, street, ada, sent):
    answer = visitor.post(door(ada), data=sent)

    assert (answer.status_code, state(street, ada)) == (422, "draft")


@given(st.text(max_size=60) | st.binary(min_size=32, max_size=32).map(lambda raw: raw.hex()))
def test_nobody_makes_a_door_but_the_house(token):
    assert DOORS.letter(token) is None


def test_a_door_signed_with_another_secret_is_no_address(visitor, street, ada):
    foreign = urlsplit(replace(DOORS, secret="x" * 32).refusal(ada.id)).path

    assert [visitor.get(foreign).status_code, visitor.post(foreign, data=CLICK).status_code] == [404, 404]
    assert state(street, ada) == "draft"


@given(st.uuids(), st.text(min_size=1, max_size=40))
def test_a_door_stays_good_when_the_secret_changes(letter_id, olden):
    before = replace(DOORS, secret=olden)
    since = replace(DOORS, before=(olden,))

    assert since.letter(urlsplit(before.refusal(letter_id)).path.rpartition("/")[2]) == letter_id


def test_who_refused_is_written_what_they_need_and_asked_nothing(visitor, street, ada):
    visitor.post(door(ada), data=CLICK)

    street.hear("registration.participant_registered.v1", registered(a_person(given="Ada")))
    with street.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        to = letters.Addressee("ADA@example.org", "Ada", "Kermarrec", "fr", "https://palabre.example/moi/x")
        letters.write(session, "reminder", to, gathering=gathering, about=uuid4(), version="9", now=NOON)

    assert [(one.state, one.reply) for one in street.letters("reminder")] == [("suppressed", refusals.UNWANTED)]
    assert [letter.state for letter in street.letters("registered")] == ["queued"]


def test_two_people_of_one_address_choose_each_for_themselves(visitor, street, ada):
    bo = invite(street, given="Bo")

    visitor.post(door(ada), data=CLICK)

    assert (state(street, ada), state(street, bo)) == ("suppressed", "draft")


def test_a_refusal_in_the_moment_of_posting_is_heard(sink, a_poster, street, ada):
    with street.database.transaction() as session:
        gathering = session.get_one(Gathering, SPRING)
        drafts.send(session, gathering, kind="invitation", count=1, upto=ada.created_at, now=NOON)
        # Between the reading of a letter's state and the writing of the refusal, it was queued.
        session.add(
            Refusal(gathering_id=SPRING, email="ada@example.org", name=ada.name, letter_id=ada.id, since=NOON)
        )

    a_poster(sink.start(), clock=At(NOON)).post(street.database)

    assert (sink.messages, state(street, ada)) == ([], "suppressed")


def test_nothing_refused_becomes_readable_in_held_mode(street, ada):
    with street.database.transaction() as session:
        session.get_one(Letter, ada.id).state = "queued"
    with street.database.transaction() as session:
        batch = deliveries.claim(session, NOON, is_held=True)
        session.add(
            Refusal(gathering_id=SPRING, email="ada@example.org", name=ada.name, letter_id=ada.id, since=NOON)
        )
    with street.database.transaction() as session:
        assert deliveries.keep(session, batch, NOON) == 0

    assert state(street, ada) == "suppressed"


def test_who_refused_can_change_their_mind(visitor, street, ada):
    refused = visitor.post(door(ada), data=CLICK)

    asked = press(visitor, refused, f"{door(ada)}/de-nouveau")

    assert "Ne plus recevoir ces courriers" in asked.text
    with street.database.transaction() as session:
        letters.settle(session, session.get_one(Letter, ada.id), arrived=False, now=NOON)
    assert state(street, ada) == "queued"


def test_an_organiser_cannot_send_what_was_refused(visitor, street, ada):
    visitor.post(door(ada), data=CLICK)

    with pytest.raises(letters.LettersRefused), street.database.transaction() as session:
        letters.settle(session, session.get_one(Letter, ada.id), arrived=False, now=NOON)


def test_organisers_see_who_refused(visitor, odile, street, ada):
    visitor.post(door(ada), data=CLICK)

    page = BeautifulSoup(odile.get(f"{HERE}/adresses?lang=en").text, "html.parser")

    section = page.find("section", {"aria-labelledby": "no"})
    assert "Ada Kermarrec, ada@example.org" in section.text
    assert section.find("a")["href"].endswith(str(ada.id))


def test_a_person_is_told_what_they_refused_and_forgotten_with_it(visitor, street, ada):
    person = a_person(given="Ada")
    street.hear("registration.participant_registered.v1", registered(person))
    with street.database.transaction() as session:
        session.get_one(Letter, ada.id).participant_id = person_id = street.letters("registered")[
            0
        ].participant_id
    visitor.post(door(ada), data=CLICK)

    with street.database.transaction() as session:
        held = {row["what"]: row["rows"] for row in disclosures.held(session, person_id)}
        erasures.forget(session, person_id)
        left = session.scalars(select(Refusal)).all()

    assert [row["email"] for row in held["refusals"]] == ["ada@example.org"]
    assert left == []
    assert "Plus rien" in visitor.get(door(ada)).text
    assert visitor.post(door(ada), data=CLICK).status_code == 200
