from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import sign_ins
from tests.unit.registration.conftest import LINKS, NOON


@pytest.fixture
def ask(registration):
    """Ask for a way in and return what the letter says."""

    def asking(email="odile@example.org", now=NOON):
        with registration.transaction() as session:
            sign_ins.ask(session, email=email, language="fr", links=LINKS, now=now)
            bodies = session.scalars(select(outbox.c.body).order_by(outbox.c.sequence)).all()
        letters = [body for body in bodies if "code" in body]
        return letters[-1] if letters else None

    return asking


@pytest.fixture
def use(registration):
    def using(token, now=NOON):
        with registration.transaction() as session:
            return sign_ins.use(session, token, now=now).email

    return using


def token_of(letter):
    return letter["link"].rpartition("/")[2]


def test_a_link_opens_the_door_once(odile, ask, use):
    token = token_of(ask())

    assert use(token) == "odile@example.org"
    with pytest.raises(sign_ins.LinkSpent):
        use(token)


def test_a_link_is_too_old_after_a_quarter_of_an_hour(odile, ask, use):
    with pytest.raises(sign_ins.LinkSpent):
        use(token_of(ask()), now=NOON + timedelta(minutes=16))


def test_strangers_get_no_letter(odile, ask, told):
    told()

    assert (ask("stranger@example.org"), told()) == (None, [])


def test_three_letters_an_hour_are_enough(odile, ask, told):
    for _ in range(5):
        ask()

    assert told().count("sign_in_asked") == 3


def test_looking_at_a_link_does_not_spend_it(odile, ask, use, registration):
    token = token_of(ask())
    with registration.reading() as session:
        assert sign_ins.is_open(session, token, now=NOON)

    assert use(token) == "odile@example.org"


def test_the_code_of_the_letter_opens_the_door(odile, ask, registration):
    code = ask()["code"]

    with registration.transaction() as session:
        found = sign_ins.use_code(session, email="odile@example.org", code=code, links=LINKS, now=NOON)
    assert found.email == "odile@example.org"


def test_a_code_guessed_too_often_is_spent(odile, ask, registration):
    code = ask()["code"]

    for guess in ["x"] * sign_ins.TRIES + [code]:
        with registration.transaction() as session:
            found = sign_ins.use_code(session, email="odile@example.org", code=guess, links=LINKS, now=NOON)
    assert found is None


def test_the_first_organiser_comes_in_by_a_link_without_a_letter(registration, use):
    with registration.transaction() as session:
        token = sign_ins.first_link(session, " First@Example.org ", NOON)

    assert use(token, now=NOON + timedelta(hours=23)) == "first@example.org"


def test_a_link_shown_to_the_operator_keeps_no_letter_back(registration, odile, ask):
    for _ in range(3):
        with registration.transaction() as session:
            sign_ins.first_link(session, "odile@example.org", NOON)

    assert ask() is not None


def test_a_link_shown_to_the_operator_does_not_hide_the_letters_code(registration, odile, ask):
    code = ask()["code"]
    with registration.transaction() as session:
        sign_ins.first_link(session, "odile@example.org", NOON + timedelta(minutes=1))
    with registration.transaction() as session:
        found = sign_ins.use_code(
            session, email="odile@example.org", code=code, links=LINKS, now=NOON + timedelta(minutes=2)
        )

    assert found is not None
