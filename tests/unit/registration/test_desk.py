from __future__ import annotations

from datetime import timedelta

import pytest

from services.registration import cancellations, desk, participants, registrations
from services.registration.models import State
from tests.unit.registration.conftest import LINKS, NOON

CY = {
    "given": "Cy",
    "family": "Twombly",
    "email": "cy@example.org",
    "territory": "A",
    "trade": "direction",
    "structure": "",
}


@pytest.fixture
def act(registration, odile):
    def acting(what, *args, **kwargs):
        with registration.transaction() as session:
            return what(session, *args, **{"by": odile.id, "links": LINKS, "now": NOON, **kwargs})

    return acting


def test_a_scan_that_comes_twice_is_one_arrival(a_gathering, come, act, told):
    gathering = a_gathering()
    ada = come(gathering)
    told()

    act(desk.check_in, gathering.id, ada)
    act(desk.check_in, gathering.id, ada)

    assert told() == ["participant_checked_in"]


def test_a_walk_in_is_registered_and_here_at_once(a_gathering, act, told):
    gathering = a_gathering()
    told()

    cy = act(desk.walk_in, gathering.id, **CY)

    assert (cy.walk_in, cy.state, told()) == (
        True,
        State.present,
        ["participant_registered", "participant_checked_in"],
    )


def test_a_walk_in_we_know_is_checked_in_as_themselves(a_gathering, come, act):
    gathering = a_gathering()
    cy = come(gathering, "Cy", family="Twombly")

    here = act(desk.walk_in, gathering.id, **CY)

    assert (here.id, here.walk_in) == (cy, False)


def test_two_people_of_one_name_without_an_address_are_two_people(a_gathering, act, registration):
    gathering = a_gathering()

    first = act(desk.walk_in, gathering.id, **{**CY, "email": ""}, entry="one")
    second = act(desk.walk_in, gathering.id, **{**CY, "email": ""}, entry="two")

    assert first.id != second.id
    with registration.reading() as session:
        assert [one.id for one in participants.akin(session, first)] == [second.id]


@pytest.mark.parametrize("email", ["", "cy@example.org"])
def test_an_entry_of_the_desk_that_comes_twice_is_one_person(a_gathering, act, told, email):
    gathering = a_gathering(seats=1)
    told()

    first = act(desk.walk_in, gathering.id, **{**CY, "email": email}, entry="one")
    again = act(desk.walk_in, gathering.id, **{**CY, "email": email}, entry="one")

    assert (again.id, told()) == (first.id, ["participant_registered", "participant_checked_in"])


def test_an_entry_is_never_somebody_else(a_gathering, act):
    gathering = a_gathering()
    act(desk.walk_in, gathering.id, **{**CY, "email": ""}, entry="one")

    with pytest.raises(desk.AnotherArrival):
        act(desk.walk_in, gathering.id, **{**CY, "given": "Di", "email": ""}, entry="one")


def test_who_has_no_address_may_be_called_as_another_who_has_none(a_gathering, act):
    gathering = a_gathering()
    act(desk.walk_in, gathering.id, **{**CY, "email": ""})
    di = act(desk.walk_in, gathering.id, **{**CY, "given": "Di", "email": ""})
    said = {name: CY[name] for name in ("given", "family", "territory", "trade", "structure")}

    changed = act(registrations.change, di.id, **said, language="fr")

    assert (changed.id, changed.given) == (di.id, "Cy")


def test_nobody_walks_into_a_full_room(a_gathering, come, act):
    gathering = a_gathering(seats=1)
    act(desk.check_in, gathering.id, come(gathering, "Ada"))

    with pytest.raises(desk.RoomFull):
        act(desk.walk_in, gathering.id, **CY)


def test_everybody_who_is_not_here_is_absent_and_may_still_come(
    a_gathering, come, act, registration, odile, told
):
    gathering = a_gathering()
    ada, bo = come(gathering, "Ada"), come(gathering, "Bo")
    act(desk.check_in, gathering.id, ada)
    told()

    with registration.transaction() as session:
        absent = desk.note_absences(session, gathering.id, by=odile.id, now=NOON)
    act(desk.check_in, gathering.id, bo)

    assert (absent, told()) == (1, ["participant_absent", "participant_checked_in"])


def test_someone_who_is_here_gives_no_seat_back(a_gathering, come, act, registration):
    gathering = a_gathering()
    ada = come(gathering)
    act(desk.check_in, gathering.id, ada)

    with pytest.raises(cancellations.AlreadyHere):
        act(cancellations.cancel, ada, now=NOON + timedelta(hours=1))
