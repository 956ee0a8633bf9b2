"""A broker in memory that may be as bad as a broker can be: it loses, repeats, reorders, forgets and goes away."""

from __future__ import annotations

from copy import deepcopy
from typing import Any
from uuid import uuid4

import redis

from services.chassis.relay import EPOCH_KEY

Message = tuple[str, list[Any]]


class Broker:
    """Queues of (task, arguments) by name, and the few keys that a relay asks for.

    It stands where `Relay` has its Redis client: `pipeline` and `info` answer as redis-py would. While `is_away`
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

    def pipeline(self, transaction: bool = True) -> _Pipe:
        return _Pipe(self)

    def info(self, section: str) -> dict[str, str]:
        self._answer()
        return {"run_id": self.run_id}

    def _answer(self) -> None:
        if self.is_away:
            raise redis.ConnectionError("away")


class _Pipe:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._answers: list[Any] = []

    def set(self, key: str, value: str, nx: bool) -> None:
        assert (key, nx) == (EPOCH_KEY, True)
        self._answers.append(self._broker.keys.setdefault(key, value.encode()) == value.encode())

    def get(self, key: str) -> None:
        self._answers.append(self._broker.keys.get(key))

    def llen(self, queue: str) -> None:
        self._answers.append(len(self._broker.queues.get(queue, ())))

    def execute(self) -> list[Any]:
        self._broker._answer()
        return self._answers
