from __future__ import annotations

from collections import Counter

from services.registration.models import Gathering
from services.registration.seats import Room
from services.registration.web.figures import leaves_of


def a_gathering(seats, *quotas):
    territories = [{"letter": "ABC"[i], "name": "ABC"[i], "quota": quota} for i, quota in enumerate(quotas)]
    return Gathering(seats=seats, territories=territories)


def test_every_seat_is_a_leaf_and_every_taken_seat_a_full_one():
    leaves = leaves_of(a_gathering(10, 3, 4), Room(10, {}, {"A": 2, "B": 4, "": 1}))

    assert Counter(leaves) == {("A", True): 2, ("A", False): 1, ("B", True): 4, ("", True): 1, ("", False): 2}


def test_without_quotas_the_free_seats_belong_to_nobody():
    leaves = leaves_of(a_gathering(5, None), Room(5, {}, {"A": 2}))

    assert leaves == [("A", True)] * 2 + [("", False)] * 3


def test_a_large_gathering_is_thinned_evenly():
    leaves = leaves_of(a_gathering(24_000, None), Room(24_000, {}, {"A": 12_000}))

    assert Counter(leaves) == {("A", True): 120, ("", False): 120}


def test_a_gathering_without_a_seat_has_no_leaf():
    assert leaves_of(a_gathering(0), Room(0)) == []
