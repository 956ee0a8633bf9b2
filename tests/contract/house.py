"""One service where Spring is organised by some and Autumn by a stranger to them; every door of it can be walked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert
from werkzeug.routing import Rule

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
NOW = datetime.now(UTC)


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
        shape = told["content"].get("application/json") if told else None
        return _example(shape["schema"], self.document) if shape else None

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
