"""Somebody is forgotten: one letter tells them so, and then its address goes too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.notifications import deliveries, digests, erasures, letters, suppressions
from services.notifications.models import Delivery, Farewell, Letter, Person, Suppression
from tests.unit.notifications.conftest import a_person, registered
from tests.unit.notifications.reading import body, opened, strictly

PAGE = "https://palabre.example/moi/7hq2-secret/effacer"
STYLES = {
    "median": "Vous n’y êtes plus nommé·e nulle part.",
    "doublet": "Vous n’y êtes plus nommé ou nommée nulle part.",
    "epicene": "Plus rien ne vous y nomme.",
}


@pytest.fixture
def ada(street):
    """She has a seat, and a letter that says so."""
    person = a_person()
    street.hear("registration.participant_registered.v1", registered(person))
    return person


def forget(street, person, **other):
    fact = {key: person[key] for key in ("participant_id", "gathering_id")}
    return street.hear("registration.participant_erased.v1", {**fact, "reason": "asked", **other})


def finish(street, now=None):
    with street.database.transaction() as session:
        return erasures.finish(session, now or datetime.now(UTC))


def becomes(street, state):
    """The poster learns what became of the last letter."""
    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "erased")).one()
        letter.state = state
        reply = f"what the server said of {letter.email}"
        session.add(Delivery(letter_id=letter.id, at=datetime.now(UTC), outcome="sent", reply=reply))


def confirmed(street):
    with street.database.reading() as session:
        here = outbox.c.type == "notifications.person_erased.v1"
        return [one["gone"] for one in session.scalars(select(outbox.c.body).where(here))]


def traces(street):
    """The tables in which Ada can still be read; what was heard of her is registration's to strike."""
    found = set()
    with street.database.reading() as session:
        for table in (Letter, Delivery, Person, Suppression, Farewell):
            for row in session.execute(select(table.__table__)):
                if any(sign in repr(tuple(row)) for sign in ("ada@", "Ada", "Kermarrec", "7hq2")):
                    found.add(table.__tablename__)
    return sorted(found)


def plain(text):
    """On one line, with blanks that are all alike."""
    return " ".join(text.split())


def test_all_but_the_last_letter_goes_at_once_and_nothing_is_confirmed_yet(street, ada):
    forget(street, ada)

    (first,), (last,) = street.letters("registered"), street.letters("erased")
    assert (first.email, first.state, last.email, last.state) == ("", "discarded", "ada@example.org", "queued")
    assert (traces(street), confirmed(street)) == (["letters"], [])


def test_nothing_is_confirmed_while_the_last_letter_may_still_leave(street, ada):
    forget(street, ada)

    for state in ("queued", "claimed", "handed", "deferred", "unknown"):
        becomes(street, state)
        assert (finish(street), confirmed(street)) == (0, []), state


@pytest.mark.parametrize("state", ["sent", "failed", "bounced", "suppressed", "discarded"])
def test_when_it_has_left_or_never_will_its_address_goes_and_it_is_confirmed_once(street, ada, state):
    forget(street, ada)
    becomes(street, state)

    assert (finish(street), finish(street)) == (1, 0)

    assert (traces(street), confirmed(street)) == ([], [{"letters": 2}])


def test_a_letter_that_cannot_leave_is_given_up_in_the_end(street, ada):
    forget(street, ada)
    soon = datetime.now(UTC) + erasures.PATIENCE

    assert finish(street, soon - timedelta(minutes=5)) == 0
    assert finish(street, soon + timedelta(minutes=5)) == 1

    (last,) = street.letters("erased")
    assert (last.state, last.next_at, traces(street), confirmed(street)) == (
        "discarded",
        None,
        [],
        [{"letters": 2}],
    )


def test_it_leaves_through_a_real_server_once_and_before_its_address_goes(street, ada, post, sink):
    with street.database.transaction() as session:
        session.scalars(select(Letter)).one().state = "sent"
    forget(street, ada)

    url = sink.start()
    post(street.database, url)
    post(street.database, url)
    assert finish(street) == 1
    post(street.database, url)

    assert sink.recipients == ["ada@example.org"]
    assert traces(street) == []


def test_killed_before_the_address_goes_it_goes_at_the_next_turn(street, ada):
    forget(street, ada)
    becomes(street, "sent")

    class Killed(Exception):
        pass

    with pytest.raises(Killed), street.database.transaction() as session:
        assert erasures.finish(session, datetime.now(UTC)) == 1
        raise Killed

    assert (traces(street), confirmed(street)) == (["deliveries", "letters"], [])
    assert (finish(street), confirmed(street), traces(street)) == (1, [{"letters": 2}], [])


def test_the_same_news_heard_again_writes_no_second_letter(street, ada):
    envelope = forget(street, ada)
    becomes(street, "sent")
    finish(street)

    from services.notifications.tasks import inbox  # noqa: PLC0415

    assert inbox.hear(street.database, {**envelope, "attempt": 2}) == "again"
    assert (len(street.letters("erased")), finish(street), len(confirmed(street))) == (1, 0, 1)


def test_being_told_everything_again_leaves_the_last_letter_its_address(street, ada):
    forget(street, ada)

    with street.database.transaction() as session:
        erasures.forget(session, UUID(ada["participant_id"]))

    assert [letter.email for letter in street.letters("erased")] == ["ada@example.org"]


def test_who_has_no_address_is_forgotten_at_once(street):
    bo = a_person(email="")
    street.hear("registration.participant_registered.v1", registered(bo))

    forget(street, bo)

    assert (street.letters(), confirmed(street)) == ([], [{"letters": 0}])


def test_whom_nobody_here_knows_is_forgotten_at_once(street):
    forget(street, a_person())

    assert (street.letters(), confirmed(street)) == ([], [{"letters": 0}])


def test_nothing_is_sent_to_an_address_that_letters_come_back_from(street, ada):
    with street.database.transaction() as session:
        suppressions.suppress(session, ada["email"], letter_id=None, said="550", now=datetime.now(UTC))

    forget(street, ada)

    assert (traces(street), confirmed(street)) == ([], [{"letters": 2}])
    assert [letter.state for letter in street.letters("erased")] == ["discarded"]


def test_in_held_mode_the_last_letter_has_left_when_it_lies_in_the_local_mailbox(street, ada):
    forget(street, ada)
    assert finish(street) == 0

    now = datetime.now(UTC)
    with street.database.transaction() as session:
        batch = deliveries.claim(session, now, is_held=True)
    with street.database.transaction() as session:
        deliveries.keep(session, batch, now)

    assert finish(street) == 1
    assert (traces(street), confirmed(street)) == ([], [{"letters": 2}])
    assert [letter.number is not None for letter in street.letters("erased")] == [True]


def test_after_a_restore_a_letter_that_may_have_left_is_not_sent_twice(street, ada):
    forget(street, ada)
    with street.database.transaction() as session:
        deliveries.after_restore(session, datetime.now(UTC) + timedelta(seconds=1))

    assert [letter.state for letter in street.letters("erased")] == ["unknown"]
    assert finish(street, datetime.now(UTC) + erasures.PATIENCE + timedelta(minutes=1)) == 1
    assert (traces(street), confirmed(street)) == ([], [{"letters": 2}])


def test_others_keep_their_letters(street, ada):
    bo = a_person(given="Bo", email="bo@example.org")
    street.hear("registration.participant_registered.v1", registered(bo))

    forget(street, ada)
    becomes(street, "sent")
    finish(street)

    assert [letter.email for letter in street.letters("registered")] == ["", "bo@example.org"]


@pytest.mark.parametrize("writing", STYLES)
def test_it_says_in_french_what_went_what_stays_and_that_it_is_the_last(street, ada, writing):
    street.describe(version=2, writing=writing)
    forget(street, ada)

    (letter,) = street.letters("erased")
    message = opened(letter)
    text = plain(body(message, "plain"))
    assert plain(letter.subject) == "Vos données sont effacées : La table de printemps"
    for words in (
        "Bonjour Ada,",
        "Vous l’avez demandé",
        STYLES[writing],
        "une place libre",
        "le dernier",
        PAGE,
    ):
        assert words in text, words
    assert (message["List-Unsubscribe"], message["Precedence"]) == (None, None)
    strictly(body(message, "html"))


def test_it_says_so_in_english_too_and_why(street):
    bo = a_person(given="Bo", language="en")
    street.hear("registration.participant_registered.v1", registered(bo))

    forget(street, bo, reason="retention")

    (letter,) = street.letters("erased")
    text = plain(body(opened(letter), "plain"))
    assert letter.subject == "Your data are erased: La table de printemps"
    for words in ("Hello Bo,", "that day is over", "What stays names nobody:", "a free place", PAGE):
        assert words in text, words
    assert "You asked" not in text


def test_what_was_written_to_somebody_forgotten_is_neither_sent_again_nor_told_in_a_digest(street, ada):
    forget(street, ada)
    becomes(street, "failed")
    finish(street)

    with street.database.transaction() as session:
        letter = session.scalars(select(Letter).where(Letter.kind == "erased")).one()
        session.add(Delivery(letter_id=letter.id, at=datetime.now(UTC), outcome="failed", reply=""))
        assert not digests.news(session, letter.gathering_id, None)
        with pytest.raises(letters.NothingToSettle):
            letters.settle(session, letter, arrived=False, now=datetime.now(UTC))
