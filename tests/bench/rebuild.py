"""A hearer that lost everything is told it again: grouping's people, by registration, through the real street."""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import func, insert, select

from services.chassis import migrations
from services.chassis.db import Database, delivery, outbox, told
from services.chassis.outbox import new_trace, uuid7
from services.chassis.routes import hearers
from services.grouping.app import service as grouping
from services.grouping.models import Member
from services.registration.app import service as registration
from tests.bench import servers
from tests.bench.hand import Place

TYPE = "registration.participant_registered.v1"
EXAMPLE = Path(__file__).parents[1] / "contract" / "facts" / f"{TYPE}.json"
AT_ONCE = 5_000


def rebuilt(place: Place, people: int) -> float:
    """Seconds until an empty grouping holds all `people` again; registration's databases are made for it."""
    with place.database("registration") as teller, place.database("grouping") as hearer, ExitStack() as street:
        for service, database in ((registration, teller), (grouping, hearer)):
            migrations.run(service, database)
        gathering = str(uuid4())
        for done in range(0, people, AT_ONCE):
            _told_before(teller, min(AT_ONCE, people - done), gathering, 1 + done)
        for name in ("registration", "grouping"):
            for verb in (["work", "--pool", "solo"], ["relay"]):
                command = [sys.executable, "-m", f"services.{name}", *verb]
                log = place.folder / f"rebuild.{name}.{verb[0]}.log"
                street.enter_context(servers.running(command, place.environ, log))
        began = time.monotonic()
        command = [sys.executable, "-m", "services.grouping", "replay", "--from", "registration"]
        servers.asked(command, place.environ, within_s=1200)
        took = time.monotonic() - began
        with hearer.reading() as session:
            held = session.scalar(select(func.count()).select_from(Member))
    if held != people:
        raise AssertionError(f"{held} of {people} people are there again")
    return took


def _told_before(database: Database, people: int, gathering: str, first: int) -> None:
    """Facts of so many people as they stand once everybody who hears them has acknowledged them."""
    now, example = datetime.now(UTC), json.loads(EXAMPLE.read_text(encoding="utf-8"))
    facts: list[dict[str, Any]] = []
    for number in range(first, first + people):
        person = uuid4()
        body = {**example, "participant_id": str(person), "gathering_id": gathering}
        facts.append(
            {"sequence": number, "event_id": uuid7(), "type": TYPE, "subject": person, "body": body}
            | {"trace": new_trace(), "cause": None, "happened_at": now}
        )
    with database.transaction() as session:
        session.execute(insert(outbox), facts)
        for hearer in hearers()[TYPE]:
            done = {"hearer": hearer, "version": 1}
            session.execute(
                insert(delivery),
                [
                    {"event_id": fact["event_id"], "sequence": fact["sequence"], **done}
                    | {"attempts": 1, "next_at": now, "acked_at": now}
                    for fact in facts
                ],
            )
            session.execute(insert(told), [{"subject": fact["subject"], **done} for fact in facts])
