"""Two toy services on the real backbone: registration tells wishes, grouping writes them down in the order told.

    python -m tests.toys worker|relay registration|grouping

The folder and the broker come from PALABRE_DATABASE_URL and PALABRE_REDIS_URL, as for any service.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from marshmallow import fields
from sqlalchemy import BigInteger, Column, Float, Integer, Table, Uuid, insert
from sqlalchemy.orm import Session

from services.chassis import relay, settings, worker
from services.chassis.db import Database, own_tables
from services.chassis.inbox import Heard, Inbox
from services.chassis.outbox import Event, publish
from services.chassis.service import Service
from services.chassis.settings import Settings

TELLING = own_tables()
HEARING = own_tables()
effects = Table(
    "effects",
    HEARING,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("person", Uuid),
    Column("number", Integer),
    Column("lag_s", Float),
)


class Wished(Event):
    """A toy: `number` counts the wishes of one person."""

    type = "registration.wishes_ranked.v1"
    subject = "participant_id"

    participant_id = fields.UUID(required=True)
    number = fields.Integer(required=True)


class Wish(Heard):
    participant_id = fields.UUID(required=True)
    number = fields.Integer(required=True)


_inbox = Inbox("grouping")


@_inbox.on(Wished.type, reads=Wish)
def note(session: Session, wish: dict[str, Any], now: datetime) -> None:
    lag = (datetime.now(UTC) - wish["_happened_at"]).total_seconds()
    session.execute(insert(effects).values(person=wish["participant_id"], number=wish["number"], lag_s=lag))


def _no_web(service: Service, database: Database, chosen: Settings) -> Flask:
    return Flask(service.name)


FOLDER = Path(__file__).parent
SERVICES = {
    "registration": Service("registration", TELLING, Inbox("registration"), (Wished,), _no_web, FOLDER),
    "grouping": Service("grouping", HEARING, _inbox, (), _no_web, FOLDER),
}


def wish(database: Database, person: UUID, number: int) -> None:
    """Tell one wish."""
    with database.transaction() as session:
        publish(session, Wished, about={"participant_id": person, "number": number})


if __name__ == "__main__":
    chosen = settings.read()
    service = SERVICES[sys.argv[2]]
    sys.exit(
        worker.run(service, chosen, pool="solo") if sys.argv[1] == "worker" else relay.run(service, chosen)
    )
