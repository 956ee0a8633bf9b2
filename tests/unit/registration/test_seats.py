from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.registration.seats import Reason, Room, Waiting, promoted, verdict

TERRITORIES = st.sampled_from("ABC")
ROOMS = st.builds(
    Room,
    seats=st.integers(0, 12),
    quotas=st.dictionaries(TERRITORIES, st.integers(0, 6)),
    held=st.dictionaries(TERRITORIES, st.integers(0, 6)),
)
LINES = st.lists(TERRITORIES, max_size=12).map(
    lambda letters: [Waiting(number, letter, number) for number, letter in enumerate(letters)]
)


@given(ROOMS, LINES)
def test_promotion_never_exceeds_seats_or_quotas(room, line):
    held = dict(room.held)
    for person in promoted(room, line):
        held[person.territory] = held.get(person.territory, 0) + 1

    grown = {letter for letter in held if held[letter] > room.held.get(letter, 0)}
    assert not grown or sum(held.values()) <= room.seats
    assert all(held[letter] <= room.quotas.get(letter, held[letter]) for letter in grown)


@given(ROOMS, LINES)
def test_nobody_who_fits_is_left_in_the_line(room, line):
    chosen = promoted(room, line)
    for person in chosen:
        room = room.seating(person.territory)

    left = [person for person in line if person not in chosen]
    assert [person for person in left if room.refusal(person.territory) is None] == []


@given(ROOMS, LINES)
def test_within_a_territory_the_line_is_kept(room, line):
    chosen = promoted(room, line)

    for letter in "ABC":
        here = [person for person in line if person.territory == letter]
        assert [p for p in chosen if p.territory == letter] == here[: len([p for p in chosen if p in here])]


def test_a_seat_freed_in_one_territory_passes_over_the_first_who_is_from_a_full_one():
    room = Room(10, {"A": 5, "B": 5}, {"A": 5, "B": 4})

    assert [p.who for p in promoted(room, [Waiting("Ada", "A", 1), Waiting("Bo", "B", 2)])] == ["Bo"]


def test_a_newcomer_does_not_overtake_someone_who_fits():
    room = Room(10, {}, {"A": 9})

    assert verdict(room, [Waiting("Ada", "B", 1)], "B") is Reason.full


def test_the_quota_is_named_before_the_house():
    assert Room(1, {"A": 1}, {"A": 1}).refusal("A") is Reason.quota
