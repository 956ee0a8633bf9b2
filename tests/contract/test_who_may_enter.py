"""Every door of the four services, found in their own maps: who is let in, and that looking changes nothing.

A route that is added is tried by itself. One that asks for no role at a gathering is named in OPEN, with its reason.
"""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event
from werkzeug.routing import Rule

from infra import asyncapi
from tests.contract.house import SETTINGS, House

READS, WRITES = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")
REFUSED = {401, 403}

# Doors that ask for no role at a gathering, by the beginning of their rule, and what guards them instead.
OPEN = {
    "/accessibilite": "words for everybody",
    "/donnees": "words for everybody",
    "/static/": "files of the house",
    "/api/*/static/": "files of the house",
    "/api/*/health": "figures without a person in them",
    "/api/*/openapi.json": "what stands in the code",
    "/api/registration/desk-worker.js": "a script of the house",
    "/faits/": "the operators whom a setting names",
    "/sante": "figures without a person in them",
    "/healthz": "says only whether the process answers",
    "/readyz": "figures without a person in them",
    "/metrics": "the machines inside, and the operators whom a setting names",
    "/api/*/metrics": "the machines inside, and the operators whom a setting names",
    "/entrer": "the door itself: a link or a code opens it",
    "/sortir": "everybody may go",
    "/api/registration/sign-ins": "the door itself",
    "/api/registration/tokens": "a link opens it",
    "/moi/<token>": "the personal link is the key",
    "/q/<link>": "the questionnaire's link is the key",
    "/boite/<key>": "the mailbox's key",
    "/api/notifications/returns": "the key of the operator's mail provider",
    "/refus/<token>": "a letter's own door, signed by the house",
    "/r/<slug>": "the public page and its form",
    "/api/registration/gatherings/<uuid:gathering_id>/registrations": "the public form, for programs",
    "/retour/<slug>": "the published account",
    "/f/<slug>/parole": "a form for the code that only the author of a passage has",
}
# Doors that need somebody signed in, of whatever gathering: they show what is theirs.
# (`/f/<slug>` only leads on to a door that asks.)
OWN = {
    "/f/<slug>",
    "/",
    "/o/creer",
    "/compte",
    "/compte/cles",
    "/compte/cles/defi",
    "/compte/cles/<uuid:passkey_id>/retirer",
    "/compte/ailleurs",
    "/compte/ailleurs/<uuid:identity_id>/retirer",
    "/api/registration/gatherings",
    "/api/grouping/my-places",
}
# Doors that a participant of the gathering opens, by their own cookie.
PARTICIPANTS = ("/g/<slug>/ma-place", "/g/<slug>/mur")
# What the welcome desk may do, and nothing else.
DESK = (
    "/o/<slug>/accueil",
    "/o/<slug>/kit",
    "/o/<slug>/personnes",
    "/api/registration/gatherings/<uuid:gathering_id>/participants",
    "/api/registration/gatherings/<uuid:gathering_id>/walk-ins",
    "/api/registration/gatherings/<uuid:gathering_id>/absences",
)


def _is_open(rule: Rule) -> bool:
    return any(re.match(re.escape(said).replace(r"\*", "[a-z]+"), rule.rule) for said in OPEN)


@pytest.fixture(params=[service.name for service in asyncapi.street()])
def house(request, open_sqlite) -> House:
    service = next(one for one in asyncapi.street() if one.name == request.param)
    return House(service, open_sqlite(service.metadata, service.name))


def test_no_door_of_a_gathering_opens_to_an_organiser_of_another_a_participant_or_a_stranger(house):
    askers = {
        "organiser of another": house.as_organiser("stranger"),
        "participant": house.as_participant(house.spring),
        "participant of another": house.as_participant(house.autumn),
        "nobody": house.as_nobody(),
    }
    for rule, method in house.rules(*READS, *WRITES):
        if _is_open(rule) or rule.rule in OWN:
            continue
        for who, client in askers.items():
            if who == "participant" and rule.rule.startswith(PARTICIPANTS):
                continue
            answer = house.ask(client, rule, method)
            assert answer.status_code in REFUSED, f"{method} {rule.rule} answers {answer.status_code} to {who}"


def test_the_same_doors_open_to_the_owner(house):
    for rule, method in house.rules(*READS, *WRITES):
        if _is_open(rule) or rule.rule in OWN or rule.rule.startswith(PARTICIPANTS):
            continue
        answer = house.ask(house.as_organiser("owner"), rule, method)
        assert answer.status_code not in REFUSED, f"{method} {rule.rule} answers {answer.status_code}"


def test_what_is_shown_to_whoever_is_signed_in_is_theirs_alone(house):
    for rule, method in house.rules("GET"):
        if rule.rule in OWN:
            stranger = house.ask(house.as_organiser("stranger"), rule, method)
            assert str(house.spring) not in stranger.text, rule.rule
            assert "Spring" not in stranger.text, rule.rule


def test_every_exception_is_a_door_that_exists(open_sqlite):
    databases = ((one, open_sqlite(one.metadata, one.name)) for one in asyncapi.street())
    doors = {
        rule.rule
        for service, database in databases
        for rule in service.create_app(service, database, SETTINGS).url_map.iter_rules()
    }

    unused = [
        said
        for said in (*OPEN, *OWN, *DESK)
        if not any(re.match(re.escape(said).replace(r"\*", "[a-z]+"), door) for door in doors)
    ]
    assert unused == []


def test_looking_begins_no_writing(house):
    begun: list[str] = []
    here = [""]
    event.listen(house.database.engine, "begin", lambda _: begun.append(here[0]))

    for client in (house.as_organiser("owner"), house.as_participant(house.spring), house.as_nobody()):
        for rule, method in house.rules(*READS):
            here[0] = f"{method} {rule.rule}"
            house.ask(client, rule, method)

    assert begun == []


def test_a_role_of_the_welcome_desk_opens_the_desk_only(house):
    for rule, method in house.rules(*READS, *WRITES):
        if _is_open(rule) or rule.rule in OWN or rule.rule.startswith(PARTICIPANTS):
            continue
        opened = house.ask(house.as_organiser("desk"), rule, method).status_code not in REFUSED
        # The first page only leads the desk on to its own.
        ours = rule.rule == "/o/<slug>" or rule.rule.startswith(DESK) or house.service.name == "grouping"
        assert not opened or ours, f"{method} {rule.rule}"
