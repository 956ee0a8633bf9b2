"""What organisers hear at once when somebody whom the day was built on does not come."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.unit.notifications.conftest import SPRING
from tests.unit.notifications.reading import strictly
from tests.unit.notifications.test_digests import granted

QUESTION = "Comment garder le lien après la sortie ?"


@pytest.fixture
def team(street):
    """Two who organise, and one at the welcome desk."""
    for name, role in (("Odile", "owner"), ("Dan", "organiser"), ("Eva", "desk")):
        granted(street, uuid4(), name, f"{name.lower()}@passerelles.example", role)
    return street


def leaves(street, what="topic", *, about=None, **other):
    """An accepted topic or story loses whoever brought it."""
    fact = {f"{what}_id": about or str(uuid4()), "gathering_id": str(SPRING), "participant_id": str(uuid4())}
    said = {"question": QUESTION, "number": 4} if what == "topic" else {"title": "Ma première carte"}
    return street.hear(
        f"registration.{what}_withdrawn.v1",
        {**fact, **said, "reason": "withdrawn", **other},
        subject=f"{what}_id",
    )


def test_who_organises_is_told_which_topic_has_nobody_to_carry_it(team):
    leaves(team)

    told = team.letters("loss")
    assert sorted(letter.email for letter in told) == ["dan@passerelles.example", "odile@passerelles.example"]
    for letter in told:
        text = letter.text.replace("\u00a0", " ").replace("\u202f", " ")
        assert "Il manque quelqu’un : La table de printemps" in letter.subject.replace("\u00a0", " ")
        assert ("sujet n° 4" in text, QUESTION in text.replace("’", "'")) == (True, True)
        assert "https://palabre.example/o/table-de-printemps/histoires" in letter.text
        strictly(letter.html)


def test_a_story_without_its_teller_is_told_without_its_title(team):
    leaves(team, "story")

    (letter, _other) = team.letters("loss")
    assert ("Une histoire acceptée" in letter.text, "carte" in letter.text) == (True, False)


@pytest.mark.parametrize("reason", ["declined", ""])
def test_what_the_team_decided_itself_or_nobody_knows_why_is_no_news_to_it(team, reason):
    leaves(team, reason=reason)

    assert team.letters("loss") == []


def test_a_topic_that_is_brought_again_and_lost_again_is_told_again(team):
    topic = str(uuid4())

    leaves(team, about=topic)
    leaves(team, about=topic)

    assert len(team.letters("loss")) == 4
