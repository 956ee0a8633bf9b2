"""Every door of the four services, found in their own maps: who is let in, and that looking changes nothing.

A route that is added is tried by itself. One that asks for no role at a gathering is named in OPEN, with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, insert
from werkzeug.routing import Rule

from infra import asyncapi
from services.chassis import auth
from services.chassis.db import Database, roles
from services.chassis.service import Service
from services.registration import gatherings, registrations, sign_ins, stories, topics
from services.registration.links import Links
from tests.unit.chassis.face import some_settings
from tests.unit.registration.conftest import DESCRIPTION

FACTS = Path(__file__).parent / "facts"
SETTINGS = some_settings(public_url="https://palabre.example", mailbox_key="the-mailbox")
LINKS = Links(SETTINGS.public_url, SETTINGS.secret_key)
READS, WRITES = ("GET", "HEAD"), ("POST", "PUT", "PATCH", "DELETE")
REFUSED = {401, 403}
NOW = datetime.now(UTC)

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


class House:
    """One service where Spring is organised by some and Autumn by a stranger to them."""

    def __init__(self, service: Service, database: Database) -> None:
        self.service, self.database = service, database
        self.app: Flask = service.create_app(service, database, SETTINGS)
        # Who may enter is asked here, not whether a form was forged; that has its own tests.
        self.app.config["WTF_CSRF_METHODS"] = ()
        self.known: dict[str, Any] = {"slug": "spring", "key": "the-mailbox"}
        self.spring, self.autumn = self._furnish()
        self.known["gathering_id"] = self.spring
        self.people: dict[str, UUID] = {}
        for role in ("owner", "desk", "facilitator", "reader", "stranger"):
            self.people[role] = self._appoint(role)
        self.document = self.as_nobody().get(f"/api/{service.name}/openapi.json").json
        self._begin()

    def as_organiser(self, role: str) -> FlaskClient:
        who = auth.Actor("organiser", self.people[role], f"{role}@example.org", role)
        return self._client(auth.ORGANISER_COOKIE, who)

    def as_participant(self, gathering: UUID) -> FlaskClient:
        who = auth.Actor("participant", uuid4(), "ada@example.org", "Ada", gathering)
        return self._client(auth.PARTICIPANT_COOKIE, who)

    def as_nobody(self) -> FlaskClient:
        return self.app.test_client()

    def rules(self, *methods: str) -> Iterator[tuple[Rule, str]]:
        """Each rule with each of the methods that it answers."""
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda one: one.rule):
            for method in sorted((rule.methods or set()) & set(methods)):
                yield rule, method

    def ask(self, client: FlaskClient, rule: Rule, method: str) -> Any:
        """What this rule answers at an address of Spring, to a body that has the right shape."""
        address, headers = self._address(rule, method), {}
        if not address.startswith("/api/"):
            return client.open(address, method=method)
        if token := getattr(client, "token", None):
            headers["Authorization"] = f"Bearer {token}"
        return client.open(address, method=method, headers=headers, json=self._body(rule, method))

    def _client(self, cookie: str, who: auth.Actor) -> FlaskClient:
        client, token = self.app.test_client(), auth.issue(SETTINGS, who, 3600)
        client.set_cookie(cookie, token)
        client.token = token  # type: ignore[attr-defined]
        return client

    def _address(self, rule: Rule, method: str) -> str:
        said = {}
        for name in rule.arguments:
            blank: Any = {"UUIDConverter": uuid4(), "IntegerConverter": 1}
            known = self.known.get(f"{rule.rule.split('/')[1]}/{name}", self.known.get(name))
            said[name] = known or blank.get(type(rule._converters[name]).__name__, "unknown")
        return self.app.url_map.bind("").build(rule.endpoint, said, method=method)

    def _body(self, rule: Rule, method: str) -> Any:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        told = self.document["paths"].get(path, {}).get(method.lower(), {}).get("requestBody")
        return _example(told["content"]["application/json"]["schema"], self.document) if told else None

    def _appoint(self, role: str) -> UUID:
        organiser_id, given = uuid4(), "owner" if role == "stranger" else role
        with self.database.transaction() as session:
            if self.service.name == "registration":
                organiser_id = sign_ins.welcome(session, f"{role}@example.org", now=NOW).id
            row = {
                "role_id": uuid4(),
                "gathering_id": self.autumn if role == "stranger" else self.spring,
                "organiser_id": organiser_id,
                "role": given,
                "name": role,
                "email": f"{role}@example.org",
            }
            session.execute(insert(roles).values(**row))
        return organiser_id

    def _furnish(self) -> tuple[UUID, UUID]:
        if self.service.name == "registration":
            return self._make("Spring"), self._make("Autumn")
        return self._hear("spring", 1), self._hear("autumn", 2)

    def _make(self, title: str) -> UUID:
        """A gathering with somebody who comes, a story and a topic."""
        day = {"starts_at": NOW + timedelta(days=30), "ends_at": NOW + timedelta(days=30, hours=7)}
        with self.database.transaction() as session:
            by = sign_ins.welcome(session, "founder@example.org", now=NOW)
            made = gatherings.create(
                session, by=by, links=LINKS, now=NOW, **{**DESCRIPTION, **day, "title": title}
            )
            gatherings.open_door(session, made.id, by=by.id, links=LINKS, now=NOW)
            who = registrations.ask(
                session, made.id, given="Ada", family="L", email="ada@example.org", territory="A", trade="direction",
                structure="", language="fr", links=LINKS, now=NOW,
            ).participant_id  # fmt: skip
            registrations.confirm(session, who, links=LINKS, now=NOW)
            story = stories.propose(session, who, title="La clé", consents=True, now=NOW)
            topic = topics.propose(session, who, question="Comment ?", now=NOW)
        if title == "Spring":
            self.known |= {
                "participant_id": who,
                "story_id": story.id,
                "topic_id": topic.id,
                "moi/token": LINKS.participant_token(who),
            }
        return made.id

    def _hear(self, slug: str, number: int) -> UUID:
        """A gathering and somebody who comes to it, as this service hears of them."""
        gathering_id = UUID(int=number)
        for kind in ("gathering_described", "participant_registered"):
            fact = f"registration.{kind}.v1"
            if fact not in self.service.inbox.ears:
                continue
            data = json.loads((FACTS / f"{fact}.json").read_text(encoding="utf-8"))
            data |= {"gathering_id": str(gathering_id)} | ({"slug": slug} if "slug" in data else {})
            if "participant_id" in data:
                data["participant_id"] = str(UUID(int=100 + number))
            subject = data.get("participant_id", data["gathering_id"])
            envelope = {
                "specversion": "1.0", "id": str(uuid4()), "source": "registration", "type": fact,
                "subject": subject, "time": NOW.isoformat(), "aggversion": 1, "traceparent": "00-0-0-00",
                "data": data,
            }  # fmt: skip
            assert self.service.inbox.hear(self.database, envelope) in ("heard", "done", "applied"), fact
        return gathering_id

    def _begin(self) -> None:
        """What a walk needs beside the gathering: a round to look at."""
        if self.service.name == "grouping":
            owner = self.as_organiser("owner")
            rule = next(
                rule for rule, _ in self.rules("POST") if rule.rule.endswith("<uuid:gathering_id>/rounds")
            )
            made = self.ask(owner, rule, "POST")
            assert made.status_code == 202, made.text
            self.known["round_id"] = made.json["round_id"]


def _example(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """The smallest value of this JSON schema."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        wanted = schema.get("required", ())
        return {name: _example(schema["properties"][name], document) for name in wanted}
    if kind == "array":
        return [_example(schema["items"], document)] * schema.get("minItems", 0)
    if kind == "string":
        formats = {
            "uuid": str(uuid4()),
            "date-time": "2040-01-01T08:00:00+00:00",
            "time": "09:00",
            "email": "bo@example.org",
        }
        return formats.get(schema.get("format", ""), "x@example.org")
    return {"integer": schema.get("minimum", 1), "number": 1, "boolean": True}.get(kind)


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
