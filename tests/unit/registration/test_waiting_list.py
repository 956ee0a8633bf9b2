from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.chassis.errors import Misshapen
from services.registration import cancellations, desk, gatherings, registrations, waiting_list
from services.registration.models import Participant, State
from services.registration.seats import Reason
from tests.unit.registration.conftest import NOON

MORNING_AFTER = NOON + timedelta(hours=49)


@pytest.fixture
def offered(a_gathering, come, ask, act):
    """A gathering of one seat that Ada gave back: Bo is offered it, Cy waits."""
    gathering = a_gathering(seats=1)
    ada = come(gathering, "Ada")
    bo, cy = ask(gathering, "Bo").participant_id, ask(gathering, "Cy").participant_id
    act(cancellations.cancel, ada)
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

    assert told() == ["hold_expired", "seat_offered"]
    assert states(ada, bo) == [State.expired, State.offered]


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

    act(cancellations.cancel, ada, now=gathering.starts_at - timedelta(hours=23))

    assert states(bo) == [State.waiting]


def test_an_offer_ends_before_the_cut_off(a_gathering, come, ask, act, registration):
    gathering = a_gathering(seats=1)
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo").participant_id
    act(cancellations.cancel, ada, now=gathering.starts_at - timedelta(hours=30))

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
    act(cancellations.cancel, bo)

    with registration.reading() as session:
        place = waiting_list.place(session, gathering, session.get(Participant, cy))
    assert place == waiting_list.Place(1, 1, Reason.full)


def test_the_offer_says_until_when(offered, registration):
    with registration.reading() as session:
        body = session.scalar(select(outbox.c.body).where(outbox.c.type.contains("seat_offered")))

    assert datetime.fromisoformat(body["expires_at"]) == NOON + timedelta(hours=48)


def test_the_line_is_passed_by_nobody_whom_a_quota_does_not_stop(a_gathering, come, ask, act, states):
    """A seat freed in one territory while the first waiting is from another."""
    gathering = a_gathering(seats=3, quotas=(2, 2))
    ada, _, di = come(gathering, "Ada"), come(gathering, "Bo"), come(gathering, "Di", territory="B")
    cy, ed = ask(gathering, "Cy").participant_id, ask(gathering, "Ed", territory="B").participant_id

    act(cancellations.cancel, di)
    act(cancellations.cancel, ada)

    assert states(cy, ed) == [State.offered, State.offered]


def test_a_newcomer_does_not_take_the_seat_that_somebody_in_the_line_may_have(
    a_gathering, come, ask, act, odile
):
    gathering = a_gathering(seats=1)
    come(gathering, "Ada")
    ask(gathering, "Bo")
    late = gathering.starts_at - timedelta(hours=10)
    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, seats=2, now=late)

    assert ask(gathering, "Cy", now=late).outcome == "waiting"


def test_cancelled_the_day_before_is_taken_back_because_nobody_is_offered_the_seat(
    a_gathering, come, ask, act, states
):
    gathering = a_gathering(seats=1)
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo").participant_id
    late = gathering.starts_at - timedelta(hours=20)
    act(cancellations.cancel, ada, now=late)

    act(cancellations.restore, ada, now=late + timedelta(minutes=5))

    assert states(ada, bo) == [State.registered, State.waiting]


def test_who_leaves_the_line_by_mistake_has_the_old_place_back_for_a_day(
    a_gathering, come, ask, act, registration
):
    gathering = a_gathering(seats=1)
    come(gathering, "Ada")
    bo, _ = ask(gathering, "Bo").participant_id, ask(gathering, "Cy").participant_id
    act(cancellations.cancel, bo)

    act(cancellations.restore, bo, now=NOON + timedelta(hours=23))

    with registration.reading() as session:
        assert waiting_list.place(session, gathering, session.get(Participant, bo)).rank == 1


def test_a_number_in_the_line_is_given_once(a_gathering, come, ask, act, registration):
    gathering = a_gathering(seats=1)
    come(gathering, "Ada")
    bo = ask(gathering, "Bo").participant_id
    act(cancellations.cancel, bo)
    cy = ask(gathering, "Cy").participant_id

    with registration.reading() as session:
        assert [session.get(Participant, one).line for one in (bo, cy)] == [1, 2]


def test_moving_territory_while_waiting_keeps_the_place_and_takes_the_free_seat(
    a_gathering, come, ask, act, states
):
    gathering = a_gathering(quotas=(1, 1))
    come(gathering, "Ada")
    bo = ask(gathering, "Bo").participant_id

    act(registrations.change, bo, given="Bo", family="Lovelace", territory="B", trade="direction", structure="",
        language="fr")  # fmt: skip

    assert states(bo) == [State.offered]


def test_moving_territory_frees_the_seat_for_the_first_of_the_old_one(a_gathering, come, ask, act, states):
    gathering = a_gathering(quotas=(1, 1))
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo").participant_id

    act(registrations.change, ada, given="Ada", family="Lovelace", territory="B", trade="direction", structure="",
        language="fr")  # fmt: skip

    assert states(ada, bo) == [State.registered, State.offered]


def test_seats_are_not_lowered_under_those_who_hold_one(a_gathering, come, act, odile):
    gathering = a_gathering(seats=3)
    for name in ("Ada", "Bo"):
        come(gathering, name)

    with pytest.raises(Misshapen) as refusal:
        act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, seats=1)

    assert refusal.value.errors == {"seats": ["More seats than that are taken already."]}


def test_a_larger_quota_is_offered_to_those_whom_the_old_one_stopped(
    a_gathering, come, ask, act, odile, states
):
    gathering = a_gathering(quotas=(1, 1))
    come(gathering, "Ada")
    bo = ask(gathering, "Bo").participant_id
    larger = [{"name": "Armorique", "quota": 2}, {"name": "Beauce", "quota": 1}]

    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, territories=larger)

    assert states(bo) == [State.offered]


def test_a_cut_off_moved_closer_to_the_day_offers_the_seats_it_kept_back(
    a_gathering, come, ask, act, odile, states
):
    gathering = a_gathering(seats=1)
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo").participant_id
    late = gathering.starts_at - timedelta(hours=20)
    act(cancellations.cancel, ada, now=late)

    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, offers_stop_h=2, now=late)

    assert states(bo) == [State.offered]


def test_a_day_brought_forward_shortens_the_offers_that_would_outlive_it(offered, act, odile, registration):
    gathering, bo, _ = offered
    sooner = {"starts_at": NOON + timedelta(hours=60), "ends_at": NOON + timedelta(hours=66)}

    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, **sooner)

    with registration.reading() as session:
        assert session.get(Participant, bo).deadline_at == NOON + timedelta(hours=36)


def test_one_walk_in_takes_no_seat_of_the_line(a_gathering, come, ask, act, odile, registration):
    gathering = a_gathering(seats=2)
    come(gathering, "Ada")
    act(desk.walk_in, gathering.id, given="Zoe", family="", email="", territory="A", trade="direction",
        structure="", by=odile.id)  # fmt: skip

    assert ask(gathering, "Bo").outcome == "held"


def test_an_expired_offer_is_told_once_and_its_seat_passes_on_in_the_same_minute(offered, act, told, states):
    _, bo, cy = offered
    told()

    act(waiting_list.expire, now=MORNING_AFTER)
    act(waiting_list.expire, now=MORNING_AFTER)

    assert (told(), states(bo, cy)) == (["offer_expired", "seat_offered"], [State.expired, State.offered])
