from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Blueprint, abort
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from services.chassis import doorkeeper
from services.chassis.db import own_tables
from services.chassis.doorkeeper import Counts, Door, Doorkeeper, TooMany
from tests.unit.chassis.face import an_app

FORM = Door("form", 2)
HALL, HOME = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def visit(open_sqlite, tmp_path) -> Callable[..., FlaskClient]:
    """A house for a crowd of two, with a form and a personal link, and somebody who visits it."""

    def visiting(address=HALL, **given):
        app = an_app(open_sqlite(own_tables(), "registration"), tmp_path, **{"crowd": 2, **given})
        pages = Blueprint("links", __name__)
        doorkeeper.guard(pages, Door("links", 1))
        pages.add_url_rule("/mine/<token>", "mine", lambda token: {"right": "yours"}.get(token) or abort(404))
        app.register_blueprint(pages)
        app.add_url_rule("/form", "form", doorkeeper.counted(FORM)(lambda: "done"))
        app.add_url_rule("/api/form", "api", doorkeeper.counted(FORM)(lambda: "done"))
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client

    return visiting


def statuses(client, path="/form", times=5, **how):
    return [client.get(path, **how).status_code for _ in range(times)]


def test_a_crowd_is_let_in_and_the_next_reads_when_to_come_back(visit):
    client = visit()
    assert statuses(client, times=4) == [200] * 4

    answer = client.get("/form?lang=en")

    assert answer.status_code == 429
    # Early in a window of ten minutes the rest of it goes by, and a quarter of the next, before there is room again.
    assert 1 <= int(answer.headers["Retry-After"]) <= 750
    assert "nothing has been lost." in answer.text


def test_a_program_reads_the_same_as_a_problem(visit):
    client = visit()
    statuses(client, times=4)

    answer = client.get("/api/form?lang=en")

    assert answer.json["code"] == "too-many"
    assert answer.headers["Retry-After"] == str(answer.json["retry_after_s"])


def test_another_network_is_not_kept_waiting(visit):
    client = visit()
    statuses(client)

    assert client.get("/form", environ_base={"REMOTE_ADDR": HOME}).status_code == 200


def test_a_crowd_of_nobody_lifts_the_limits(visit):
    assert statuses(visit(crowd=0), times=20) == [200] * 20


def test_the_machine_itself_is_not_counted(visit):
    assert statuses(visit("127.0.0.1"), times=20) == [200] * 20


def test_a_header_that_anybody_can_write_is_not_believed(visit):
    client = visit()

    found = [client.get("/form", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(5)]

    assert found == [200, 200, 200, 200, 429]


def test_behind_the_gateway_what_the_gateway_wrote_is_counted_and_not_what_stands_before_it(visit):
    client = visit("10.0.0.2", proxies=1)

    found = [
        client.get("/form", headers={"X-Forwarded-For": f"192.0.2.{n}, {HALL}"}).status_code for n in range(5)
    ]
    other = client.get("/form", headers={"X-Forwarded-For": f"{HALL}, {HOME}"}).status_code

    assert (found, other) == ([200, 200, 200, 200, 429], 200)


def test_behind_two_proxies_the_last_but_one_is_who_asks(visit):
    client = visit("10.0.0.2", proxies=2)

    found = [
        client.get("/form", headers={"X-Forwarded-For": f"192.0.2.{n}, {HALL}, 10.0.0.9"}) for n in range(5)
    ]

    assert [answer.status_code for answer in found] == [200, 200, 200, 200, 429]


def test_only_links_that_lead_nowhere_are_counted(visit):
    client = visit()
    assert statuses(client, "/mine/right", 20) == [200] * 20

    assert statuses(client, "/mine/wrong", 4) == [404, 404, 429, 429]
    assert client.get("/mine/right").status_code == 429


def test_no_address_stands_in_the_log(visit, capsys):
    client = visit()
    capsys.readouterr()
    statuses(client)

    said = "".join(capsys.readouterr())
    assert ("door_closed" in said, HALL in said) == (True, False)


@pytest.mark.parametrize(
    "address, other, is_one",
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("127.0.0.1", "::1", True),
    ],
)
def test_a_network_is_an_address_of_ipv4_or_a_64_of_ipv6(address, other, is_one):
    assert (doorkeeper.network_of(address) == doorkeeper.network_of(other)) is is_one


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "", None, "unix:", "not an address"])
def test_what_is_no_network_is_not_counted(address):
    keeper = Doorkeeper(1)
    for _ in range(10):
        keeper.admit(FORM, address)


def test_a_count_costs_the_registration_door_less_than_a_tenth_of_a_millisecond():
    keeper = Doorkeeper(10_000)
    for _ in range(100):
        keeper.admit(FORM, HALL)

    # The fastest of several: what the machine does beside it is no cost of ours.
    def once() -> float:
        began = time.perf_counter()
        for n in range(200):
            keeper.admit(FORM, f"203.0.113.{n % 50}")
        return (time.perf_counter() - began) / 200

    assert min(once() for _ in range(20)) < 1e-4


def test_a_refusal_says_how_long_to_wait():
    keeper = Doorkeeper(1)
    with pytest.raises(TooMany) as refusal:
        for _ in range(3):
            keeper.admit(FORM, HALL)

    wait_s = refusal.value.members["retry_after_s"]
    assert 1 <= wait_s <= doorkeeper.WINDOW_S * 2
    assert refusal.value.members["minutes"] == -(-wait_s // 60)


CAME = st.lists(st.integers(0, 30_000), max_size=60).map(sorted)


@given(came=CAME, limit=st.integers(1, 20))
def test_who_waits_as_long_as_was_said_is_let_in_and_who_waits_less_is_not(came, limit):
    counts, now_s = Counts(600), 0.0
    for now_s in came:
        counts.admit("hall", limit, now_s=now_s)
    wait_s = counts.admit("hall", limit, now_s=now_s, count=False)

    if wait_s > 1:
        assert counts.admit("hall", limit, now_s=now_s + wait_s - 1, count=False) > 0
    assert counts.admit("hall", limit, now_s=now_s + wait_s + 0.001, count=False) == 0


@given(came=CAME, limit=st.integers(1, 20))
def test_no_span_of_one_window_lets_in_more_than_twice_the_limit_and_no_window_more_than_it(came, limit):
    counts = Counts(600)
    let_in = [at for at in came if counts.admit("hall", limit, now_s=at) == 0]

    assert all(sum(first <= at < first + 600 for at in let_in) <= 2 * limit for first in let_in)
    assert all(sum(at // 600 == first // 600 for at in let_in) <= limit for first in let_in)


def test_what_came_two_windows_ago_is_forgotten():
    counts = Counts(600)
    for n in range(1000):
        counts.admit(n, 1, now_s=0.0)
    counts.admit("late", 1, now_s=1300.0)

    assert (len(counts._here), len(counts._before)) == (1, 0)
