"""A broker in memory that may be as bad as a broker can be: it loses, repeats, reorders, forgets and goes away."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any
from uuid import uuid4

import redis

from services.chassis.post import EPOCH_KEY, Seen

Message = tuple[str, list[Any]]


class Broker:
    """Queues of (task, arguments) by name, and the few keys that a relay asks for.

    It stands behind the relay's post: `put` takes a message, `look` tells what an exchange tells. While `is_away`
    everything raises what redis-py raises.
    """

    def __init__(self) -> None:
        self.queues: dict[str, list[Message]] = {}
        self.keys: dict[str, bytes] = {}
        self.run_id = uuid4().hex
        self.is_away = False

    def put(self, queue: str, message: Message) -> None:
        self._answer()
        self.queues.setdefault(queue, []).append(deepcopy(message))

    def messages(self) -> list[tuple[str, int]]:
        """Where a message lies: its queue and its place there."""
        return [(name, place) for name, queue in self.queues.items() for place in range(len(queue))]

    def forget(self) -> None:
        """FLUSHALL, or a start with empty hands."""
        self.queues, self.keys, self.run_id = {}, {}, uuid4().hex

    def dump(self) -> tuple[Any, Any]:
        return deepcopy((self.queues, self.keys))

    def restore(self, dump: tuple[Any, Any]) -> None:
        """A start from an old file: what was taken since is there again, what came since is gone."""
        self.queues, self.keys = deepcopy(dump)
        self.run_id = uuid4().hex

    def look(self, queues: Sequence[str]) -> Seen:
        """What an exchange of the post tells of it."""
        self._answer()
        epoch = self.keys.setdefault(EPOCH_KEY, uuid4().hex.encode()).decode()
        return Seen(f"{epoch}:{self.run_id}", {name: len(self.queues.get(name, ())) for name in queues})

    def _answer(self) -> None:
        if self.is_away:
            raise redis.ConnectionError("away")
