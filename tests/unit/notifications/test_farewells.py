"""Who asked to be forgotten is told that it is done, and is forgotten wholly once that letter has left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest
from sqlalchemy import func, select

from services.chassis.db import outbox
from services.notifications import erasures, letters, suppressions
from services.notifications.letters import Addressee
from services.notifications.models import Gathering, Letter, Person, Suppression
from tests.unit.notifications.conftest import SPRING, a_person, registered
from tests.unit.notifications.reading import strictly


@pytest.fixture
def ada(street):
    """Ada, who has her confirmation letter."""
    person = a_person()
    street.hear("registration.participant_registered.v1", registered(person))
    return person


def forget(street, person):
    return street.hear(
        "registration.participant_erased.v1",
        {name: person[name] for name in ("participant_id", "gathering_id")},
    )


def finish(street, now=None):
    with street.database.transaction() as session:
        return erasures.finish(session, now or datetime.now(UTC))


def confirmed(street):
    """What we told of people whom we have forgotten."""
    with street.database.reading() as session:
        return session.scalars(select(outbox.c.body).where(outbox.c.type.contains("person_erased"))).all()


def addresses(street):
    with street.database.reading() as session:
        kept = [*session.scalars(select(Person.email)), *session.scalars(select(Letter.email))]
    return [address for address in kept if address]


def settled(street, state):
    """What became of the last letter, whoever posted it."""
    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "erased")).one()
        letter.state = state


@pytest.mark.parametrize("language, said", [("fr", "Celui-ci est le dernier"), ("en", "This one is the last")])
def test_the_last_letter_says_what_is_erased_and_names_nobody(street, language, said):
    person = a_person(language=language)
    street.hear("registration.participant_registered.v1", registered(person))
    forget(street, person)

    (letter,) = street.letters("erased")
    text = letter.text.replace("’", "'").replace("\u00a0", " ").replace("\u202f", " ")
    assert (letter.email, letter.name, letter.state) == ("ada@example.org", "", "queued")
    assert said in text
    assert "https://palabre.example/donnees" in text
    for trace in ("Ada", "Kermarrec", "7hq2-secret", "Atelier Dupont"):
        assert trace not in letter.text + letter.html + letter.subject
    strictly(letter.html)


def test_nothing_else_keeps_the_address_while_the_last_letter_is_under_way(street, ada):
    forget(street, ada)

    assert addresses(street) == ["ada@example.org"]
    assert [letter.text for letter in street.letters("registered")] == [""]
    assert confirmed(street) == []
    assert finish(street) == 0


def test_the_address_is_forgotten_and_that_is_told_once_the_letter_has_left(street, ada, sink, post):
    forget(street, ada)
    post(street.database, sink.start())

    assert finish(street) == 1
    assert sum("ada@example.org" in str(message_from_bytes(one)["To"]) for one in sink.messages) == 1
    assert addresses(street) == []
    (told,) = confirmed(street)
    assert (told["participant_id"], told["gathering_id"]) == (ada["participant_id"], str(SPRING))
    assert told["gone"] == {"letters": 1}
    assert finish(street) == 0
    assert len(confirmed(street)) == 1


@pytest.mark.parametrize("state", ["sent", "unknown", "failed", "bounced", "suppressed", "discarded"])
def test_whatever_became_of_the_last_letter_its_reader_is_forgotten(street, ada, state):
    forget(street, ada)
    settled(street, state)

    assert finish(street) == 1
    assert (addresses(street), len(confirmed(street))) == ([], 1)
    (letter,) = street.letters("erased")
    became = "discarded" if state == "suppressed" else state
    assert (letter.state, letter.text, letter.html, letter.facts) == (became, "", "", None)


@pytest.mark.parametrize("state", ["claimed", "handed"])
def test_nobody_is_forgotten_while_their_letter_is_in_a_posters_hands(street, ada, state):
    forget(street, ada)
    settled(street, state)

    assert finish(street, datetime.now(UTC) + 2 * erasures.GIVEN_UP) == 0
    assert confirmed(street) == []


@pytest.mark.parametrize("state", ["queued", "deferred"])
def test_a_letter_that_never_leaves_keeps_nobody_for_ever(street, ada, state):
    forget(street, ada)
    settled(street, state)
    written = street.letters("erased")[0].created_at

    assert finish(street, written + erasures.GIVEN_UP - timedelta(minutes=1)) == 0
    assert finish(street, written + erasures.GIVEN_UP) == 1
    assert (addresses(street), len(confirmed(street))) == ([], 1)
    assert street.letters("erased")[0].state == "discarded"


def test_who_has_no_address_is_forgotten_at_once(street):
    person = a_person(email="")
    street.hear("registration.participant_registered.v1", registered(person))
    forget(street, person)

    assert street.letters("erased") == []
    assert len(confirmed(street)) == 1


def test_who_was_never_heard_of_is_forgotten_at_once(street):
    forget(street, a_person())

    assert len(confirmed(street)) == 1


def test_a_dead_address_is_not_written_to_and_forgotten_at_once(street, ada):
    with street.database.transaction() as session:
        suppressions.suppress(session, "ada@example.org", letter_id=None, said="550", now=datetime.now(UTC))
    forget(street, ada)

    assert (addresses(street), len(confirmed(street))) == ([], 1)
    with street.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Suppression)) == 0


def test_being_told_of_an_erasure_again_forgets_nothing_too_early(street, ada):
    forget(street, ada)
    with street.database.transaction() as session:
        erasures.erase(session, session.scalars(select(Person.id)).one(), SPRING, now=datetime.now(UTC))

    assert len(street.letters("erased")) == 1
    assert (addresses(street), confirmed(street)) == (["ada@example.org"], [])


def test_a_letter_to_try_the_words_is_nobodys_farewell(street):
    odile = Addressee("odile@example.org", "Odile", "", "fr", "https://palabre.example/donnees")
    with street.database.transaction() as session:
        spring = session.get_one(Gathering, SPRING)
        words = letters.compose("erased", odile, gathering=spring)
        now = datetime.now(UTC)
        letters.send_test(session, "erased", odile, words, gathering=spring, version="try", now=now)
    settled(street, "sent")

    assert finish(street, datetime.now(UTC) + 2 * erasures.GIVEN_UP) == 0
    assert confirmed(street) == []
