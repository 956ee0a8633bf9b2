from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.registration import gatherings, registrations, waiting_list
from services.registration.models import Participant, State
from services.registration.seats import Reason
from tests.unit.registration.conftest import LINKS, NOON

MORNING_AFTER = NOON + timedelta(hours=49)


@pytest.fixture
def act(registration):
    def acting(what, *args, **kwargs):
        with registration.transaction() as session:
            return what(session, *args, **{"links": LINKS, "now": NOON, **kwargs})

    return acting


@pytest.fixture
def states(registration):
    def look(*participants):
        with registration.reading() as session:
            return [session.get(Participant, one).state for one in participants]

    return look


@pytest.fixture
def offered(a_gathering, come, ask, act):
    """A gathering of one seat that Ada gave back: Bo is offered it, Cy waits."""
    gathering = a_gathering(seats=1)
    ada = come(gathering, "Ada")
    bo, cy = ask(gathering, "Bo").participant_id, ask(gathering, "Cy").participant_id
    act(registrations.cancel, ada)
    return gathering, bo, cy


def test_accepting_an_offer_takes_the_seat_once(offered, act, told, states):
    _, bo, cy = offered
    told()

    act(waiting_list.accept, bo)
    act(waiting_list.accept, bo)

    assert (told(), states(bo, cy)) == (["participant_registered"], [State.registered, State.waiting])


def test_declining_passes_the_seat_on(offered, act, told, states):
    _, bo, cy = offered
    told()

    act(waiting_list.decline, bo)

    assert told() == ["participant_cancelled", "seat_offered"]
    assert states(bo, cy) == [State.declined, State.offered]


def test_silence_passes_the_seat_on(offered, act, told, states):
    _, bo, cy = offered
    told()

    act(waiting_list.expire, now=MORNING_AFTER)

    assert (told(), states(bo, cy)) == (["offer_expired", "seat_offered"], [State.expired, State.offered])


def test_nothing_was_offered_to_someone_who_waits(offered, act):
    _, _, cy = offered

    with pytest.raises(waiting_list.NothingOffered):
        act(waiting_list.accept, cy)


def test_a_seat_nobody_confirmed_is_offered_on(a_gathering, ask, act, told, states):
    gathering = a_gathering(seats=1)
    ada, bo = ask(gathering, "Ada").participant_id, ask(gathering, "Bo").participant_id
    told()

    act(waiting_list.expire, now=MORNING_AFTER)

    assert (told(), states(ada, bo)) == (["seat_offered"], [State.expired, State.offered])


def test_confirming_too_late_takes_a_free_seat_or_a_place_in_the_line(a_gathering, ask, act, states):
    gathering = a_gathering(seats=1)
    ada = ask(gathering, "Ada").participant_id
    act(waiting_list.expire, now=MORNING_AFTER)
    act(registrations.confirm, ada, now=MORNING_AFTER)
    bo = ask(gathering, "Bo", now=MORNING_AFTER).participant_id

    assert states(ada, bo) == [State.registered, State.waiting]


def test_nothing_expires_while_people_sleep(offered, act, states):
    _, bo, _ = offered
    night = datetime(2027, 3, 4, 22, tzinfo=UTC)

    assert (act(waiting_list.expire, now=night), states(bo)) == (0, [State.offered])


def test_nothing_is_offered_after_the_cut_off(a_gathering, come, ask, act, states):
    gathering = a_gathering(seats=1)
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo").participant_id

    act(registrations.cancel, ada, now=gathering.starts_at - timedelta(hours=23))

    assert states(bo) == [State.waiting]


def test_an_offer_ends_before_the_cut_off(a_gathering, come, ask, act, registration):
    gathering = a_gathering(seats=1)
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo").participant_id
    act(registrations.cancel, ada, now=gathering.starts_at - timedelta(hours=30))

    with registration.reading() as session:
        until = session.get(Participant, bo).deadline_at
    assert until == gathering.starts_at - timedelta(hours=24)


def test_more_seats_are_offered_to_those_who_wait(a_gathering, come, ask, act, odile, states):
    gathering = a_gathering(seats=1)
    come(gathering, "Ada")
    waiting = [ask(gathering, name).participant_id for name in ("Bo", "Cy", "Di")]

    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, seats=3)

    assert states(*waiting) == [State.offered, State.offered, State.waiting]


def test_a_cancelled_gathering_seats_nobody_and_lets_nothing_expire(offered, ask, act, odile, told):
    gathering, bo, _ = offered
    act(gatherings.call_off, gathering.id, by=odile.id)
    told()

    with pytest.raises(waiting_list.NothingOffered):
        act(waiting_list.accept, bo)
    assert (act(waiting_list.expire, now=MORNING_AFTER), told()) == (0, [])


def test_nobody_confirms_a_seat_of_a_cancelled_gathering(a_gathering, ask, act, odile):
    gathering = a_gathering()
    ada = ask(gathering).participant_id
    act(gatherings.call_off, gathering.id, by=odile.id)

    with pytest.raises(registrations.RegistrationClosed):
        act(registrations.confirm, ada)


def test_ranks_are_true_after_somebody_left_the_line(a_gathering, come, ask, act, registration):
    gathering = a_gathering(seats=1)
    come(gathering, "Ada")
    bo, cy = ask(gathering, "Bo").participant_id, ask(gathering, "Cy", territory="B").participant_id
    act(registrations.cancel, bo)

    with registration.reading() as session:
        place = waiting_list.place(session, gathering, session.get(Participant, cy))
    assert place == waiting_list.Place(1, 1, Reason.full)


def test_the_offer_says_until_when(offered, registration):
    with registration.reading() as session:
        body = session.scalar(select(outbox.c.body).where(outbox.c.type.contains("seat_offered")))

    assert datetime.fromisoformat(body["expires_at"]) == NOON + timedelta(hours=48)
