from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.chassis.errors import Misshapen
from services.registration import cancellations, registrations, stories, transfers, waiting_list
from services.registration.models import State, Story
from tests.unit.registration.conftest import NOON

BO = {
    "given": "Bo", "family": "Ek", "email": "bo@example.org", "territory": "A", "trade": "direction",
    "structure": "Atelier du Pont", "language": "fr",
}  # fmt: skip


def test_a_seat_that_is_handed_over_passes_nobody_in_the_line_and_is_confirmed_anew(
    a_gathering, come, ask, act, told, states
):
    gathering = a_gathering(seats=1)
    ada, cy = come(gathering, "Ada"), ask(gathering, "Cy").participant_id
    told()

    bo = act(transfers.hand_over, ada, **BO).id

    assert told() == ["participant_cancelled", "address_to_confirm"]
    assert states(ada, bo, cy) == [State.transferred, State.pending_email, State.waiting]


def test_both_letters_name_the_other_person(a_gathering, come, act, registration):
    act(transfers.hand_over, come(a_gathering()), **BO)

    with registration.reading() as session:
        bodies = session.scalars(select(outbox.c.body).order_by(outbox.c.sequence.desc()).limit(2)).all()
    assert [bodies[1]["handed_to"], bodies[0]["handed_by"]] == ["Bo", "Ada Lovelace"]


def test_a_seat_is_not_handed_into_a_full_territory(a_gathering, come, act, states):
    gathering = a_gathering(quotas=(None, 1))
    ada = come(gathering, "Ada")
    come(gathering, "Cy", territory="B")

    with pytest.raises(Misshapen) as refusal:
        act(transfers.hand_over, ada, **{**BO, "territory": "B"})

    assert (refusal.value.errors.keys(), states(ada)) == ({"territory"}, [State.registered])


def test_the_quota_that_a_handed_seat_leaves_serves_the_first_it_stopped(a_gathering, come, ask, act, states):
    gathering = a_gathering(quotas=(1, 5))
    ada, cy = come(gathering, "Ada"), ask(gathering, "Cy").participant_id

    act(transfers.hand_over, ada, **{**BO, "territory": "B"})

    assert states(cy) == [State.offered]


def test_somebody_who_waits_may_be_handed_a_seat(a_gathering, come, ask, act, states):
    gathering = a_gathering(seats=1)
    ada, bo = come(gathering, "Ada"), ask(gathering, "Bo", family="Ek").participant_id

    act(transfers.hand_over, ada, **BO)
    act(registrations.confirm, bo)

    assert states(ada, bo) == [State.transferred, State.registered]


def test_somebody_with_a_seat_takes_no_second_one(a_gathering, come, act):
    gathering = a_gathering()
    ada = come(gathering, "Ada")
    come(gathering, "Bo", family="Ek")

    with pytest.raises(Misshapen) as refusal:
        act(transfers.hand_over, ada, **BO)

    assert refusal.value.errors.keys() == {"email"}


def test_who_holds_no_seat_has_none_to_hand_over(a_gathering, come, ask, act):
    gathering = a_gathering(seats=1)
    come(gathering, "Ada")
    cy = ask(gathering, "Cy").participant_id

    with pytest.raises(transfers.NothingToHandOver):
        act(transfers.hand_over, cy, **BO)


def test_a_seat_handed_over_comes_back_until_the_other_has_confirmed(a_gathering, come, act, told, states):
    ada = come(a_gathering(seats=1))
    bo = act(transfers.hand_over, ada, **BO).id
    told()

    act(cancellations.restore, ada)

    assert told() == ["participant_cancelled", "participant_restored"]
    assert states(ada, bo) == [State.registered, State.cancelled]


def test_a_seat_that_the_other_has_confirmed_does_not_come_back(a_gathering, come, act):
    ada = come(a_gathering(seats=1))
    bo = act(transfers.hand_over, ada, **BO).id
    act(registrations.confirm, bo)

    with pytest.raises(cancellations.SeatTaken):
        act(cancellations.restore, ada)


def test_a_seat_handed_to_somebody_who_never_answers_goes_to_the_line(a_gathering, come, ask, act, states):
    gathering = a_gathering(seats=1)
    ada, cy = come(gathering, "Ada"), ask(gathering, "Cy").participant_id
    bo = act(transfers.hand_over, ada, **BO).id

    act(waiting_list.expire, now=NOON + timedelta(hours=49))

    assert states(bo, cy) == [State.expired, State.offered]


def test_the_stories_of_who_hands_over_are_withdrawn(a_gathering, come, act, odile, registration):
    gathering = a_gathering()
    ada = come(gathering)
    with registration.transaction() as session:
        story = stories.propose(session, ada, title="La clé", consents=True, now=NOON)
        stories.accept(session, gathering.id, story.id, by=odile.id, now=NOON)

    act(transfers.hand_over, ada, **BO)

    with registration.reading() as session:
        assert session.scalar(select(Story.state)) == "withdrawn"
