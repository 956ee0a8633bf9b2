"""A sign of life that costs nothing to look at: a file that is touched while this process does its work.

A container is asked every few seconds whether it is well. Starting Python for each answer costs more than the whole
platform does at rest, so the process itself looks, from a thread, and the one who asks only looks at a file's age.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import create_engine, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from services.chassis.db import pulse
from services.chassis.health import SILENCE_S
from services.chassis.settings import Settings

log = structlog.get_logger()

# Often until the first beat, so that whoever waits for us to be well need not wait longer.
EVERY_S, AT_FIRST_S = 20.0, 1.0


class Heart:
    """Touches `place` whenever `is_well()` says so; an answer that fails is no beat."""

    def __init__(self, place: Path, is_well: Callable[[], bool], *, at_first_s: float = AT_FIRST_S) -> None:
        self._place, self._is_well, self._at_first_s = place, is_well, at_first_s
        self._stop = threading.Event()

    def begin(self) -> threading.Thread:
        """Beat from a thread of its own until the process ends."""
        self._place.unlink(missing_ok=True)
        thread = threading.Thread(target=self._beat, name="heart", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()

    def _beat(self) -> None:
        pause_s = self._at_first_s
        while not self._stop.wait(pause_s):
            if self._is_well():
                self._place.touch()
                pause_s = EVERY_S


def of_the_round(service: str, settings: Settings) -> Callable[[], bool]:
    """Whether a canary went round this service's relay, the broker and its worker lately."""
    # A connection for each look: one that was kept would be shared with the children a worker forks.
    engine = create_engine(make_url(settings.database_of(service)), poolclass=NullPool)

    def is_well() -> bool:
        try:
            with engine.connect() as connection:
                sung = connection.scalar(select(pulse.c.at).where(pulse.c.name == "canary"))
        except DBAPIError as error:
            log.warning("database_away", error=type(error).__name__)
            return False
        return sung is not None and datetime.now(UTC) - sung < timedelta(seconds=SILENCE_S)

    return is_well


def of_the_door(port: int) -> Callable[[], bool]:
    """Whether our own web answers, and its database with it."""

    def is_well() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return is_well


def begin(service: str, settings: Settings, *, door: bool) -> None:
    """Begin to beat where the operator asked for it."""
    if not settings.alive:
        return
    is_well = of_the_door(settings.port) if door else of_the_round(service, settings)
    Heart(Path(settings.alive), is_well).begin()
