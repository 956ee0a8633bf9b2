"""Waiting for a database that is away: busy beyond measure, full, restarting, or cut off.

A worker has nothing else to do meanwhile, since all it does is in that database. Were it to give the message up, its
teller would send it again, but only after some seconds, and after more each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from services.chassis.inbox import is_passing

log = structlog.get_logger()

# Less than half of what a worker that is stopped is given to end (`worker_soft_shutdown_timeout`).
WITHIN_S = 8.0
FIRST_S, LONGEST_S = 0.1, 1.0

Done = TypeVar("Done")


def until_done(do: Callable[[], Done], *, within_s: float = WITHIN_S) -> Done:
    """Do what may be done twice, again and again while the database is away; raise what it raised after `within_s`."""
    give_up, pause_s = time.monotonic() + within_s, FIRST_S
    while True:
        try:
            return do()
        except DBAPIError as error:
            if not is_passing(error) or time.monotonic() + pause_s > give_up:
                raise
            log.warning("database_away", error=type(error).__name__)
        time.sleep(pause_s)
        pause_s = min(LONGEST_S, 2 * pause_s)
