"""Letters through a real mail server: each once, and what is not known is said."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from services.chassis.settings import Settings
from services.notifications import deliveries, lines, posting
from services.notifications.lines import Line
from services.notifications.models import Base, Delivery, Letter
from tests.postgres import free_port
from tests.unit.notifications.sink import Sink

SENDER = "palabre@passerelles.example"


@pytest.fixture
def database(open_database):
    return open_database(Base.metadata, "notifications")


@pytest.fixture
def sink():
    server = Sink()
    yield server
    server.stop()


def a_letter(number=1, **other):
    letter_id = uuid4()
    now = datetime.now(UTC)
    return Letter(
        **{
            "id": letter_id,
            "gathering_id": None,
            "participant_id": None,
            "kind": "registered",
            "version": "1",
            "dedupe_key": str(letter_id),
            "message_id": f"<{letter_id}@palabre.example>",
            "email": f"person{number}@example.org",
            "name": f"Personne {number}",
            "sender_name": "Passerelles",
            "reply_to": "",
            "language": "fr",
            "subject": "Votre place est réservée",
            "text": "Bonjour,\n\n.un point seul\n.\nfin\n",
            "html": "<!doctype html><title>x</title><p>Bonjour",
            "ics": None,
            "ics_method": None,
            "is_solicitation": False,
            "state": "queued",
            "next_at": now,
            "attempts": 0,
            "created_at": now,
            "queued_at": now,
            **other,
        }
    )


def queue(database, *letters):
    with database.transaction() as session:
        session.add_all(letters)


def post(database, url, now=None):
    """One sweep and one poster's turn."""
    with database.transaction() as session:
        batch = deliveries.claim(session, now or datetime.now(UTC))
    assert batch is not None
    line = Line(url, timeout_s=2)
    try:
        return posting.deliver(database, line, SENDER, batch)
    finally:
        line.close()


def states(database):
    with database.reading() as session:
        return {letter.email: letter.state for letter in session.scalars(select(Letter))}


def only(database):
    with database.reading() as session:
        return session.scalars(select(Letter)).one()


def test_letters_go_over_one_connection_and_keep_the_server_s_words(database, sink):
    url = sink.start()
    queue(database, *(a_letter(n) for n in range(5)))

    assert post(database, url) == 5

    assert sink.connections == 1
    assert len(set(sink.ids())) == 5
    with database.reading() as session:
        for letter in session.scalars(select(Letter)):
            assert (letter.state, letter.reply, letter.attempts) == ("sent", "250 2.0.0 taken", 1)
        assert session.scalars(select(Delivery.outcome)).all() == ["sent"] * 5


def test_a_line_that_begins_with_a_dot_arrives_as_written(database, sink):
    queue(database, a_letter())

    post(database, sink.start())

    assert b"\r\n.un point seul\r\n" in sink.messages[0]


def test_a_temporary_refusal_waits_and_is_tried_again(database, sink):
    url = sink.start()
    sink.rcpt = lambda address: "450 4.2.1 boîte occupée"
    queue(database, a_letter())

    post(database, url)

    letter = only(database)
    assert (letter.state, letter.attempts) == ("deferred", 1)
    assert letter.reply.startswith("450 4.2.1 bo")
    assert timedelta(seconds=50) < letter.next_at - datetime.now(UTC) <= timedelta(minutes=1)
    sink.rcpt = lambda address: "250 OK"
    assert post(database, url, datetime.now(UTC) + timedelta(minutes=2)) == 1
    assert states(database) == {letter.email: "sent"}


def test_the_waits_grow_and_end_after_two_days(database, sink):
    url = sink.start()
    sink.data = lambda number: "451 4.3.0 plus tard"
    asked_at = datetime.now(UTC) - timedelta(hours=47, minutes=50)
    queue(database, a_letter(attempts=3, queued_at=asked_at))

    post(database, url)

    assert only(database).state == "failed"
    with database.transaction() as session:
        waits = []
        for attempts in range(8):
            letter = a_letter(state="claimed", claimed_by=uuid4(), attempts=attempts)
            session.add(letter)
            session.flush()
            deliveries.put_off(session, letter, letter.claimed_by, "450", letter.created_at)
            session.refresh(letter)
            waits.append((letter.next_at - letter.created_at).total_seconds() / 60)
    assert waits == [1, 5, 15, 60, 120, 240, 480, 480]


@pytest.mark.parametrize("place", ["rcpt", "data"])
def test_a_final_refusal_is_final_and_says_the_server_s_words(database, sink, place):
    url = sink.start()
    setattr(sink, place, lambda about: "550 5.1.1 adresse inconnue")
    queue(database, a_letter())

    assert post(database, url) == 0

    letter = only(database)
    assert (letter.state, letter.reply) == ("failed", "550 5.1.1 adresse inconnue")


def test_one_refusal_does_not_hold_up_the_others(database, sink):
    url = sink.start()
    sink.rcpt = lambda address: "550 no" if address.startswith("person1@") else "250 OK"
    queue(database, *(a_letter(n) for n in range(3)))

    assert post(database, url) == 2

    assert Counter(states(database).values()) == {"sent": 2, "failed": 1}


def test_a_connection_cut_after_the_letter_leaves_it_unknown_and_never_resent(database, sink):
    url = sink.start()
    sink.cut = True
    queue(database, a_letter())

    post(database, url)

    assert only(database).state == "unknown"
    with database.transaction() as session:
        assert deliveries.claim(session, datetime.now(UTC) + timedelta(days=3)) is None
    assert len(sink.messages) == 1


def test_a_server_that_is_away_costs_no_attempt(database):
    queue(database, *(a_letter(n) for n in range(3)))

    assert post(database, f"smtp://127.0.0.1:{free_port()}") == 0

    with database.reading() as session:
        for letter in session.scalars(select(Letter)):
            assert (letter.state, letter.attempts) == ("queued", 0)
            assert letter.next_at > datetime.now(UTC)
            assert letter.reply.startswith(lines.UNREACHABLE)


def test_a_server_that_came_back_gets_the_letter_over_a_new_connection(database, sink):
    url = sink.start()
    line = Line(url, timeout_s=2)
    queue(database, a_letter(1))
    with database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC))
    posting.deliver(database, line, SENDER, batch)
    port = sink.port
    sink.stop()
    sink.start(port)
    queue(database, a_letter(2))
    with database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC))

    assert posting.deliver(database, line, SENDER, batch) == 1

    line.close()


def test_two_posters_with_one_batch_send_each_letter_once(database, sink):
    """A broker may deliver the same task twice."""
    url = sink.start()
    queue(database, *(a_letter(n) for n in range(4)))
    with database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC))
    first, second = Line(url), Line(url)

    taken = posting.deliver(database, first, SENDER, batch) + posting.deliver(database, second, SENDER, batch)

    assert taken == 4
    assert len(set(sink.ids())) == len(sink.ids()) == 4
    first.close(), second.close()


def test_a_batch_that_was_claimed_again_is_left_alone_by_its_first_poster(database, sink):
    url = sink.start()
    queue(database, a_letter())
    with database.transaction() as session:
        first = deliveries.claim(session, datetime.now(UTC))
    with database.transaction() as session:
        deliveries.claim(session, datetime.now(UTC) + timedelta(seconds=16))

    line = Line(url)
    assert posting.deliver(database, line, SENDER, first) == 0
    line.close()

    assert sink.messages == []


def test_what_a_dead_poster_had_handed_is_listed_as_unknown(database):
    handed_at = datetime.now(UTC) - timedelta(minutes=3)
    queue(database, a_letter(1, state="handed", claimed_by=uuid4(), claimed_at=handed_at, next_at=None))
    queue(database, a_letter(2, state="handed", claimed_by=uuid4(), claimed_at=datetime.now(UTC), next_at=None))

    with database.transaction() as session:
        assert deliveries.doubt(session, datetime.now(UTC)) == 1

    assert states(database) == {"person1@example.org": "unknown", "person2@example.org": "handed"}


def test_a_server_that_can_be_asked_settles_what_is_unknown(database):
    queue(database, *(a_letter(n, state="unknown", next_at=None) for n in range(3)))
    with database.reading() as session:
        has, has_not, _ = session.scalars(select(Letter.message_id).order_by(Letter.email)).all()

    known = posting.ask(database, {has: True, has_not: False}.get)

    assert known == 2
    assert list(dict(sorted(states(database).items())).values()) == ["sent", "queued", "unknown"]


def test_the_sweep_gives_out_batches_and_no_more_than_posters_can_take(database):
    queue(database, *(a_letter(n) for n in range(200)))

    with database.transaction() as session:
        first = deliveries.find(session, datetime.now(UTC))
    with database.transaction() as session:
        second = deliveries.find(session, datetime.now(UTC))

    assert (len(first), len(second)) == (deliveries.BATCHES, 0)


def test_held_letters_are_numbered_in_order_and_never_leave(open_database):
    database = open_database(Base.metadata, "notifications")
    queue(database, *(a_letter(n) for n in range(30)))
    held = Settings(mode="test", smtp_url="held:")
    with database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC))

    assert posting.post(database, held, str(batch)) == 30

    with database.reading() as session:
        letters = session.scalars(select(Letter)).all()
    assert sorted(letter.number for letter in letters) == list(range(1, 31))
    assert {(letter.state, letter.reply) for letter in letters} == {("sent", "held")}


def test_an_address_with_accents_goes_only_where_it_can(database, sink):
    url = sink.start(enable_SMTPUTF8=False)
    queue(database, a_letter(email="hélène@example.org"), a_letter(email="jo@éxample.fr"))

    post(database, url)

    assert states(database) == {"hélène@example.org": "failed", "jo@éxample.fr": "sent"}
    assert sink.recipients == ["jo@xn--xample-9ua.fr"]


def test_an_address_with_accents_travels_by_smtputf8(database, sink):
    url = sink.start(enable_SMTPUTF8=True)
    queue(database, a_letter(email="hélène@example.org"))

    assert post(database, url) == 1

    assert sink.recipients == ["hélène@example.org"]


@pytest.mark.parametrize(
    "wrong", ["nobody", "a b@example.org", "a@b@example.org\r\nRCPT TO:<x@y.fr>", "@x.fr", "a@"]
)
def test_an_impossible_address_fails_before_the_server_hears_it(database, sink, wrong):
    url = sink.start()
    queue(database, a_letter(1, email=wrong), a_letter(2))

    assert post(database, url) == 1

    assert sink.recipients == ["person2@example.org"]
    assert states(database)[wrong] == "failed"


def test_a_killed_poster_loses_no_letter_and_sends_none_twice(database, tmp_path):
    """kill -9 at random: at the end each letter arrived once or is listed as unknown, never neither, never twice."""
    accepted = tmp_path / "accepted"
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.unit.notifications.sink", str(port), str(accepted)],
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    server.stdout.readline()
    letters = 150
    queue(database, *(a_letter(n) for n in range(letters)))
    command = [
        sys.executable,
        "-m",
        "tests.unit.notifications.poster",
        database.url.render_as_string(hide_password=False),
        f"smtp://127.0.0.1:{port}",
    ]
    chance, kills = random.Random(5), 0  # noqa: S311

    try:
        while True:
            before = len(accepted.read_bytes().splitlines()) if accepted.exists() else 0
            poster = subprocess.Popen(command)
            if kills == 6:
                assert poster.wait(timeout=60) == 0
                break
            # Killed in the midst of its work, wherever that is; a machine under load starts slowly.
            while (len(accepted.read_bytes().splitlines()) if accepted.exists() else 0) <= before:
                assert poster.poll() is None
                time.sleep(0.005)
            time.sleep(chance.uniform(0, 0.08))
            poster.kill()
            poster.wait()
            kills += 1
            with database.transaction() as session:  # the hour passes: claims are over
                past = datetime.now(UTC) - timedelta(seconds=1)
                session.execute(update(Letter).where(Letter.state == "claimed").values(next_at=past))
    finally:
        server.kill()
        server.wait()

    with database.transaction() as session:
        deliveries.doubt(session, datetime.now(UTC) + timedelta(minutes=5))
    arrived = Counter(accepted.read_text().split())
    with database.reading() as session:
        rows = {letter.message_id: letter.state for letter in session.scalars(select(Letter))}
    assert max(arrived.values()) == 1
    never = {message_id for message_id in rows if message_id not in arrived}
    assert {rows[message_id] for message_id in never} <= {"unknown"}
    assert Counter(rows.values())["unknown"] <= kills
    assert set(rows.values()) <= {"sent", "unknown"}


def test_a_slip_in_the_organiser_s_address_keeps_nobody_from_their_letter(database, sink):
    queue(database, a_letter(reply_to="equipe@@passerelles"))

    assert post(database, sink.start()) == 1

    assert b"Reply-To" not in sink.messages[0]


def test_a_database_that_fails_between_offer_and_letter_leaves_no_half_letter_on_the_line(database, sink):
    url = sink.start()
    queue(database, a_letter())
    with database.transaction() as session:
        batch = deliveries.claim(session, datetime.now(UTC))
    line, whole = Line(url, timeout_s=30), database.transaction

    @contextmanager
    def breaking(**about):
        raise OperationalError("disk full", None, OSError())
        yield

    database.transaction = breaking
    with pytest.raises(OperationalError):
        posting.deliver(database, line, SENDER, batch)
    database.transaction = whole

    began = time.monotonic()
    assert posting.deliver(database, line, SENDER, batch) == 1
    assert time.monotonic() - began < 10  # the server was not left waiting for the rest of it
    line.close()
    assert len(sink.messages) == 1
    assert sink.messages[0].startswith(b"From:")
