"""Which server is next and when: rates that hold over all posters, rest for one that is away, the next in line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.notifications import mail_servers
from services.notifications.lines import Server
from services.notifications.mail_servers import Closed, Turn
from services.notifications.models import Base, Letter, MailServer
from tests.postgres import free_port
from tests.unit.notifications.posted import At, a_letter, queue, states

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(open_database):
    return open_database(Base.metadata, "notifications")


def turn(database, servers, wanted, now):
    with database.transaction() as session:
        return mail_servers.next_turn(session, servers, wanted, now)


def a_second(moments, seconds):
    """The most moments in any stretch of so many seconds."""
    ordered = sorted(moments)
    return max(sum(at <= other < at + timedelta(seconds=seconds) for other in ordered) for at in ordered)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([0.5, 1.0, 3.0, 10.0, 150.0]),
    pauses=st.lists(st.floats(0, 20), min_size=2, max_size=25),
    wanted=st.integers(1, 20),
)
def test_no_stretch_of_time_holds_more_slots_than_the_rate_allows(open_sqlite, rate, pauses, wanted):
    """Whoever asks and whenever: a pause saves nothing up."""
    database = open_sqlite(Base.metadata, "notifications")
    server, now, slots = Server.at(f"smtp://mail.example?rate={rate}"), NOON, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        answer = turn(database, [server], wanted, now)
        if isinstance(answer, Turn):
            assert all(slot >= now for slot in answer.slots)
            slots += answer.slots
        else:
            assert answer.until > now

    for stretch in (1, 10, 60):
        assert a_second(slots, stretch) <= rate * stretch + 1


def test_a_slot_is_good_for_one_interval_only(database):
    given_turn = turn(database, [Server.at("smtp://mail.example?rate=2")], 20, NOON)

    assert given_turn.slots == (NOON,)
    assert not given_turn.is_late(NOON, NOON + timedelta(seconds=0.5))
    assert given_turn.is_late(NOON, NOON + timedelta(seconds=0.6))


def test_without_a_rate_nothing_is_written(database):
    answer = turn(database, [Server.at("smtp://mail.example")], 20, NOON)

    assert answer.slots == (NOON,) * 20
    with database.reading() as session:
        assert session.scalars(select(MailServer)).all() == []


@pytest.mark.parametrize(
    "said, a_second", [("10", 10), ("10/s", 10), ("90/min", 1.5), ("1800/h", 0.5), ("0", 0)]
)
def test_a_rate_is_said_by_second_minute_or_hour(said, a_second):
    assert Server.at(f"smtp://mail.example?rate={said}").rate == a_second


def test_a_server_is_called_without_its_password():
    assert Server.at("smtps://palabre:secret@mail.example").name == "palabre@mail.example:465"


def test_the_preferred_server_is_taken_and_the_next_only_while_it_rests(database):
    first, second = Server.all_at("smtp://one.example smtp://two.example")
    with database.transaction() as session:
        mail_servers.rest(session, first, "gone", NOON)

    assert turn(database, [first, second], 5, NOON).server == second
    assert turn(database, [first, second], 5, NOON + timedelta(seconds=2)).server == first


def test_a_server_that_came_back_is_tried_with_one_letter_by_one_poster(database):
    server = Server.at("smtp://one.example")
    with database.transaction() as session:
        mail_servers.rest(session, server, "gone", NOON)
    later = NOON + timedelta(seconds=2)

    first, second = (turn(database, [server], 20, later) for _ in range(2))

    assert (len(first.slots), first.is_trial) == (1, True)
    assert second == Closed(later + mail_servers.TRIAL)
    with database.transaction() as session:
        mail_servers.well(session, server)
    assert len(turn(database, [server], 20, later).slots) == 20


def test_rests_grow_to_half_a_minute_and_end_with_an_answer(database):
    server, now, rests = Server.at("smtp://one.example"), NOON, []
    for _ in range(8):
        with database.transaction() as session:
            mail_servers.rest(session, server, "gone", now)
            row = session.get_one(MailServer, server.name)
            rests.append((row.rests_until - now).total_seconds())
            now = row.rests_until
        assert isinstance(turn(database, [server], 1, now), Turn)

    assert all(
        0.7 * most <= rest <= most for rest, most in zip(rests, (1, 2, 4, 8, 16, 30, 30, 30), strict=True)
    )


def test_two_posters_that_find_a_server_away_rest_it_once(database):
    server = Server.at("smtp://one.example")
    for _ in range(2):
        with database.transaction() as session:
            mail_servers.rest(session, server, "gone", NOON)

    with database.reading() as session:
        assert session.get_one(MailServer, server.name).failures == 1


def test_letters_go_by_the_next_server_when_the_first_is_away(database, sink, a_poster):
    queue(database, *(a_letter(n) for n in range(30)))
    urls = f"smtp://127.0.0.1:{free_port()} {sink.start()}"

    assert a_poster(urls).post(database) == 30

    with database.reading() as session:
        letter = session.scalars(select(Letter)).first()
        assert [d.server for d in letter.deliveries] == [f"127.0.0.1:{sink.port}"]
    assert len(set(sink.ids())) == 30


def test_nothing_is_claimed_while_every_server_rests(database):
    server = Server.at("smtp://one.example")
    with database.transaction() as session:
        mail_servers.rest(session, server, "gone", NOON)

    with database.reading() as session:
        assert mail_servers.open_from(session, [server], NOON) > NOON
        assert mail_servers.open_from(session, [server, Server.at("smtp://two.example")], NOON) == NOON


def test_letters_leave_at_the_rate_of_their_server(database, sink, a_poster):
    queue(database, *(a_letter(n) for n in range(12)))
    clock, moments = At(datetime.now(UTC) + timedelta(seconds=1)), []
    sink.rcpt = lambda address: moments.append(clock.at) or "250 OK"

    assert a_poster(f"{sink.start()}?rate=4", clock=clock).post(database, turn_s=60) == 12

    assert [(at - moments[0]).total_seconds() for at in moments] == [n / 4 for n in range(12)]


def test_after_a_storm_of_ten_minutes_no_burst_exceeds_the_rate(database, sink, a_poster):
    """Every letter was refused for now again and again; when the server is well, all are due, and still they queue."""
    rate, letters, began = 0.5, 60, datetime.now(UTC) + timedelta(seconds=1)
    queue(database, *(a_letter(n) for n in range(letters)))
    clock, attempts = At(began), []

    def answer(address):
        attempts.append(clock.at)
        is_storm = clock.at < began + timedelta(minutes=10)
        return "451 4.3.2 too busy" if is_storm else "250 OK"

    sink.rcpt = answer
    poster = a_poster(f"{sink.start()}?rate={rate}", clock=clock)

    while set(states(database).values()) != {"sent"}:
        poster.post(database, turn_s=30)
        clock.at += timedelta(seconds=1)
        assert clock.at < began + timedelta(hours=3)

    for stretch in (1, 10, 60, 600):
        assert a_second(attempts, stretch) <= rate * stretch + 1
    assert len(set(sink.ids())) == len(sink.ids()) == letters
