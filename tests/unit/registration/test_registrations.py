from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from services.chassis.db import outbox
from services.chassis.errors import Misshapen
from services.registration import gatherings, participants, registrations
from services.registration.models import Participant, State
from services.registration.seats import Reason
from tests.unit.registration.conftest import LINKS, NOON


def test_a_seat_is_held_until_the_address_is_confirmed(a_gathering, ask, told):
    gathering = a_gathering()
    told()

    answer = ask(gathering)

    assert (answer.outcome, answer.held_until) == ("held", NOON + timedelta(hours=48))
    assert told() == ["address_to_confirm"]


def test_confirming_makes_the_seat_ones_own_once(a_gathering, ask, act, told):
    answer = ask(a_gathering())
    told()

    act(registrations.confirm, answer.participant_id)
    act(registrations.confirm, answer.participant_id)

    assert told() == ["participant_registered"]


def test_the_last_seat_is_given_once_and_the_other_waits_with_a_true_rank(a_gathering, ask):
    gathering = a_gathering(seats=1)

    answers = [ask(gathering, name) for name in ("Ada", "Bo", "Cy")]

    assert [(a.outcome, a.rank, a.reason) for a in answers] == [
        ("held", None, None),
        ("waiting", 1, Reason.full),
        ("waiting", 2, Reason.full),
    ]


def test_someone_of_a_full_territory_waits_while_others_find_a_seat(a_gathering, ask):
    gathering = a_gathering(quotas=(1, None))
    ask(gathering, "Ada")

    bo, cy = ask(gathering, "Bo"), ask(gathering, "Cy", territory="B")

    assert (bo.outcome, bo.reason, cy.outcome) == ("waiting", Reason.quota, "held")


def test_a_closed_gathering_takes_nobody_and_tells_nobody(a_gathering, ask, act, odile, told):
    gathering = a_gathering()
    act(gatherings.close_door, gathering.id, by=odile.id)
    told()

    with pytest.raises(registrations.RegistrationClosed):
        ask(gathering)

    assert told() == []


def test_an_unknown_territory_is_said_beside_its_field(a_gathering, ask):
    with pytest.raises(Misshapen) as refusal:
        ask(a_gathering(), territory="Z", trade="clown")

    assert refusal.value.errors.keys() == {"territory", "trade"}


def test_two_people_with_one_address_get_a_link_each(a_gathering, ask):
    gathering = a_gathering()

    ada = ask(gathering, "Ada", email="both@example.org")
    bo = ask(gathering, "Bo", email="both@example.org")

    assert LINKS.mine(ada.participant_id) != LINKS.mine(bo.participant_id)


def test_one_person_who_asks_twice_gets_the_letter_again_and_one_seat(a_gathering, ask, told):
    gathering = a_gathering()
    first = ask(gathering, "Élise")
    told()

    again = ask(gathering, "Elise", email="élise@example.org")

    assert (again, told()) == (first, ["link_asked"])


def test_the_answer_does_not_tell_who_is_registered(a_gathering, ask, come, told):
    gathering = a_gathering(seats=3)
    come(gathering, "Ada")
    told()

    known, unknown = ask(gathering, "Ada"), ask(gathering, "Bo")

    assert (known.outcome, known.held_until) == (unknown.outcome, unknown.held_until)
    assert told() == ["link_asked", "address_to_confirm"]


def test_no_more_than_three_letters_an_hour_go_to_one_address(a_gathering, ask, told):
    gathering = a_gathering()
    for _ in range(6):
        ask(gathering)

    assert told().count("link_asked") == 3


def test_the_code_confirms_as_the_link_does(a_gathering, ask, act, state):
    answer = ask(a_gathering())
    code = LINKS.code(answer.participant_id, answer.held_until)

    act(registrations.confirm_by_code, answer.participant_id, code=code)

    assert state(answer.participant_id) == State.registered


def test_a_code_is_not_to_be_guessed(a_gathering, ask, act, state):
    answer = ask(a_gathering())
    code = LINKS.code(answer.participant_id, answer.held_until)
    for _ in range(registrations.TRIES):
        act(registrations.confirm_by_code, answer.participant_id, code="x")

    assert act(registrations.confirm_by_code, answer.participant_id, code=code) is None
    assert state(answer.participant_id) == State.pending_email


def test_a_change_tells_what_was_and_what_is(a_gathering, come, act, registration):
    ada = come(a_gathering())

    act(registrations.change, ada, given="Ada", family="Lovelace", territory="A", trade="coordination",
        structure="La Fabrique", language="fr")  # fmt: skip

    with registration.reading() as session:
        body = session.scalar(select(outbox.c.body).where(outbox.c.type.contains("participant_changed")))
    assert (body["before"], body["after"]) == (
        {"trade": "direction", "structure": "Atelier du Pont"},
        {"trade": "coordination", "structure": "La Fabrique"},
    )


def test_nobody_moves_into_a_full_territory(a_gathering, come, act):
    gathering = a_gathering(quotas=(None, 1))
    ada = come(gathering, "Ada")
    come(gathering, "Bo", territory="B")

    with pytest.raises(Misshapen) as refusal:
        act(registrations.change, ada, given="Ada", family="Lovelace", territory="B", trade="direction",
            structure="", language="fr")  # fmt: skip

    assert refusal.value.errors.keys() == {"territory"}


def test_a_link_that_was_cut_short_leads_nowhere(a_gathering, come, registration):
    token = LINKS.participant_token(come(a_gathering()))

    with registration.reading() as session:
        assert registrations.by_token(session, token).given == "Ada"
        with pytest.raises(registrations.LinkUnknown):
            registrations.by_token(session, token[:-1])


def test_the_database_does_not_hold_the_links(a_gathering, come, registration):
    token = LINKS.participant_token(come(a_gathering()))

    with registration.reading() as session:
        rows = session.execute(select(Participant.__table__)).all()
    assert token not in repr(rows)


def test_a_moved_day_asks_everybody_again_and_hears_who_still_comes(
    a_gathering, come, act, odile, registration
):
    gathering = a_gathering()
    ada, _ = come(gathering, "Ada"), come(gathering, "Bo")
    week = timedelta(days=7)
    moved = {"starts_at": gathering.starts_at + week, "ends_at": gathering.ends_at + week}
    act(gatherings.change, gathering.id, version=gathering.version, by=odile.id, now=NOON + week, **moved)

    with registration.transaction() as session:
        registrations.still_come(session, ada, now=NOON + week)

    with registration.reading() as session:
        gathering = gatherings.by_id(session, gathering.id)
        asked = [
            participants.is_asked_again(gathering, one) for one in participants.everybody(session, gathering.id)
        ]
        assert (participants.silent_since_moved(session, gathering), asked) == (1, [False, True])
