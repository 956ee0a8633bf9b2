"""Two rows of one person become one, and two again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from services.chassis.db import outbox
from services.chassis.errors import NotFound, Refused
from services.registration import (
    cancellations,
    desk,
    disclosures,
    erasures,
    merges,
    merging,
    participants,
    registrations,
    stories,
    waiting_list,
)
from services.registration.links import Links
from services.registration.models import Base, Participant, State, Story
from tests.unit.registration.conftest import LINKS, NOON

ODILE = uuid4()
PLACE = dict.fromkeys(merging.PLACE)


@pytest.fixture
def registration(open_database):
    """On both databases: rows are locked on one and the whole file on the other."""
    return open_database(Base.metadata, "registration")


@pytest.fixture
def join(act):
    return lambda gathering, stays, goes: act(merges.merge, gathering.id, stays, goes, by=ODILE)


@pytest.fixture
def part(act):
    return lambda gathering, goes: act(merges.part, gathering.id, goes, by=ODILE)


@pytest.fixture
def row(registration):
    """Everything that one row says."""

    def look(participant_id):
        with registration.reading() as session:
            one = session.get_one(Participant, participant_id)
            return {column.key: getattr(one, column.key) for column in inspect(Participant).column_attrs}

    return look


@given_that(
    st.lists(st.sampled_from(list(State)), min_size=2, max_size=2), st.integers(1, 5), st.integers(1, 5)
)
def test_of_two_places_one_is_never_better_than_the_other_both_ways(states, line, other):
    first = {**PLACE, "state": states[0], "line": line}
    second = {**PLACE, "state": states[1], "line": other}

    assert not (merging.is_better(first, second) and merging.is_better(second, first))


def test_of_two_who_wait_the_earlier_number_is_better():
    waiting = {**PLACE, "state": State.waiting}

    assert merging.is_better({**waiting, "line": 2}, {**waiting, "line": 7})


def test_who_waits_takes_over_the_seat_with_its_territory_and_nobody_is_passed_over(
    a_gathering, come, ask, join, states, row
):
    gathering = a_gathering(seats=1)
    seated = come(gathering, "Ada", email="work@example.org")
    waits = ask(gathering, "Ada", territory="B").participant_id
    cy = ask(gathering, "Cy").participant_id

    join(gathering, waits, seated)

    assert states(waits, seated, cy) == [State.registered, State.merged, State.waiting]
    assert row(waits)["territory"] == "A"


def test_a_second_seat_goes_to_the_first_who_waits(a_gathering, come, ask, join, states):
    gathering = a_gathering(seats=2)
    first, second = come(gathering), come(gathering, email="work@example.org")
    cy = ask(gathering, "Cy").participant_id

    join(gathering, first, second)

    assert states(first, second, cy) == [State.registered, State.merged, State.offered]


def test_the_better_number_in_the_line_is_kept(a_gathering, come, ask, join, row):
    gathering = a_gathering(seats=1)
    come(gathering, "Bo")
    early = ask(gathering, email="work@example.org").participant_id
    late = ask(gathering).participant_id

    join(gathering, late, early)

    assert (row(late)["state"], row(late)["line"]) == (State.waiting, 1)


def test_empty_fields_are_filled_and_full_ones_stay(a_gathering, come, join, row):
    gathering = a_gathering(trades=[])
    stays = come(gathering, trade="", structure="Atelier du Pont")
    goes = come(gathering, email="work@example.org", trade="conseil", structure="Le Pont")

    join(gathering, stays, goes)

    assert (row(stays)["trade"], row(stays)["structure"]) == ("conseil", "Atelier du Pont")


def test_answers_that_are_missing_are_taken_over_and_given_back(
    a_gathering, come, join, part, row, registration
):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    meal = {"meal": {"said": "no pork", "version": 1}}
    with registration.transaction() as session:
        session.get_one(Participant, goes).answers = meal

    join(gathering, stays, goes)
    between = row(stays)["answers"]
    kept = row(goes)["merged"]
    part(gathering, goes)

    assert (between, row(stays)["answers"], row(goes)["answers"]) == (meal, {}, meal)
    assert "no pork" not in str(kept)


def test_the_others_hear_one_silent_fact_of_who_goes(a_gathering, come, join, told, registration):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    told()

    join(gathering, stays, goes)

    assert told() == ["participant_cancelled"]
    with registration.reading() as session:
        body = session.scalars(select(outbox.c.body).order_by(outbox.c.sequence.desc()).limit(1)).one()
    assert (body["participant_id"], body["is_silent"]) == (str(goes), True)


def test_an_accepted_story_goes_along_and_comes_back(a_gathering, come, join, part, act, registration):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    with registration.transaction() as session:
        story = stories.propose(session, goes, title="The bridge", consents=True, now=NOON).id
        stories.accept(session, gathering.id, story, by=ODILE, now=NOON)

    join(gathering, stays, goes)
    with registration.reading() as session:
        carried = session.get_one(Story, story).participant_id
    part(gathering, goes)

    with registration.reading() as session:
        again = session.get_one(Story, story)
        assert (carried, again.participant_id, again.state) == (stays, goes, "accepted")


@pytest.mark.parametrize("stays_with", ["seat", "line", "nothing"])
@pytest.mark.parametrize("goes_with", ["seat", "line", "nothing", "hold"])
def test_joining_then_parting_is_as_if_nothing_had_been(
    a_gathering, come, ask, act, join, part, row, stays_with, goes_with
):
    gathering = a_gathering(quotas=(None, 0), trades=[])

    def somebody(having, email, **said):
        if having == "line":
            return ask(gathering, email=email, territory="B", **said).participant_id
        if having == "hold":
            return ask(gathering, email=email, **said).participant_id
        who = come(gathering, email=email, **said)
        if having == "nothing":
            act(cancellations.cancel, who)
        return who

    stays = somebody(stays_with, "ada@example.org", trade="")
    goes = somebody(goes_with, "work@example.org", structure="Le Pont", trade="conseil")
    before = row(stays), row(goes)

    join(gathering, stays, goes)
    part(gathering, goes)

    assert (row(stays), row(goes)) == before


def test_who_came_without_an_address_takes_the_one_of_the_other_and_gives_it_back(
    a_gathering, come, act, join, part, row
):
    gathering = a_gathering()
    goes = come(gathering)
    about = {"given": "Ada", "family": "Lovelace", "email": "", "territory": "A", "trade": "direction"}
    stays = act(desk.walk_in, gathering.id, **about, structure="", by=ODILE).id
    before = row(stays), row(goes)

    join(gathering, stays, goes)
    between = row(stays)["email"]
    part(gathering, goes)

    assert (between, (row(stays), row(goes))) == ("ada@example.org", before)


def test_whose_seat_has_gone_waits_after_parting_and_one_is_told_before(
    a_gathering, come, ask, act, join, part, states, registration
):
    gathering = a_gathering(seats=2)
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    cy = ask(gathering, "Cy").participant_id
    join(gathering, stays, goes)
    with registration.reading() as session:
        both = [session.get_one(Participant, one) for one in (stays, goes)]
        assert merges.foresee(session, gathering, *both, now=NOON).waits

    part(gathering, goes)

    assert states(stays, goes, cy) == [State.registered, State.waiting, State.offered]


def test_of_two_joinings_the_last_is_taken_back_first(a_gathering, come, act, join, part, states):
    gathering = a_gathering()
    ada, bea, cy = (come(gathering, email=f"{one}@example.org") for one in ("a", "b", "c"))
    join(gathering, ada, bea)
    act(merges.merge, gathering.id, ada, cy, by=ODILE, now=NOON + timedelta(minutes=1))

    with pytest.raises(merges.CannotPart):
        part(gathering, bea)
    part(gathering, cy)
    part(gathering, bea)

    assert states(ada, bea, cy) == [State.registered] * 3


def test_two_who_have_both_arrived_are_not_joined(a_gathering, come, act, join):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    for one in (stays, goes):
        act(desk.check_in, gathering.id, one, by=ODILE)

    with pytest.raises(merges.CannotJoin):
        join(gathering, stays, goes)


def test_nobody_is_joined_to_themselves(a_gathering, come, join):
    gathering = a_gathering()
    ada = come(gathering)

    with pytest.raises(merges.CannotJoin):
        join(gathering, ada, ada)


def test_somebody_of_another_gathering_is_not_found(a_gathering, come, join):
    here, there = a_gathering(), a_gathering(title="Autumn table")
    stays, goes = come(here), come(there)

    with pytest.raises(NotFound):
        join(here, stays, goes)


def test_an_erased_person_is_not_joined(a_gathering, come, act, join):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    act(erasures.erase, goes)

    with pytest.raises(merges.CannotJoin):
        join(gathering, stays, goes)


def test_the_link_of_who_went_leads_to_who_stayed(a_gathering, come, join, registration):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")

    join(gathering, stays, goes)

    with registration.reading() as session:
        assert registrations.by_token(session, LINKS.participant_token(goes)).id == stays


@pytest.mark.parametrize("deed", [registrations.confirm, cancellations.cancel, waiting_list.accept])
def test_who_comes_as_the_row_that_went_acts_for_who_stayed(a_gathering, ask, come, act, join, deed):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    join(gathering, stays, goes)

    assert act(deed, goes).id == stays


def test_the_code_of_a_letter_that_left_before_confirms_who_stayed(a_gathering, ask, act, join, row, state):
    gathering = a_gathering()
    stays = ask(gathering).participant_id
    goes = ask(gathering, email="work@example.org").participant_id
    code = Links.code(LINKS, goes, row(goes)["deadline_at"])
    join(gathering, stays, goes)

    act(registrations.confirm_by_code, goes, code=code)

    assert state(stays) == State.registered


def test_the_desk_opens_who_stayed(a_gathering, come, act, join, states):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    join(gathering, stays, goes)

    act(desk.check_in, gathering.id, goes, by=ODILE)

    assert states(stays, goes) == [State.present, State.merged]


def test_who_asks_again_under_the_old_address_is_the_one_who_stayed(a_gathering, come, ask, act, join, row):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    join(gathering, stays, goes)
    act(cancellations.cancel, stays)

    again = ask(gathering, email="work@example.org").participant_id

    assert (again, row(stays)["state"], row(goes)["state"]) == (stays, State.pending_email, State.merged)


def test_no_list_names_who_went(a_gathering, come, join, registration):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    join(gathering, stays, goes)

    with registration.reading() as session:
        assert [one.id for one in participants.listing(session, gathering.id).people] == [stays]
        assert participants.akin(session, session.get_one(Participant, stays)) == []


def test_erasing_who_stayed_erases_who_went_and_nothing_parts_them_again(
    a_gathering, come, act, join, part, row
):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    join(gathering, stays, goes)

    act(erasures.erase, stays)

    assert [(row(one)["state"], row(one)["email"], row(one)["merged"]) for one in (stays, goes)] == [
        (State.erased, "", None)
    ] * 2
    with pytest.raises(merges.CannotPart):
        part(gathering, goes)


def test_a_copy_of_the_data_holds_both_rows(a_gathering, come, join, registration):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    join(gathering, stays, goes)

    with registration.transaction() as session:
        disclosures.ask(session, stays, now=NOON)
    with registration.reading() as session:
        copy = disclosures.of_person(session, stays)["registration"]
        rows = next(one["rows"] for one in copy.holdings if one["what"] == "person")
    assert [one["email"] for one in rows] == ["ada@example.org", "work@example.org"]


def test_two_organisers_who_join_the_two_ways_at_once_leave_one_seat(a_gathering, come, registration, states):
    gathering = a_gathering()
    ada, bea = come(gathering), come(gathering, email="work@example.org")

    def joined(pair):
        try:
            with registration.transaction() as session:
                merges.merge(session, gathering.id, *pair, by=ODILE, links=LINKS, now=NOON)
        except Refused as refusal:
            return refusal.code
        return ""

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(joined, [(ada, bea), (bea, ada)]))

    assert sorted(answers) == ["", "cannot-join"]
    assert sorted(states(ada, bea)) == [State.merged, State.registered]


def test_joining_while_the_person_confirms_leaves_one_seat(a_gathering, ask, come, registration, states):
    gathering = a_gathering()
    stays, goes = come(gathering), ask(gathering, email="work@example.org").participant_id

    def confirmed():
        with registration.transaction() as session:
            registrations.confirm(session, goes, links=LINKS, now=NOON)

    def joined():
        with registration.transaction() as session:
            merges.merge(session, gathering.id, stays, goes, by=ODILE, links=LINKS, now=NOON)

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(confirmed), pool.submit(joined)]:
            one.result()

    assert states(stays, goes) == [State.registered, State.merged]


def test_an_organiser_compares_joins_and_parts_on_pages(organiser, a_gathering, come, states):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    base = f"/o/{gathering.slug}/personnes"
    assert "perhaps twice here" in organiser.get(base).text
    assert "Compare with Ada Lovelace" in organiser.get(f"{base}/{stays}").text

    organiser.get(f"{base}/{stays}/joindre/{goes}")
    page = organiser.press(f"{base}/{stays}/joindre/{goes}")
    assert "Joined to this person" in page.text
    assert states(stays, goes) == [State.registered, State.merged]

    organiser.press(f"{base}/{goes}/separer")
    assert states(stays, goes) == [State.registered, State.registered]


def test_programs_join_and_part(program, a_gathering, come):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")
    base = f"/api/registration/gatherings/{gathering.id}/participants"

    akin = program.get(f"{base}/{stays}/akin").json["items"]
    joined = program.post(f"{base}/{stays}/join", json={"goes": str(goes)})
    again = program.post(f"{base}/{goes}/part")

    assert [one["participant_id"] for one in akin] == [str(goes)]
    assert (joined.json["participant_id"], again.json["state"]) == (str(stays), "registered")


def test_nobody_else_may_join_people(a_browser, a_gathering, come):
    gathering = a_gathering()
    stays, goes = come(gathering), come(gathering, email="work@example.org")

    answer = a_browser().client.get(f"/o/{gathering.slug}/personnes/{stays}/joindre/{goes}")

    assert answer.status_code in (302, 303, 401)
