"""The post: messages written exactly as Celery writes them, and all that leave at once in one round trip.

Celery's own sending takes a round trip and about a millisecond for each message. What stands here is its message
protocol 2 inside kombu's envelope for Redis; a test holds it against what the locked versions write.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.chassis.settings import Settings

EPOCH_KEY = "palabre:epoch"
RUN_ID_S = 1.0
# Where Celery shows the arguments in its logs; ours speak of people.
UNSAID = "(...)"


@dataclass(frozen=True)
class Seen:
    """What the broker said: `epoch` changes when it has forgotten; `lengths` are messages waiting, by queue."""

    epoch: str
    lengths: dict[str, int]


class Post:
    """One kept connection to the broker. Messages are `put`, and leave with the next `exchange`."""

    def __init__(self, settings: Settings) -> None:
        # No retry: what did not leave is sent again by whoever wrote it down.
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=2,
            socket_connect_timeout=2,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._origin = f"{os.getpid()}@{socket.gethostname()}"
        self._waiting: list[tuple[str, bytes]] = []
        self._run_id = ""
        self._ask_run_id_at = 0.0

    def put(self, queue: str, task: str, arguments: str) -> None:
        """Have a task called with the positional `arguments`, the JSON text of a list."""
        self._waiting.append((queue, message(queue, task, arguments, self._origin)))

    def exchange(self, queues: Sequence[str]) -> Seen:
        """Send what was put and look at the broker. Raises redis.RedisError; what was put is forgotten then."""
        leaving, self._waiting = self._waiting, []
        pipe: Any = self._redis.pipeline(transaction=False)
        for queue, body in leaving:
            pipe.execute_command("LPUSH", queue, body)
        pipe.set(EPOCH_KEY, uuid4().hex, nx=True)
        pipe.get(EPOCH_KEY)
        for queue in queues:
            pipe.llen(queue)
        # A broker that came back from its own files keeps the epoch and may still have lost its last second.
        asks = not self._run_id or time.monotonic() >= self._ask_run_id_at
        if asks:
            pipe.info("server")
        answers = pipe.execute()
        if asks:
            self._run_id = str(answers.pop().get("run_id", ""))
            self._ask_run_id_at = time.monotonic() + RUN_ID_S
        epoch, lengths = answers[len(leaving) + 1], answers[len(leaving) + 2 :]
        return Seen(f"{epoch.decode()}:{self._run_id}", dict(zip(queues, lengths, strict=True)))

    def close(self) -> None:
        """Let the connection go; the next exchange opens another and asks anew who the broker is."""
        self._waiting, self._run_id = [], ""
        self._redis.close()


def message(queue: str, task: str, arguments: str, origin: str) -> bytes:
    """One task call as it lies in a Redis list; `arguments` is the JSON text of the positional arguments."""
    task_id = str(uuid4())
    body = f'[{arguments}, {{}}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]'
    rest = json.dumps(
        {
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": task,
                "id": task_id,
                "shadow": None,
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": task_id,
                "parent_id": None,
                "argsrepr": UNSAID,
                "kwargsrepr": "{}",
                "origin": origin,
                "ignore_result": None,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": _NOBODY,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": queue},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )
    # The body is nearly all of it, and base64 has nothing that JSON would write otherwise.
    return b'{"body": "%b", %b' % (base64.b64encode(body.encode()), rest[1:].encode())


# Celery writes whom to answer; our tasks answer nobody.
_NOBODY = str(UUID(int=0))
