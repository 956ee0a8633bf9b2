"""A broker in memory that may be as bad as a broker can be: it loses, repeats, reorders, forgets and goes away."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import redis

from services.chassis.post import Seen


@dataclass
class Message:
    """A task call; `was_taken` when a worker died of it, or took it and gave it back."""

    task: str
    args: list[Any]
    was_taken: bool = False


class Broker:
    """Queues of messages by name, and the epoch that a relay looks for. While `is_away` nobody is answered."""

    def __init__(self) -> None:
        self.queues: dict[str, list[Message]] = {}
        self.epoch = ""
        self.run_id = uuid4().hex
        self.is_away = False

    def put(self, queue: str, message: Message) -> None:
        self.queues.setdefault(queue, []).append(message)

    def look(self, queues: Sequence[str]) -> Seen:
        """The first who looks into an empty broker leaves an epoch there."""
        self.epoch = self.epoch or uuid4().hex
        return Seen(f"{self.epoch}:{self.run_id}", {name: len(self.queues.get(name, ())) for name in queues})

    def messages(self) -> list[tuple[str, int]]:
        """Where each message lies: its queue and its place there."""
        return [(name, place) for name, queue in self.queues.items() for place in range(len(queue))]

    def forget(self) -> None:
        """FLUSHALL, or a start with empty hands."""
        self.queues, self.epoch, self.run_id = {}, "", uuid4().hex

    def dump(self) -> tuple[Any, Any]:
        return deepcopy((self.queues, self.epoch))

    def restore(self, dump: tuple[Any, Any]) -> None:
        """A start from an old file: what was taken since is there again, what came since is gone."""
        self.queues, self.epoch = deepcopy(dump)
        self.run_id = uuid4().hex


class Post:
    """One relay's connection, in place of services.chassis.post.Post; `before_each` may kill the relay."""

    def __init__(self, broker: Broker, before_each: Callable[[], None]) -> None:
        self._broker, self._before_each = broker, before_each
        self._waiting: list[tuple[str, Message]] = []

    def put(self, queue: str, task: str, arguments: str) -> None:
        self._waiting.append((queue, Message(task, json.loads(arguments))))

    def exchange(self, queues: Sequence[str]) -> Seen:
        leaving, self._waiting = self._waiting, []
        if self._broker.is_away:
            raise redis.ConnectionError("away")
        for queue, message in leaving:
            self._before_each()
            self._broker.put(queue, message)
        return self._broker.look(queues)

    def close(self) -> None:
        self._waiting = []
