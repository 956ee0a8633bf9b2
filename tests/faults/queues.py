"""What is put on the real queues by hand: facts again, backwards, with gaps, of the future, broken, or enormous."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from services.chassis.broker import events_queue
from services.chassis.celery_app import celery_app
from services.chassis.settings import Settings
from tests.faults.rig import Rig

HUGE = 10 * 1024 * 1024


class Queue:
    """Sends to the hearers' queues as registration's relay does, whatever it is told."""

    def __init__(self, rig: Rig) -> None:
        assert rig.broker is not None
        self.rig, self.client = rig, rig.broker.client
        self._app = celery_app("registration", Settings(redis_url=rig.broker.url()))

    def send(self, hearer: str, *args: Any, task: str = "hear") -> None:
        self._app.send_task(f"{hearer}.{task}", args=args, queue=events_queue(hearer), retry=False)

    def facts(self, *, unsent: bool = False, many: int = 200) -> list[tuple[str, dict[str, Any]]]:
        """The newest facts that registration told of people, with whom they are for; `unsent`: not sent yet."""
        rows = self.rig.rows(
            "registration",
            "select o.*, d.hearer, d.version from delivery d join outbox o on o.event_id = d.event_id "
            "where o.type like '%participant%' and (d.attempts = 0 or :any) "
            "order by o.sequence desc limit :many",
            any=not unsent,
            many=many,
        )
        return [(row.hearer, _envelope(row)) for row in reversed(rows)]

    def duplicate(self) -> None:
        """Each fact twice more, in any order."""
        again = self.facts() * 2
        random.shuffle(again)
        for hearer, fact in again:
            self.send(hearer, fact)

    def backwards(self) -> None:
        """What waits to be sent, the newest first."""
        for hearer, fact in reversed(self.facts(unsent=True)):
            self.send(hearer, fact)

    def gapped(self) -> None:
        """Of what waits to be sent, only what has an elder."""
        for hearer, fact in self.facts(unsent=True):
            if fact["aggversion"] > 1:
                self.send(hearer, fact)

    def unknown(self) -> None:
        """Facts of a kind that nobody knows, and of a version that comes in a year; with more than is read."""
        for hearer, fact in self.facts(many=60):
            self.send(hearer, {**fact, "id": str(uuid4()), "type": "registration.participant_vanished.v1"})
            self.send(hearer, {**fact, "id": str(uuid4()), "type": fact["type"].replace(".v1", ".v2")})
            self.send(hearer, {**fact, "data": {**fact["data"], "shoe_size": 44}, "weather": "mild"})

    def huge(self) -> None:
        """Ten megabytes in a fact that is known, and in one that is not."""
        hearer, fact = self.facts(many=1)[0]
        self.send(hearer, {**fact, "data": {**fact["data"], "novel": "x" * HUGE}})
        self.send(
            hearer, {**fact, "id": str(uuid4()), "type": "registration.novel_written.v1", "novel": "x" * HUGE}
        )

    def garbage(self) -> None:
        """What is no message at all."""
        body = base64.b64encode(b"{not json").decode()
        head = {"content-type": "application/json", "content-encoding": "utf-8", "headers": {}}
        for words in (b"{not json", b"[]", b"", b"\xff\xfe\x00", json.dumps({"body": body, **head}).encode()):
            self.client.lpush(events_queue("grouping"), words)

    def misshapen(self) -> None:
        """Messages that are no facts."""
        hearer, fact = self.facts(many=1)[0]
        for broken in (
            {},
            {"type": fact["type"]},
            {**fact, "id": "seven"},
            {**fact, "aggversion": None},
            "hello",
            None,
        ):
            self.send(hearer, broken)
        self.send(hearer)
        self.send(hearer, fact, fact)
        self.send(hearer, fact, task="sing")


def _envelope(row: Any) -> dict[str, Any]:
    body = json.loads(row.body) if isinstance(row.body, str) else row.body
    at = datetime.fromisoformat(row.happened_at) if isinstance(row.happened_at, str) else row.happened_at
    return {
        "specversion": "1.0",
        "id": str(UUID(str(row.event_id))),
        "source": "registration",
        "type": row.type,
        "subject": str(UUID(str(row.subject))),
        "time": (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat(),
        "datacontenttype": "application/json",
        "sequence": row.sequence,
        "aggversion": row.version,
        "attempt": 1,
        "traceparent": row.trace,
        "correlationid": row.trace.split("-")[1],
        "causationid": str(UUID(str(row.event_id))),
        "data": body,
    }
