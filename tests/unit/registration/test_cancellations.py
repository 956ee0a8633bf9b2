from __future__ import annotations

from datetime import timedelta

import pytest

from services.registration import cancellations
from services.registration.models import State
from tests.unit.registration.conftest import NOON


def test_a_cancelled_seat_is_offered_to_the_first_who_may_have_it(a_gathering, come, ask, act, told, state):
    gathering = a_gathering(quotas=(1, 1))
    come(gathering, "Ada")
    bo = come(gathering, "Bo", territory="B")
    cy = ask(gathering, "Cy").participant_id
    di = ask(gathering, "Di", territory="B").participant_id
    told()

    act(cancellations.cancel, bo)

    assert told() == ["participant_cancelled", "seat_offered"]
    assert (state(cy), state(di)) == (State.waiting, State.offered)


def test_cancelling_twice_is_told_once(a_gathering, come, act, told):
    ada = come(a_gathering())
    told()

    act(cancellations.cancel, ada)
    act(cancellations.cancel, ada)

    assert told() == ["participant_cancelled"]


def test_a_cancellation_is_taken_back_while_the_seat_is_free(a_gathering, come, act, told, state):
    ada = come(a_gathering())
    act(cancellations.cancel, ada)
    told()

    act(cancellations.restore, ada, now=NOON + timedelta(hours=23))

    assert (told(), state(ada)) == (["participant_restored"], State.registered)


def test_a_cancellation_is_final_after_a_day(a_gathering, come, act):
    ada = come(a_gathering())
    act(cancellations.cancel, ada)

    with pytest.raises(cancellations.TooLateToUndo):
        act(cancellations.restore, ada, now=NOON + timedelta(hours=25))


def test_a_seat_that_went_to_somebody_else_does_not_come_back(a_gathering, come, ask, act):
    gathering = a_gathering(seats=1)
    ada = come(gathering, "Ada")
    ask(gathering, "Bo")
    act(cancellations.cancel, ada)

    with pytest.raises(cancellations.SeatTaken):
        act(cancellations.restore, ada)


def test_someone_who_cancelled_may_ask_again(a_gathering, come, act, state):
    gathering = a_gathering()
    ada = come(gathering)
    act(cancellations.cancel, ada)

    assert (come(gathering), state(ada)) == (ada, State.registered)
