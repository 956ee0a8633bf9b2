from __future__ import annotations

import pytest

from services.registration.addresses import NotAnAddress, meant, read


def test_a_trailing_space_and_capitals_are_forgiven():
    assert read(" Ada.Lovelace@Example.ORG \n") == "ada.lovelace@example.org"


def test_a_decomposed_address_is_the_composed_one():
    assert read("rene\u0301@example.org") == "rené@example.org"


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@", "@example.org", "ada@example", "a b@example.org", "a@b@c.fr"]
)
def test_what_no_letter_can_reach_is_refused(text):
    with pytest.raises(NotAnAddress):
        read(text)


@pytest.mark.parametrize("text", ["ada@example.org\nBcc: all@example.org", "ada@example.org\r\nX: y"])
def test_crlf_in_an_address_is_refused(text):
    with pytest.raises(NotAnAddress):
        read(text)


@pytest.mark.parametrize(
    ("typed", "suggestion"),
    [
        ("ada@gmial.com", "ada@gmail.com"),
        ("ada@gmai.com", "ada@gmail.com"),
        ("ada@hotmial.fr", "ada@hotmail.fr"),
        ("ada@wanado.fr", "ada@wanadoo.fr"),
        ("rené@example.org", "rene@example.org"),
    ],
)
def test_a_slip_of_the_finger_is_asked_about(typed, suggestion):
    assert meant(typed) == suggestion


@pytest.mark.parametrize("typed", ["ada@gmail.com", "ada@example.org", "ada@sfr.fr", "ada@passerelles.example"])
def test_nothing_is_asked_about_a_plain_address(typed):
    assert meant(typed) is None
