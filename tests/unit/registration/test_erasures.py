"""Somebody is forgotten here: what goes, what stays, and what their link leads to afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.errors import NotFound
from services.registration import desk, disclosures, erasures, participants, registrations, transfers
from services.registration.models import Participant, State
from tests.unit.registration.conftest import LINKS, NOON

SOON = datetime(2040, 6, 12, 8, tzinfo=UTC)
DETAILS = {
    "given": "Ada",
    "family": "L",
    "territory": "A",
    "trade": "direction",
    "structure": "",
    "language": "fr",
}


@pytest.fixture
def gathering(a_gathering):
    return a_gathering(starts_at=SOON, ends_at=SOON + timedelta(hours=7), seats=1)


@pytest.fixture
def mine(a_browser):
    """Somebody's own page in a browser of theirs."""

    def opened(participant_id, tail=""):
        browser = a_browser()
        browser.client.set_cookie("langue", "en")
        browser.get(f"/moi/{LINKS.participant_token(participant_id)}{tail}")
        return browser

    return opened


def test_the_seat_of_who_is_forgotten_goes_to_who_waits(act, come, ask, gathering, states, told):
    ada, bo = come(gathering), ask(gathering, "Bo").participant_id
    told()

    act(erasures.erase, ada)

    assert states(ada, bo) == [State.erased, State.offered]
    assert told() == ["participant_erased", "seat_offered"]


def test_who_is_forgotten_is_counted_and_found_nowhere(registration, act, come, gathering, organiser):
    ada = come(gathering)
    act(erasures.erase, ada)

    with registration.reading() as session:
        assert participants.listing(session, gathering.id, q="lovelace").total == 0
        assert participants.listing(session, gathering.id).total == 0
        assert participants.states(session, gathering.id) == {"erased": 1}
    assert b"Lovelace" not in organiser.client.get(f"/o/{gathering.slug}/personnes.csv").data
    assert "Ada" not in organiser.get(f"/o/{gathering.slug}/accueil").text


def test_nothing_is_learnt_anew_of_who_is_forgotten(act, come, gathering, odile, told):
    ada = come(gathering)
    act(erasures.erase, ada)
    told()

    for deed, more in (
        (registrations.change, DETAILS),
        (transfers.hand_over, {**DETAILS, "email": "bo@example.org"}),
    ):
        with pytest.raises((NotFound, transfers.NothingToHandOver)):
            act(deed, ada, **more)
    with pytest.raises(NotFound):
        act(desk.check_in, gathering.id, ada, by=odile.id)
    act(registrations.confirm, ada)
    assert told() == []


def test_the_same_name_and_address_are_somebody_new_afterwards(act, come, ask, gathering, states):
    ada = come(gathering)
    act(erasures.erase, ada)

    again = ask(gathering).participant_id

    assert again != ada
    assert states(ada, again) == [State.erased, State.pending_email]


def test_looking_forgets_nobody_and_one_button_does(come, gathering, mine, state, told):
    ada = come(gathering)
    told()
    browser = mine(ada, "/effacer")
    assert (state(ada), told()) == (State.registered, [])
    for said in ("What goes", "What stays", "they are anonymous, so we cannot find them", "a free place"):
        assert said in browser.page.text

    browser.press("effacer")

    assert state(ada) == State.erased
    assert "We are forgetting you" in browser.page.text
    assert "3 parts of the house have not confirmed yet" in browser.page.text


def test_the_page_says_who_has_confirmed(act, come, gathering, mine):
    ada = come(gathering)
    act(erasures.erase, ada)
    for service in ("grouping", "feedback", "notifications"):
        with_now = {"gone": {"letters": 2} if service == "notifications" else {}}
        _confirm(act, ada, service, **with_now)

    page = mine(ada).page

    assert ("You are forgotten" in page.text, "not confirmed yet" in page.text) == (True, False)


def _confirm(act, who, service, *, gone):
    act(lambda session, now, **_: erasures.confirm(session, who, service, gone=gone, now=now))


def test_a_copy_is_gathered_on_demand_and_taken_away_as_json(act, come, gathering, mine, told):
    ada = come(gathering)
    told()
    browser = mine(ada, "/donnees")
    assert told() == []

    browser.press("donnees")

    told_json = browser.client.get(f"/moi/{LINKS.participant_token(ada)}/donnees.json")
    held = told_json.json["services"]["registration"]["holds"]
    assert "3 parts of the house have not answered yet" in browser.page.text
    assert held[0]["rows"][0]["email"] == "ada@example.org"
    assert told_json.json["services"]["grouping"] is None
    assert told() == ["disclosure_asked"]


def test_a_copy_is_kept_a_week_and_none_of_the_erased(registration, act, come, gathering):
    ada = come(gathering)
    act(lambda session, now, **_: disclosures.ask(session, ada, now=now))
    with registration.transaction() as session:
        early = disclosures.forget(session, NOON + timedelta(days=6))
        late = disclosures.forget(session, NOON + timedelta(days=8))
    assert (early, late) == (0, 1)

    act(erasures.erase, ada)
    act(lambda session, now, **_: disclosures.keep(session, ada, "grouping", [], now=now))
    with registration.reading() as session:
        assert set(disclosures.of_person(session, ada).values()) == {None}
        assert session.get_one(Participant, ada).given == ""
