"""Two smallest services over the real backbone: `registration` tells a fact, `grouping` hears it and notes it.

`python -m tests.bench.probe <service> work|relay`; PROBE_NOTES names the file the hours are written to.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TextIO
from uuid import UUID

from flask import Flask
from marshmallow import fields
from sqlalchemy import Column, Table, Uuid, event, insert
from sqlalchemy.orm import Session

from services.chassis import relay, settings, worker
from services.chassis.db import own_tables
from services.chassis.inbox import Heard, Inbox
from services.chassis.outbox import Event
from services.chassis.service import Service

TYPE = "registration.wishes_ranked.v1"


class WishesRanked(Event):
    """The one fact that is told in this bench; it has one hearer."""

    type = TYPE
    subject = "participant_id"

    participant_id = fields.UUID(required=True)
    gathering_id = fields.UUID(required=True)
    topic_ids = fields.List(fields.UUID(), required=True)


class Ranking(Heard):
    participant_id = fields.UUID(required=True)


def _service(name: str) -> Service:
    def no_pages(*_: object) -> Flask:
        raise NotImplementedError("the probe has no doors")

    return Service(
        name=name,
        metadata=own_tables(),
        inbox=Inbox(name),
        events=(),
        create_app=no_pages,
        folder=Path(__file__).parent,
    )


teller, hearer = _service("registration"), _service("grouping")
effects = Table("effects", hearer.metadata, Column("event_id", Uuid, primary_key=True))


@hearer.inbox.on(TYPE, reads=Ranking)
def note(session: Session, fact: dict[str, Any], now: datetime) -> None:
    """One row, and the instant at which it is committed, where somebody wants to know it."""
    event_id: UUID = fact["_event_id"]
    session.execute(insert(effects).values(event_id=event_id))
    if "PROBE_NOTES" in os.environ:
        event.listen(session, "after_commit", lambda _: _write(event_id), once=True)


def _write(event_id: UUID) -> None:
    notes().write(f"{event_id} {time.time():.6f}\n")


@cache
def notes() -> TextIO:
    return open(os.environ["PROBE_NOTES"], "a", buffering=1, encoding="ascii")  # noqa: SIM115


def main() -> NoReturn:
    name, verb = sys.argv[1:]
    service = {"registration": teller, "grouping": hearer}[name]
    chosen = settings.read()
    sys.exit(worker.run(service, chosen, pool="solo") if verb == "work" else relay.run(service, chosen))


if __name__ == "__main__":
    main()
