"""What is to be done before the day, and who has not answered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from services.registration import invitations, preparing
from services.registration.models import Gathering
from tests.unit.registration.conftest import LINKS, NOON

SOON = datetime(2040, 6, 12, 22, 30, tzinfo=UTC)
LIST = """Prénom;Nom;Courriel;Territoire
Ada;Lovelace;ada@example.org;Armorique
Bo;Muet;bo@example.org;Armorique
Cy;Muet;cy@example.org;Beauce
"""


@pytest.fixture
def gathering(a_gathering):
    return a_gathering(starts_at=SOON, ends_at=SOON + timedelta(hours=7), trades=["direction", "coordination"])


@pytest.fixture
def invited(registration, gathering, odile):
    with registration.transaction() as session:
        staged = invitations.stage(
            session, gathering.id, content=LIST.encode(), file_name="l.csv", by=odile.id, now=NOON
        )
        invitations.apply(session, gathering.id, staged.id, by=odile.id, links=LINKS, now=NOON)


def test_dates_are_counted_back_from_the_day_in_its_own_zone(gathering):
    # 22:30 UTC is the thirteenth in Paris.
    steps = preparing.steps(gathering, today=date(2040, 5, 1), done={"invite"})

    assert [(one.name, one.due, one.is_done, one.is_late) for one in steps[:2]] == [
        ("invite", date(2040, 4, 29), True, False), ("nudge", date(2040, 5, 23), False, False),
    ]  # fmt: skip


def test_a_step_is_late_the_day_after_it_was_due_and_what_others_know_never_is(gathering):
    due = preparing.steps(gathering, today=date(2040, 5, 30), done=set())
    late = preparing.steps(gathering, today=date(2040, 6, 12), done=set())

    assert [one.is_late for one in due if one.name == "topics"] == [False]
    assert {one.name for one in late if one.is_late} == {"invite", "nudge", "stories", "topics"}


def test_who_registered_is_not_silent_whatever_way_they_took(registration, gathering, invited, ask):
    ask(gathering, "Ada")

    with registration.reading() as session:
        found = preparing.silence(session, gathering.id)

    assert [(one.territory, one.invited, one.silent) for one in found] == [("A", 2, 1), ("B", 1, 1)]


def test_the_draft_is_addressed_to_who_coordinates_the_silent_territory(
    organiser, gathering, invited, ask, registration
):
    ask(gathering, "Dee", trade="coordination", territory="B")

    page = organiser.get(f"/o/{gathering.slug}")

    (draft,) = [href for href, _ in page.links if href.startswith("mailto:dee")]
    letter = parse_qs(urlsplit(draft).query)
    assert unquote(urlsplit(draft).path) == "dee@example.org"
    assert letter["subject"] == ["Spring table: who is still missing in Beauce"]
    assert "one has not answered yet" in letter["body"][0]
    assert f"/r/{gathering.slug}" in letter["body"][0]


def test_a_gathering_without_invitations_has_no_silence(registration, gathering):
    with registration.reading() as session:
        assert preparing.silence(session, session.get_one(Gathering, gathering.id).id) == []
