"""Letters through a real mail server: each once, and what is not known is said."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from services.chassis.settings import Settings
from services.notifications import deliveries, lines, mail_servers, notes, outcomes, posting
from services.notifications.lines import Server
from services.notifications.models import Base, Delivery, Letter
from services.notifications.notes import Notes, Word
from services.notifications.outcomes import Told
from services.notifications.posters import Clock
from tests.postgres import free_port
from tests.unit.notifications.posted import At, a_letter, queue, states

NOW = datetime.now(UTC)


@pytest.fixture
def database(open_database):
    return open_database(Base.metadata, "notifications")


def claim(database, now=None):
    with database.transaction() as session:
        batch = deliveries.claim(session, now or datetime.now(UTC))
    assert batch is not None
    return batch


def only(database):
    with database.reading() as session:
        return session.scalars(select(Letter)).one()


def test_letters_go_over_one_connection_and_keep_the_server_s_words(database, sink, post):
    url = sink.start()
    queue(database, *(a_letter(n) for n in range(5)))

    assert post(database, url) == 5

    assert sink.connections == 1
    assert len(set(sink.ids())) == 5
    with database.reading() as session:
        for letter in session.scalars(select(Letter)):
            assert (letter.state, letter.reply, letter.attempts) == ("sent", "250 2.0.0 taken", 1)
        assert session.scalars(select(Delivery.outcome)).all() == ["sent"] * 5


def test_a_batch_is_given_whole_though_another_who_came_too_late_still_holds_its_letters(database):
    queue(database, *(a_letter(n) for n in range(5)))
    batch, holds, let_go = claim(database), threading.Event(), threading.Event()

    def come_late():
        with database.transaction() as session:
            session.scalars(select(Letter.id).with_for_update()).all()
            holds.set()
            let_go.wait(20)

    def give():
        with database.transaction() as session:
            return deliveries.hand_over(session, uuid4(), datetime.now(UTC), batch=batch, limit=20)

    with ThreadPoolExecutor(2) as hands:
        late = hands.submit(come_late)
        assert holds.wait(20)
        given = hands.submit(give)
        wait([given], timeout=0.3)
        let_go.set()
        late.result()

    assert len(given.result()) == 5


def test_a_line_that_begins_with_a_dot_arrives_as_written(database, sink, post):
    queue(database, a_letter())

    post(database, sink.start())

    assert b"\r\n.un point seul\r\n" in sink.messages[0]


def test_a_temporary_refusal_waits_and_is_tried_again(database, sink, post):
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


def test_the_waits_grow_and_end_after_two_days(database, sink, post):
    url = sink.start()
    sink.data = lambda number: "451 4.3.0 plus tard"
    asked_at = datetime.now(UTC) - timedelta(hours=47, minutes=50)
    queue(database, a_letter(attempts=3, queued_at=asked_at))

    post(database, url)

    assert only(database).state == "failed"
    with database.transaction() as session:
        waits = []
        for attempts in range(8):
            letter = a_letter(state="handed", claimed_by=uuid4(), attempts=attempts)
            session.add(letter)
            session.flush()
            word = Told(letter.id, "deferred", "mail", "450", letter.created_at, attempts, letter.created_at)
            outcomes.tell(session, letter.claimed_by, [word])
            session.refresh(letter)
            waits.append((letter.next_at - letter.created_at).total_seconds() / 60)
    assert waits == [1, 5, 15, 60, 120, 240, 480, 480]


@pytest.mark.parametrize("place", ["rcpt", "data"])
def test_a_final_refusal_is_final_and_says_the_server_s_words(database, sink, post, place):
    url = sink.start()
    setattr(sink, place, lambda about: "550 5.1.1 adresse inconnue")
    queue(database, a_letter())

    assert post(database, url) == 0

    letter = only(database)
    assert (letter.state, letter.reply) == ("failed", "550 5.1.1 adresse inconnue")


def test_one_refusal_does_not_hold_up_the_others(database, sink, post):
    url = sink.start()
    sink.rcpt = lambda address: "550 no" if address.startswith("person1@") else "250 OK"
    queue(database, *(a_letter(n) for n in range(3)))

    assert post(database, url) == 2

    assert Counter(states(database).values()) == {"sent": 2, "failed": 1}


def test_a_connection_cut_after_the_letter_leaves_it_unknown_and_never_resent(database, sink, post):
    url = sink.start()
    sink.cut = True
    queue(database, a_letter())

    post(database, url)

    assert only(database).state == "unknown"
    with database.transaction() as session:
        assert deliveries.claim(session, datetime.now(UTC) + timedelta(days=3)) is None
    assert len(sink.messages) == 1


def test_a_server_that_is_away_costs_no_attempt(database, post):
    queue(database, *(a_letter(n) for n in range(3)))

    assert post(database, f"smtp://127.0.0.1:{free_port()}") == 0

    with database.reading() as session:
        for letter in session.scalars(select(Letter)):
            assert (letter.state, letter.attempts) == ("queued", 0)
            assert letter.next_at > datetime.now(UTC)
            assert letter.reply.startswith(lines.UNREACHABLE)


def test_a_server_that_came_back_gets_the_letter_over_a_new_connection(database, sink, a_poster):
    poster = a_poster(sink.start())
    queue(database, a_letter(1))
    poster.post(database)
    port = sink.port
    sink.stop()
    sink.start(port)
    queue(database, a_letter(2))

    assert poster.post(database) == 1


def test_two_posters_with_one_batch_send_each_letter_once(database, sink, a_poster):
    """A broker may deliver the same task twice."""
    url = sink.start()
    queue(database, *(a_letter(n) for n in range(30)))
    batch = claim(database)
    posters = [a_poster(url), a_poster(url)]

    with ThreadPoolExecutor(2) as both:
        taken = sum(both.map(lambda poster: poster.post(database, batch), posters))

    assert taken == 30
    assert len(set(sink.ids())) == len(sink.ids()) == 30


def test_a_batch_that_was_claimed_again_is_left_alone_by_its_first_poster(database, sink, a_poster):
    queue(database, a_letter())
    first = claim(database)
    claim(database, datetime.now(UTC) + deliveries.CLAIM)

    assert a_poster(sink.start()).post(database, first) == 0

    assert sink.messages == []


def test_what_a_dead_poster_had_handed_is_listed_as_unknown(database):
    handed_at = datetime.now(UTC) - deliveries.DOUBT
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


def test_an_address_with_accents_goes_only_where_it_can(database, sink, post):
    url = sink.start(enable_SMTPUTF8=False)
    queue(database, a_letter(email="hélène@example.org"), a_letter(email="jo@éxample.fr"))

    post(database, url)

    assert states(database) == {"hélène@example.org": "failed", "jo@éxample.fr": "sent"}
    assert sink.recipients == ["jo@xn--xample-9ua.fr"]


def test_an_address_with_accents_travels_by_smtputf8(database, sink, post):
    url = sink.start(enable_SMTPUTF8=True)
    queue(database, a_letter(email="hélène@example.org"))

    assert post(database, url) == 1

    assert sink.recipients == ["hélène@example.org"]


@pytest.mark.parametrize(
    "wrong", ["nobody", "a b@example.org", "a@b@example.org\r\nRCPT TO:<x@y.fr>", "@x.fr", "a@"]
)
def test_an_impossible_address_fails_before_the_server_hears_it(database, sink, post, wrong):
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
        str(tmp_path),
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
    # Each of its posters was talking about one letter at most.
    assert Counter(rows.values())["unknown"] <= kills * posting.POSTERS
    assert set(rows.values()) <= {"sent", "unknown"}


def test_a_slip_in_the_organiser_s_address_keeps_nobody_from_their_letter(database, sink, post):
    queue(database, a_letter(reply_to="equipe@@passerelles"))

    assert post(database, sink.start()) == 1

    assert b"Reply-To" not in sink.messages[0]


def test_a_database_that_fails_after_a_letter_left_learns_of_it_from_the_notes(
    database, sink, a_poster, tmp_path
):
    url = sink.start()
    queue(database, *(a_letter(n) for n in range(3)))
    poster, whole = a_poster(url), database.transaction

    @contextmanager
    def breaking(**about):
        if sink.messages:
            raise OperationalError("disk full", None, OSError())
        with whole(**about) as session:
            yield session

    database.transaction = breaking
    with pytest.raises(OperationalError):
        poster.post(database)
    database.transaction = whole
    assert set(states(database).values()) == {"handed"}

    posting.take_up(database, tmp_path / "notes")

    assert set(states(database).values()) == {"sent"}
    assert len(sink.messages) == 3


def test_a_dead_poster_s_notes_say_what_became_of_each_letter(database, tmp_path):
    """Sent is sent, begun is unknown, and what it never began is due at once."""
    queue(database, *(a_letter(n) for n in range(4)))
    dead = Notes(tmp_path)
    with database.transaction() as session:
        held = deliveries.hand_over(session, dead.turn, datetime.now(UTC), limit=4)
    by_email = {letter.email[:7]: letter for letter in held}
    dead.begin(by_email["person0"].id)
    dead.end(by_email["person0"].id, Word("sent", "mail:25", "250 taken"))
    dead.begin(by_email["person1"].id)
    dead.end(by_email["person1"].id, Word("failed", "mail:25", "550 no"))
    dead.begin(by_email["person2"].id)
    die(dead)

    posting.take_up(database, tmp_path)

    assert [state for _email, state in sorted(states(database).items())] == [
        "sent",
        "failed",
        "unknown",
        "queued",
    ]
    with database.transaction() as session:
        assert deliveries.claim(session, datetime.now(UTC)) is not None
    assert list(tmp_path.glob("*.notes")) == []


def test_the_notes_of_a_poster_that_lives_are_its_own(database, tmp_path):
    queue(database, a_letter())
    with Notes(tmp_path) as living:
        with database.transaction() as session:
            deliveries.hand_over(session, living.turn, datetime.now(UTC), limit=1)

        posting.take_up(database, tmp_path)

        assert set(states(database).values()) == {"handed"}


def test_notes_from_before_the_machine_stopped_are_not_believed(database, tmp_path, monkeypatch):
    """A power cut may have taken the end of them: their letters are doubted, not sent again."""
    queue(database, a_letter())
    dead = Notes(tmp_path)
    with database.transaction() as session:
        deliveries.hand_over(session, dead.turn, datetime.now(UTC), limit=1)
    die(dead)
    boot = tmp_path / "boot"
    boot.write_text("another")
    monkeypatch.setattr(notes, "_BOOT", boot)

    posting.take_up(database, tmp_path)

    assert set(states(database).values()) == {"handed"}
    with database.transaction() as session:
        assert deliveries.doubt(session, datetime.now(UTC) + deliveries.DOUBT) == 1


def test_half_a_line_of_notes_is_no_answer(tmp_path):
    letter_id, dead = uuid4(), Notes(tmp_path)
    dead.begin(letter_id)
    dead.end(letter_id, Word("sent", "mail:25", "250 taken"))
    die(dead)
    (path,) = tmp_path.glob("*.notes")
    path.write_bytes(path.read_bytes()[:-12])

    (left,) = notes.left(tmp_path)

    assert left.words == {letter_id: Word("begun")}


def test_without_a_folder_of_data_notes_are_kept_where_only_we_can_write(tmp_path, monkeypatch):
    """Somebody else's notes there could say of a letter that it was sent."""
    monkeypatch.setattr(notes.tempfile, "gettempdir", lambda: str(tmp_path))

    folder = notes.folder_in(tmp_path / "missing")

    assert (folder.parent, oct(folder.stat().st_mode & 0o777)) == (tmp_path, "0o700")
    monkeypatch.setattr(notes.os, "getuid", lambda: 4242)
    (tmp_path / "palabre-posting-4242").mkdir()
    with pytest.raises(PermissionError):
        notes.folder_in(tmp_path / "missing")


def test_what_a_living_poster_knows_ends_a_doubt(database, sink, a_poster):
    """A server that answers after minutes: the letter was listed as unknown meanwhile."""
    queue(database, a_letter())
    turn = uuid4()
    with database.transaction() as session:
        (letter,) = deliveries.hand_over(session, turn, datetime.now(UTC), limit=1)
    with database.transaction() as session:
        deliveries.doubt(session, datetime.now(UTC) + deliveries.DOUBT)
    assert only(database).state == "unknown"

    with database.transaction() as session:
        outcomes.tell(session, turn, [Told(letter.id, "sent", "m", "250", datetime.now(UTC), 0, NOW)])

    assert only(database).state == "sent"


def test_a_letter_held_for_too_long_is_asked_for_again_before_it_leaves(database, sink, a_poster):
    """Its poster was frozen, and a person may have settled the letter meanwhile."""
    began = datetime.now(UTC) + timedelta(seconds=1)
    clock = At(began)
    poster = a_poster(sink.start(), clock=clock)
    queue(database, a_letter(1), a_letter(2))

    def freeze(address):
        if clock.at == began:
            clock.at += timedelta(minutes=5)
            with database.transaction() as session:
                deliveries.doubt(session, clock.at)
        return "250 OK"

    sink.rcpt = freeze

    assert poster.post(database, turn_s=3600) == 0

    assert sink.messages == []
    assert set(states(database).values()) == {"unknown"}


@pytest.mark.parametrize(("letter_s", "together"), [(0.001, [20, 40, 80, 10]), (0.1, [20] * 7 + [10])])
def test_letters_share_a_commit_by_more_while_the_server_is_quick(database, sink, a_poster, letter_s, together):
    clock = At(datetime.now(UTC) + timedelta(seconds=1))
    poster = a_poster(sink.start(), clock=clock)
    queue(database, *(a_letter(n) for n in range(150)))
    told: list[int] = []

    def take_time(address):
        clock.at += timedelta(seconds=letter_s)
        return "250 OK"

    def count(connection, cursor, statement, parameters, context, executemany):
        if statement.startswith("INSERT INTO deliveries"):
            told.append(cursor.rowcount)

    sink.rcpt = take_time
    event.listen(database.engine, "after_cursor_execute", count)

    assert poster.post(database, turn_s=3600) == 150

    assert told == together


def test_where_all_is_quiet_somebody_looks_for_the_notes_of_the_dead(database):
    queue(database, a_letter(state="handed", claimed_by=uuid4(), claimed_at=NOW, next_at=None))

    with database.transaction() as session:
        early = deliveries.find(session, NOW + timedelta(seconds=1))
        late = deliveries.find(session, NOW + deliveries.STALE)

    assert (len(early), len(late)) == (0, 1)


def test_a_clock_that_was_an_hour_ahead_holds_no_letter_back(database):
    """Claimed, handed and queued by it, and a rest it gave; what waits for the morning waits on."""
    ahead, morning = NOW + timedelta(hours=1), NOW + timedelta(hours=9)
    queue(
        database,
        a_letter(1, queued_at=ahead, next_at=ahead),
        a_letter(2, state="claimed", claimed_by=uuid4(), next_at=ahead),
        a_letter(3, state="handed", claimed_by=uuid4(), claimed_at=ahead, next_at=None),
        a_letter(4, queued_at=NOW, next_at=morning),
        a_letter(5, queued_at=ahead, next_at=ahead + timedelta(minutes=30)),
    )
    slow, away = Server.all_at("smtp://one.example?rate=5 smtp://two.example")
    with database.transaction() as session:
        mail_servers.next_turn(session, [slow], 1, ahead)
        mail_servers.rest(session, away, "gone", ahead)

    with database.transaction() as session:
        deliveries.set_right(session, NOW)

    with database.reading() as session:
        next_at = {letter.email[6]: letter.next_at for letter in session.scalars(select(Letter))}
        assert mail_servers.open_from(session, [away], NOW) == NOW
        assert mail_servers.open_from(session, [slow], NOW) == NOW
    assert next_at == {"1": NOW, "2": NOW, "3": None, "4": morning, "5": NOW + timedelta(minutes=30)}
    with database.transaction() as session:
        assert deliveries.doubt(session, NOW + deliveries.DOUBT) == 1


def die(kept):
    """What the kernel does when a process is killed: its files are closed, its locks fall."""
    os.close(kept._file)


class SetBack(Clock):
    """A clock that is an hour behind from some moment on."""

    def __init__(self):
        self.behind = timedelta(0)

    def now(self):
        return super().now() - self.behind


def test_a_clock_that_is_set_back_in_the_midst_of_a_turn_keeps_no_letter_waiting(database, sink, a_poster):
    clock = SetBack()
    queue(database, *(a_letter(n) for n in range(4)))

    def set_back(address):
        clock.behind = timedelta(hours=1)
        return "250 OK"

    sink.rcpt = set_back
    poster = a_poster(sink.start(), clock=clock)
    taken = []
    # A daemon: where it fails, it would sleep for an hour.
    turn = threading.Thread(target=lambda: taken.append(poster.post(database, turn_s=0.5)), daemon=True)
    turn.start()
    turn.join(20)

    assert taken == [4]
