from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.names import clean, fold, searchable


@pytest.mark.parametrize(
    "name",
    ["O'Connor", "O’Connor", "Nguyễn", "de La Tour", "Madjiguène", "ليلى حداد", "🌳 Zoë", "👩‍🌾", "A" * 80],
)
def test_a_name_stays_as_it_is_typed(name):
    assert clean(name) == name


def test_zero_width_and_control_characters_leave_a_name():
    assert clean("A\u200bd\u202ea\x00 \x07Lovelace\ufeff") == "Ada Lovelace"


def test_spaces_of_every_kind_become_one():
    assert clean(" Ada\u00a0\u202f Lovelace\r\n") == "Ada Lovelace"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Élise", "Elise"),
        ("E\u0301lise", "Élise"),
        ("Chargé·e", "Chargé(e)"),
        ("Chargé⸱e", "charge•e"),
        ("Jean\u00a0Paul", "jean-paul"),
        ("O'Connor", "O’Connor"),
        ("Œuvrard", "oeuvrard"),
    ],
)
def test_two_spellings_of_one_name_compare_equal(one, other):
    assert fold(one) == fold(other)


def test_names_in_other_scripts_and_signs_keep_a_key():
    assert "" not in {fold("ليلى"), fold("🌳"), fold("!!!")}


@given(st.text(max_size=60))
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text)

    assert clean(once) == once


@given(st.text(max_size=60))
def test_composed_and_decomposed_forms_fold_alike(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("sought", ["O'Connor", "o connor", "oconnor", "OCONNOR", "sinead", "epi"])
def test_a_name_with_an_apostrophe_is_found_however_one_types_it(sought):
    there = searchable("Sinéad", "O’Connor", "Épi & Compagnie")

    assert all(word in there for word in fold(sought).split())
