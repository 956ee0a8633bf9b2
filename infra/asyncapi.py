"""The AsyncAPI 3 document of the facts, written from the schemas that publish them.

python -m infra.asyncapi            prints it; infra/asyncapi.json is held against it by a test
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from services.chassis import routes
from services.chassis.outbox import Event
from services.chassis.service import Service

ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 in JSON, the one argument of the Celery task <hearer>.hear; the first of several "
    "facts may carry the others under `also`, a list of envelopes.",
    "required": ["specversion", "id", "source", "type", "subject", "time", "aggversion", "traceparent", "data"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "format": "uuid", "description": "UUID version 7"},
        "source": {"type": "string", "description": "the service that tells"},
        "type": {"type": "string"},
        "subject": {"type": "string", "format": "uuid", "description": "what the fact is about"},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"const": "application/json"},
        "dataschema": {"type": "string"},
        "sequence": {"type": "integer", "description": "rises with each fact of the source"},
        "aggversion": {
            "type": "integer",
            "description": "1, 2, 3… for each hearer and subject: apply in this order",
        },
        "attempt": {"type": "integer", "description": "how often this fact was sent to this hearer"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
        "correlationid": {"type": "string"},
        "causationid": {"type": "string", "format": "uuid"},
    },
}


def street() -> tuple[Service, ...]:
    """Every service, as its app.py declares it."""
    found = (import_module(f"services.{name}.app").service for name in routes.services())
    return tuple(service for service in found if isinstance(service, Service))


def promises() -> dict[str, type[Event]]:
    """Every fact that is published, by type."""
    return {event.type: event for service in street() for event in service.events}


def document() -> dict[str, Any]:
    """The whole document; facts in the alphabet's order."""
    spec = APISpec("facts", "1", "3.1.0", plugins=[MarshmallowPlugin()])
    for event_type, event in sorted(promises().items()):
        spec.components.schema(event_type, schema=event)
    schemas: dict[str, Any] = spec.to_dict()["components"]["schemas"]
    hearers = routes.hearers()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Palabre facts",
            "version": "1",
            "description": "What the services tell each other, through Celery on Redis. "
            "Who hears what: infra/routes.toml.",
        },
        "defaultContentType": "application/json",
        "channels": {
            f"{name}.events": {
                "address": f"{name}.events",
                "description": f"The queue of what {name} hears.",
                "messages": {
                    fact: {"$ref": f"#/components/messages/{fact}"}
                    for fact in sorted(hearers)
                    if name in hearers[fact]
                },
            }
            for name in routes.services()
        },
        "operations": {
            f"{name}.hear": {"action": "receive", "channel": {"$ref": f"#/channels/{name}.events"}}
            for name in routes.services()
        },
        "components": {
            "messages": {
                fact: {
                    "name": fact,
                    "summary": (promises()[fact].__doc__ or "").strip().splitlines()[0],
                    "payload": {
                        "allOf": [
                            {"$ref": "#/components/schemas/Envelope"},
                            {"properties": {"data": {"$ref": f"#/components/schemas/{fact}"}}},
                        ]
                    },
                }
                for fact in sorted(hearers)
            },
            "schemas": {"Envelope": ENVELOPE, **schemas},
        },
    }


def text() -> str:
    """The document as it is kept in infra/asyncapi.json."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201
