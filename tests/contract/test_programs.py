"""The four JSON APIs keep to their own OpenAPI documents, whatever is sent: schemathesis against the real apps."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
import schemathesis
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.engine import events, from_schema
from werkzeug.serving import WSGIRequestHandler, make_server

from infra import asyncapi
from tests.contract.house import House

SERVICES = [service.name for service in asyncapi.street()]
EXAMPLES = 8
STORIES = "Stateful tests"
# Who is known at Spring to a service that hears of people.
HEARD = "00000000-0000-0000-0000-000000000065"


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Thousands of requests are no news."""


@schemathesis.serializer("message/rfc822")
def as_it_is(context: Any, value: Any) -> bytes:
    """A message that came back is sent as whatever bytes it has."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(params=SERVICES)
def house(request, open_sqlite) -> House:
    service = next(one for one in asyncapi.street() if one.name == request.param)
    return House(service, open_sqlite(service.metadata, service.name))


@pytest.fixture
def address(house) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, house.app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Found:
    """What a run of schemathesis saw: what broke, with the words to send it again, and how doors were answered."""

    broken: dict[tuple[str, str, str], str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    checks: Counter[str] = field(default_factory=Counter)
    answered: dict[str, set[int]] = field(default_factory=dict)

    def read(self, event: Any) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.troubles.append(f"{getattr(event, 'label', '')}: {getattr(event, 'info', event)}")
        if not isinstance(event, events.ScenarioFinished):
            return
        for told in event.recorder.interactions.values():
            if told.response is not None:
                self.answered.setdefault(event.recorder.label, set()).add(told.response.status_code)
        for check in (one for many in event.recorder.checks.values() for one in many):
            self.checks[check.name] += 1
            # A step of a story takes over what the one before it was answered, and a request that was made wrong may
            # be right again by then. What is wrong is tried at each door by itself.
            is_mended = event.recorder.label == STORIES and check.name == "negative_data_rejection"
            if check.failure_info is not None and not is_mended:
                failure = check.failure_info.failure
                key = (event.recorder.label, check.name, failure.title)
                self.broken.setdefault(key, f"{failure.message}\n{check.failure_info.code_sample}")


def _asked(house: House, address: str) -> Found:
    known = {name: str(said) for name, said in house.known.items() if "/" not in name}
    if house.service.name != "registration":
        known["participant_id"] = HEARD
    config = schemathesis.Config.from_dict(
        {
            "seed": 2027,
            "headers": {"Authorization": f"Bearer {house.as_organiser('owner').token}"},
            # Most of the time what is really there is asked for; nothing else would get past 404.
            "dictionaries": {name: {"values": [said]} for name, said in known.items()},
            "parameters": {f"path.{name}": {"dictionary": name, "probability": 0.8} for name in known},
            "generation": {
                "deterministic": True,
                "max-examples": EXAMPLES,
                "no-shrink": True,
                "database": "none",
            },
            # A form that is right may still be refused by a rule of the house: a seat that is taken, a day gone by.
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_url(f"{address}/api/{house.service.name}/openapi.json", config=config)
    found = Found()
    for event in from_schema(schema).execute():
        found.read(event)
    return found


def test_schemathesis_finds_no_answer_that_the_document_does_not_promise(house, address):
    found = _asked(house, address)

    said = "\n\n".join(f"{' · '.join(key)}\n{what}" for key, what in found.broken.items())
    assert (said, found.troubles) == ("", [])
    wanted = {
        "not_a_server_error", "status_code_conformance", "content_type_conformance",
        "response_schema_conformance", "response_headers_conformance", "negative_data_rejection",
        "unsupported_method", "allow_header_conformance", "ignored_auth", "use_after_free",
    }  # fmt: skip
    assert [name for name in wanted if found.checks[name] < 100] == []


def test_the_document_is_valid_and_names_every_door(house):
    document = house.document
    doors = [
        (path, method, door)
        for path, methods in document["paths"].items()
        for method, door in methods.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]

    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert [(path, method) for path, method, door in doors if not door.get("summary")] == []
    assert [
        name for name, often in Counter(door["operationId"] for *_, door in doors).items() if often > 1
    ] == []


def test_no_answer_is_a_bare_list(house):
    lists = [
        f"{method} {path}"
        for path, methods in house.document["paths"].items()
        for method, door in methods.items()
        if method != "parameters"
        for answer in door["responses"].values()
        for content in answer.get("content", {}).values()
        if content.get("schema", {}).get("type") == "array"
    ]

    assert lists == []


def test_whoever_is_refused_reads_a_problem(house):
    for rule, method in house.rules("GET", "POST", "PUT", "PATCH", "DELETE"):
        if re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule) not in house.document["paths"]:
            continue
        answer = house.ask(house.as_nobody(), rule, method)
        if answer.status_code >= 400:
            assert answer.mimetype == "application/problem+json", f"{method} {rule.rule}"
            assert ("WWW-Authenticate" in answer.headers) is (answer.status_code == 401), (
                f"{method} {rule.rule}"
            )
