"""Who is asked to help, and how they come in."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import sign_ins, teams
from services.registration.events import ColleagueInvited
from tests.unit.registration.conftest import LINKS, NOON


@pytest.fixture
def gathering(a_gathering):
    return a_gathering()


@pytest.fixture
def invite(registration, gathering, odile):
    """Ask somebody to help and return what their letters say."""

    def inviting(email="dan@example.org", role="desk", now=NOON):
        with registration.transaction() as session:
            asked = {"email": email, "name": "Dan", "role": role, "language": "fr"}
            teams.invite(session, gathering, **asked, links=LINKS, by=odile.id, now=now)
            sent = select(outbox.c.body).where(outbox.c.type == ColleagueInvited.type)
            return list(session.scalars(sent.order_by(outbox.c.sequence)))

    return inviting


def test_a_colleague_comes_in_by_their_letter_to_the_gathering_they_help_with(registration, gathering, invite):
    (letter,) = invite()
    link = urlsplit(letter["link"])

    with registration.transaction() as session:
        entered = sign_ins.use(session, link.path.rpartition("/")[2], now=NOON + timedelta(days=2))

    assert (entered.email, parse_qs(link.query)) == ("dan@example.org", {"suite": [f"/o/{gathering.slug}"]})
    assert (letter["role"], letter["name"]) == ("desk", "Dan")


def test_asked_again_a_colleague_receives_another_letter_but_no_fourth_within_an_hour(invite):
    sent = [len(invite()) for _ in range(5)]

    assert sent == [1, 2, 3, 3, 3]
    assert len(invite(now=NOON + timedelta(hours=2))) == 4


def test_who_helps_in_two_roles_has_them_both(registration, gathering, invite):
    invite(role="desk")
    invite(role="facilitator")

    with registration.reading() as session:
        held = [
            member.role for member in teams.members(session, gathering.id) if member.email == "dan@example.org"
        ]

    assert held == ["desk", "facilitator"]
