from __future__ import annotations

from datetime import timedelta

import pytest

from services.chassis.errors import Misshapen
from services.registration import gatherings, sign_ins
from tests.unit.registration.conftest import DESCRIPTION, LINKS, NOON


@pytest.fixture
def create(registration, odile):
    def making(**other):
        with registration.transaction() as session:
            return gatherings.create(session, by=odile, links=LINKS, now=NOON, **{**DESCRIPTION, **other})

    return making


@pytest.fixture
def change(registration, odile):
    def changing(gathering, **wanted):
        with registration.transaction() as session:
            return gatherings.change(
                session,
                gathering.id,
                by=odile.id,
                links=LINKS,
                now=NOON,
                **{"version": gathering.version, **wanted},
            )

    return changing


def test_a_new_gathering_is_told_with_its_owner(create, told):
    create()

    assert told() == ["role_granted", "gathering_described"]


def test_two_gatherings_of_one_name_have_two_addresses(create):
    assert [create().slug for _ in range(3)] == ["spring-table", "spring-table-2", "spring-table-3"]


def test_a_date_in_the_past_and_an_end_before_the_start_are_said_together(create):
    with pytest.raises(Misshapen) as refusal:
        create(starts_at=NOON - timedelta(days=1), ends_at=NOON - timedelta(days=2))

    assert refusal.value.errors == {
        "starts_at": ["This date is in the past."],
        "ends_at": ["The end comes before the start."],
    }


def test_the_second_of_two_editors_sees_the_conflict(create, change):
    gathering = create()
    before = gathering.version
    change(gathering, title="Summer table")

    with pytest.raises(gatherings.ChangedMeanwhile) as refusal:
        change(gathering, version=before, title="Autumn table")

    assert refusal.value.members == {"version": before + 1, "fields": ["title"]}


def test_a_territory_keeps_its_letter_when_another_comes_before_it(create, change):
    gathering = change(
        create(), territories=[{"name": "Zone neuve"}, {"name": "BEAUCE", "quota": 4}, {"name": "Armorique"}]
    )

    assert [(one["letter"], one["name"]) for one in gathering.territories] == [
        ("C", "Zone neuve"), ("B", "BEAUCE"), ("A", "Armorique"),
    ]  # fmt: skip


def test_nobody_loses_a_seat_by_an_edit(a_gathering, come, change):
    gathering = a_gathering()
    for name in ("Ada", "Bo"):
        come(gathering, name)

    with pytest.raises(Misshapen) as refusal:
        change(gathering, seats=1, territories=[{"name": "Beauce"}])

    assert refusal.value.errors.keys() == {"seats", "territories"}


def test_a_cancelled_gathering_stays_cancelled(create, registration, odile):
    gathering = create()
    with registration.transaction() as session:
        gatherings.call_off(session, gathering.id, by=odile.id, links=LINKS, now=NOON)

    with pytest.raises(gatherings.GatheringOver), registration.transaction() as session:
        gatherings.open_door(session, gathering.id, by=odile.id, links=LINKS, now=NOON)


def test_one_organiser_sees_nothing_of_another(create, registration, odile):
    gathering = create()

    with registration.transaction() as session:
        pia = sign_ins.welcome(session, "pia@example.org", now=NOON)
        assert gatherings.of_organiser(session, pia.id) == []
        assert [one.id for one in gatherings.of_organiser(session, odile.id)] == [gathering.id]
