"""Ends a worker that is alive but takes no work any more, so that its supervisor starts it again.

Celery's consumer on Redis can stay connected and silent for ever. Seen: the broker dies while a task runs; the task's
acknowledgement fails and keeps its place in the prefetch window; the window is full of such places, and nothing is
taken from the queue again. That the process lives says nothing; that work waits and none is done does. The canary that
the relay sends every few seconds sees to it that something waits even where nobody asks for anything.

A process that is stopped or starved cannot end itself: its supervisor hears no `beat` any more and ends it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
import structlog
from celery import signals
from celery.worker import state

from services.chassis.broker import client
from services.chassis.settings import Settings

log = structlog.get_logger()

LOOK_S = 2.0
PATIENCE_S = 6.0
# Three times what a task may take (`task_time_limit`); a pool of one has nobody else to end it.
LONGEST_S = 180.0


class Watch:
    """Counts how long work has waited while this worker did nothing; the hours are given in seconds."""

    def __init__(self, now: float) -> None:
        self.busy_at = self.moved_at = now

    def look(self, now: float, *, waiting: int | None, working: int) -> bool:
        """Whether the worker is silent: tasks wait in its queues, it works on none and has taken none for a while;
        or it has been at the same ones for far longer than any may take.

        `waiting` is None while the broker cannot be asked, which is nobody's silence.
        """
        if not working:
            self.moved_at = now
        if not waiting or working:
            self.busy_at = now
        return now - self.busy_at >= PATIENCE_S or now - self.moved_at >= LONGEST_S

    def took(self, now: float) -> None:
        """A task was taken from the queue, or ended."""
        self.busy_at = self.moved_at = now


def no_beat() -> None:
    """Nobody listens."""


def begin(settings: Settings, queues: Sequence[str], beat: Callable[[], None] = no_beat) -> threading.Thread:
    """Watch the worker of this process from a thread of its own, and end the process when it is silent.

    `beat` is called at every look; a supervisor that hears it no more knows that the process stands still.
    """
    watch = Watch(time.monotonic())

    def took(**_: Any) -> None:
        watch.took(time.monotonic())

    for signal in (signals.task_received, signals.task_postrun):
        signal.connect(took, weak=False)
    thread = threading.Thread(
        target=_keep_looking, args=(watch, settings, queues, beat), name="watch", daemon=True
    )
    thread.start()
    return thread


def _keep_looking(watch: Watch, settings: Settings, queues: Sequence[str], beat: Callable[[], None]) -> None:
    broker = client(settings)
    while True:
        beat()
        time.sleep(LOOK_S)
        if watch.look(time.monotonic(), waiting=_waiting(broker, queues), working=len(state.active_requests)):
            log.error("worker_silent", queues=list(queues))
            # Nothing runs in here, and what was taken and not acknowledged comes again.
            os._exit(1)


def _waiting(broker: redis.Redis, queues: Sequence[str]) -> int | None:
    pipe: Any = broker.pipeline(transaction=False)
    for queue in queues:
        pipe.llen(queue)
    try:
        lengths: list[int] = pipe.execute()
    except redis.RedisError:
        return None
    return sum(lengths)
