from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sample import words
from infra.sample.cast import cast, plain, shares
from infra.sample.table import HEADER, clean, first_draft


def test_the_reference_day_has_its_numbers():
    day = cast()

    assert (day.seats, len(day.invited), len(day.walk_ins)) == (132, 140, 3)
    assert (day.no_shows, day.answers, len(day.stories), len(day.topics)) == (13, 90, 8, 12)
    assert list(day.quotas.values()) == [18, 16, 14, 17, 16, 18, 15, 18]


def test_the_same_seed_brings_the_same_people():
    assert cast(seed=7) == cast(seed=7)
    assert cast(seed=7) != cast(seed=8)


@given(st.integers(16, 400))
def test_a_day_of_any_size_fills_its_quotas_and_a_few_wait(seats):
    day = cast(seats)
    asking = Counter(person.territory for person in day.invited)

    assert sum(day.quotas.values()) == seats
    assert all(asking[letter] >= quota for letter, quota in day.quotas.items())
    assert len(day.invited) > seats


def test_fewer_than_sixteen_seats_are_no_day():
    with pytest.raises(ValueError, match="too few"):
        cast(15)


def test_every_address_is_fictional_and_only_two_mailboxes_are_shared():
    day = cast()
    addresses = Counter(person.email for person in [*day.invited, *day.walk_ins])

    assert all(address.endswith(".example") for address in addresses)
    assert {address for address, people in addresses.items() if people > 1} == {
        "accueil@les-etangs-partages.example",
        "accueil@scierie-solidaire.example",
    }
    assert max(addresses.values()) == 2


def test_structures_stand_in_one_territory_and_some_are_big():
    day = cast()
    homes = {(person.structure, person.territory) for person in day.invited}
    sizes = Counter(person.structure for person in day.invited)

    assert len(homes) == len(sizes) == 40
    assert max(sizes.values()) >= 6


def test_names_that_break_software_are_there():
    names = {person.name for person in cast().invited}

    assert {f"{given_name} {family}".strip() for given_name, family in words.HARD} <= names


def test_the_file_reads_back_in_windows_1252():
    lines = clean(cast()).decode("cp1252").split("\r\n")

    assert lines[0] == ";".join(HEADER)
    assert len(lines) == 1 + 140 + 1
    assert any("Chargé·e" in line for line in lines)
    assert any(line.startswith("Minh;Nguy?n;") for line in lines)


def test_the_first_draft_is_not_clean():
    draft = first_draft(cast()).decode("cp1252")

    assert draft.count("@gmial.com") == 3
    assert "=HYPERLINK" in draft


@given(st.integers(0, 1000), st.dictionaries(st.text(max_size=2), st.integers(1, 50), min_size=1, max_size=9))
def test_shares_add_up_and_stay_near_their_weight(total, weights):
    given_out = shares(total, weights)
    whole = sum(weights.values())

    assert sum(given_out.values()) == total
    assert all(abs(given_out[key] - total * weight / whole) < 1 for key, weight in weights.items())


def test_an_address_is_made_of_plain_letters():
    assert plain("Pierre-Yves de La Tour") == "pierre.yves.de.la.tour"
    assert plain("Œuvrard") == "oeuvrard"
    assert plain("ليلى حداد") == ""
