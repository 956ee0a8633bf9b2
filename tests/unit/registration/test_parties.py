from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from marshmallow import ValidationError

from services.registration import parties, registrations
from services.registration.schemas.people import PartyForm
from tests.unit.registration.conftest import LINKS, NOON

PEOPLE = [{"given": name, "family": "", "email": f"{name.lower()}@example.org"} for name in ("Ada", "Bo", "Cy")]


@pytest.fixture
def together(registration):
    def asking(gathering, people=PEOPLE, **other):
        said = {"territory": "A", "trade": "direction", "structure": "Atelier", "language": "fr", **other}
        with registration.transaction() as session:
            return parties.ask(session, gathering.id, people=people, **said, links=LINKS, now=NOON)

    return asking


def test_a_team_larger_than_the_places_left_holds_them_in_its_order_and_the_others_wait(a_gathering, together):
    asked = together(a_gathering(seats=2))

    assert [(one.name, one.answer.outcome, one.answer.rank) for one in asked] == [
        ("Ada", "held", None),
        ("Bo", "held", None),
        ("Cy", "waiting", 1),
    ]


def test_each_of_a_team_is_written_to(a_gathering, together, told):
    gathering = a_gathering()
    told()

    together(gathering)

    assert told() == ["address_to_confirm"] * 3


def test_one_person_twice_in_a_team_holds_one_seat(a_gathering, together, told):
    gathering = a_gathering()
    told()

    together(gathering, [PEOPLE[0], PEOPLE[0]])

    assert told() == ["address_to_confirm", "link_asked"]


def test_a_team_that_cannot_be_leaves_nobody_behind(a_gathering, together, told):
    gathering = a_gathering()
    told()

    with pytest.raises(registrations.Misshapen):
        together(gathering, territory="Z")

    assert told() == []


@pytest.mark.parametrize(
    "line",
    ["Ada Lovelace ; ada@example.org", "Ada, Lovelace, ada@example.org", "Ada\tLovelace\tADA@example.org",
     "Ada Lovelace <ada@example.org>", "  Ada   Lovelace;ada@example.org  "],
)  # fmt: skip
def test_a_line_is_read_as_people_paste_it(line):
    assert PartyForm().load({"people": line})["people"] == [
        {"given": "Ada", "family": "Lovelace", "email": "ada@example.org"}
    ]


@pytest.mark.parametrize("line", ["Ada Lovelace", "ada@example.org", "Ada ; not an address", "Ada ; a@b"])
def test_a_line_that_cannot_be_read_is_named_by_its_number(line):
    with pytest.raises(ValidationError) as refusal:
        PartyForm().load({"people": f"Bo ; bo@example.org\n{line}"})

    assert refusal.value.messages == {"people": {2: ["This line cannot be read."]}}


def test_a_structure_registers_its_team_on_the_page(a_gathering, a_browser, told):
    soon = datetime(2040, 6, 12, 8, tzinfo=UTC)
    gathering = a_gathering(seats=1, starts_at=soon, ends_at=soon + timedelta(hours=7))
    told()
    browser = a_browser()
    browser.get(f"/r/{gathering.slug}/ensemble?lang=en")

    form = browser.page.form("", having="people")
    page = browser.send(
        form.fill(people="Ada L ; ada@example.org\nBo ; bo@example.org", territory="A", trade="direction")
    )

    assert told() == ["address_to_confirm", "participant_waitlisted"]
    assert ("seat held until" in page.text, "waiting, number 1" in page.text) == (True, True)
